//! Changes that take longer than any window, or crash.

use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::{Bucket as _, Precondition, Put};
use analysis_storage::testing::{Fault, FaultyBucket, Operation};
use analysis_storage::{
    Analyses, AnalysisId, Clock as _, Condition, CreatedAt, Entry, Layout, Retention, SavedAt,
};
use futures::FutureExt;

use crate::store::{Store, document, id};

/// An id of the past, in hours before the beginning of the test.
fn uuid7(store: &Store, hours: i64) -> AnalysisId {
    let at = store.clock.now() - jiff::SignedDuration::from_hours(hours);
    AnalysisId::generate(CreatedAt::clamped(at), [7, 7])
}

impl Store {
    /// A process that is suspended for so long before its first request of this kind, while others read the totals.
    fn suspended(&self, operation: Operation, part: &'static str, time: Duration) -> Analyses {
        let (clock, reader) = (self.clock.clone(), self.process());
        let mut left = 1;
        let decide = move |op, key: &str| {
            if left > 0 && op == operation && key.contains(part) {
                left -= 1;
                clock.advance(time / 2);
                reader.stats().now_or_never().unwrap().unwrap();
                clock.advance(time / 2);
                reader.stats().now_or_never().unwrap().unwrap();
            }
            None
        };
        self.over(Arc::new(FaultyBucket::new(self.bucket.clone(), Box::new(decide))))
    }

    /// Whatever is read from now on, it is this.
    async fn stays(&self, analyses: u64, what: &str) {
        for _ in 0..4 {
            assert_eq!(self.total().await, analyses, "{what}");
            self.clock.advance(Duration::from_mins(16));
        }
        assert_eq!(self.keys("metadata/dirty/").await, Vec::<String>::new(), "{what}");
        assert_eq!(self.total().await, analyses, "{what}");
    }
}

const TIMES: [Duration; 4] =
    [Duration::from_mins(9), Duration::from_mins(32), Duration::from_hours(3), Duration::from_hours(80)];

#[tokio::test]
async fn a_new_analysis_is_counted_however_long_its_save_took() {
    for (operation, part) in [(Operation::Put, "analysis/"), (Operation::Put, "index/")] {
        for time in TIMES {
            let store = Store::new(Retention::default());
            store.suspended(operation, part, time).save_new(&document("{}")).await.unwrap();
            store.stays(1, &format!("{part} {time:?}")).await;
        }
    }
}

#[tokio::test]
async fn every_change_is_counted_however_long_it_took() {
    for hours in [0, 1, 2, 30, 100] {
        for (operation, part) in [
            (Operation::Put, "analysis/"),
            (Operation::Put, "index/"),
            (Operation::Put, "dirty/"),
            (Operation::List, "index/"),
            (Operation::Head, "analysis/"),
            (Operation::Delete, "analysis/"),
            (Operation::Delete, "index/"),
        ] {
            for time in TIMES {
                let what = format!("{hours} hours old, {operation:?} {part}, {time:?}");
                let store = Store::new(Retention::default());
                let old = uuid7(&store, hours);
                let process = store.suspended(operation, part, time);
                process.save(&old, &document("{}"), &Condition::None).await.unwrap();
                store.stays(1, &format!("save, {what}")).await;

                let process = store.suspended(operation, part, time);
                process.save(&old, &document(r#"{"status":"again"}"#), &Condition::None).await.unwrap();
                store.stays(1, &format!("replace, {what}")).await;
                assert_eq!(store.process().stats().await.unwrap().statuses["again"], 1, "{what}");

                let process = store.suspended(operation, part, time);
                process.delete(&old, None).await.unwrap();
                store.stays(0, &format!("delete, {what}")).await;

                let process = store.suspended(operation, part, time);
                process.save(&id("named"), &document("{}"), &Condition::None).await.unwrap();
                store.stays(1, &format!("named, {what}")).await;
            }
        }
    }
}

impl Store {
    /// An id of a sealed day with an entry that is newer than that of its document.
    async fn stale_entry_of_a_sealed_day(&self) -> AnalysisId {
        let old = uuid7(self, 100);
        let saved = self.process().save(&old, &document("{}"), &Condition::None).await.unwrap();
        let saved_at = SavedAt::from_micros(saved.entry.saved_at.micros() + 1);
        let stale = Layout::new("").entry(&Entry { saved_at, size: 99, ..saved.entry.clone() });
        let (metadata, precondition) = (Vec::new(), Precondition::None);
        self.bucket.put(Put { key: stale, body: "".into(), saved_at, metadata, precondition }).await.unwrap();
        self.clock.advance(Duration::from_mins(16));
        assert_eq!(self.size().await, 99);
        assert_eq!(self.keys("metadata/dirty/").await, Vec::<String>::new());
        old
    }

    async fn size(&self) -> u64 {
        self.process().stats().await.unwrap().total_size_bytes
    }
}

/// A repair that cannot read the document, and so has no entry to write.
#[tokio::test]
async fn a_repair_that_only_removes_an_entry_is_counted_however_long_it_took() {
    for time in TIMES {
        let store = Store::new(Retention::default());
        let old = store.stale_entry_of_a_sealed_day().await;
        let (clock, reader) = (store.clock.clone(), store.process());
        let decide = move |op, key: &str| {
            if op == Operation::Delete && key.contains("index/") {
                clock.advance(time);
                reader.stats().now_or_never().unwrap().unwrap();
            }
            (op == Operation::Get && key.contains("analysis/")).then_some(Fault::Archived)
        };
        let process = store.over(Arc::new(FaultyBucket::new(store.bucket.clone(), Box::new(decide))));
        process.repair(&old).await.unwrap();
        assert_eq!(store.size().await, 2, "{time:?}");
    }
}

#[tokio::test]
async fn a_repair_that_crashes_once_it_has_removed_an_entry_is_counted() {
    let store = Store::new(Retention::default());
    let old = store.stale_entry_of_a_sealed_day().await;
    let decide = |op, key: &str| match op {
        Operation::Get if key.contains("analysis/") => Some(Fault::Archived),
        Operation::Delete if key.contains("index/") => Some(Fault::AnswerLost),
        _ => None,
    };
    let crashing = store.over(Arc::new(FaultyBucket::new(store.bucket.clone(), Box::new(decide))));
    crashing.repair(&old).await.unwrap_err();
    assert_eq!(store.size().await, 2);
}
