//! Hosts whose clocks are wrong. The bucket's is the only one that counts.

use std::sync::Arc;
use std::time::Duration;

use analysis_storage::testing::{DatedBucket, Fault, FaultyBucket, Operation, ShiftedClock};
use analysis_storage::{
    Analyses, AnalysisId, Bucket, Clock, Condition, CreatedAt, Layout, Retention, StorageType,
};
use jiff::SignedDuration;

use crate::store::{Store, document};

const HOURS: [i64; 2] = [-8, 8];

impl Store {
    /// A new process on a host whose clock is fast by so much.
    fn process_fast_by(&self, fast_by: SignedDuration, bucket: Arc<dyn Bucket>) -> Analyses {
        let host: Arc<dyn Clock> = Arc::new(ShiftedClock::new(self.clock.clone(), fast_by));
        let dated = DatedBucket::new(bucket, self.clock.clone(), host.clone());
        Analyses::new(Arc::new(dated), StorageType::Memory, Layout::new(""), host)
    }

    fn process_wrong_by(&self, hours: i64) -> Analyses {
        self.process_fast_by(SignedDuration::from_hours(hours), self.bucket.clone())
    }
}

#[tokio::test]
async fn a_reader_with_a_wrong_clock_seals_no_running_hour() {
    for hours in HOURS {
        let store = Store::new(Retention::default());
        store.save("a", "{}").await;
        for total in 2..6 {
            assert_eq!(store.process_wrong_by(hours).stats().await.unwrap().total_analyses, total - 1);
            assert_eq!(store.snapshot().await["sealed_until"], "2026-01-10T11:00:00Z");
            store.save(&format!("later-{total}"), "{}").await;
        }
        store.at("2026-01-17T12:00:00Z");
        assert_eq!(store.total().await, 5, "a week on");
        assert_eq!(store.process_wrong_by(hours).stats().await.unwrap().total_analyses, 5);
    }
}

#[tokio::test]
async fn the_first_save_of_a_process_has_the_time_of_the_bucket() {
    for hours in HOURS {
        let store = Store::new(Retention::default());
        store.clock.advance(Duration::from_millis(500));
        let now = store.clock.now();
        let new = store.process_wrong_by(hours).save_new(&document("{}")).await.unwrap().entry;
        let id = AnalysisId::from_stored("named").unwrap();
        let named =
            store.process_wrong_by(hours).save(&id, &document("{}"), &Condition::None).await.unwrap().entry;
        for at in [
            new.created_at.timestamp(),
            new.id.created_at().unwrap().timestamp(),
            new.saved_at.timestamp(),
            named.created_at.timestamp(),
            named.saved_at.timestamp(),
        ] {
            assert!(at.duration_since(now).abs() <= SignedDuration::from_secs(1), "{hours}: {at} at {now}");
        }
    }
}

#[tokio::test]
async fn a_replacing_save_has_the_greater_token_whatever_the_clocks_show() {
    let store = Store::new(Retention::default());
    let id = AnalysisId::from_stored("named").unwrap();
    let mut last = None;
    for n in 0..20_i64 {
        // Within what the correction leaves open, each is behind the one before.
        let process = store.process_fast_by(SignedDuration::from_millis(-400 * n), store.bucket.clone());
        let document = document(&format!(r#"{{"n":{n}}}"#));
        let saved = process.save(&id, &document, &Condition::None).await.unwrap();
        assert!(last < Some(saved.entry.saved_at), "{n}");
        last = Some(saved.entry.saved_at);
    }
}

#[tokio::test]
async fn changes_by_processes_with_wrong_clocks_are_counted() {
    for (reader, writer) in [(0, -8), (0, 8), (-8, 8), (8, -8), (8, 0), (-8, 0)] {
        let store = Store::new(Retention::default());
        let total = async || store.process_wrong_by(reader).stats().await.unwrap().total_analyses;
        let of_hours_ago = |hours| {
            let at = store.clock.now() - SignedDuration::from_hours(hours);
            AnalysisId::generate(CreatedAt::clamped(at), [7, 7])
        };
        for (n, hours) in [0, 1, 2, 3, 7, 9, 49, 100].into_iter().enumerate() {
            assert_eq!(total().await, n as u64);
            let id = of_hours_ago(hours);
            store.process_wrong_by(writer).save(&id, &document("{}"), &Condition::None).await.unwrap();
            assert_eq!(total().await, n as u64 + 1, "{reader} {writer}, {hours} hours ago");
            for _ in 0..3 {
                store.clock.advance(Duration::from_mins(16));
                assert_eq!(total().await, n as u64 + 1, "{reader} {writer}, {hours} hours ago");
            }
        }
        assert_eq!(store.keys("metadata/dirty/").await, Vec::<String>::new());
    }
}

/// Found by reading: the first answer corrected the clock, and the deadline seemed to have passed hours ago.
#[tokio::test]
async fn a_wrong_clock_leaves_a_process_its_patience() {
    for hours in HOURS {
        let store = Store::new(Retention::default());
        let refusing = || {
            let faulty =
                FaultyBucket::once(store.bucket.clone(), Operation::Put, "analysis/", Fault::Refused);
            store.process_fast_by(SignedDuration::from_hours(hours), Arc::new(faulty))
        };
        let id = AnalysisId::generate(CreatedAt::clamped(store.clock.now()), [7, 7]);
        refusing().save(&id, &document("{}"), &Condition::None).await.unwrap();
        refusing()
            .within(Duration::from_secs(25))
            .save(&id, &document("{ }"), &Condition::None)
            .await
            .unwrap();
        assert_eq!(store.total().await, 1);
    }
}
