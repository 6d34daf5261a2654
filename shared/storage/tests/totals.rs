//! The totals of sealed days, kept in a snapshot: always exact, whoever reads and whatever changes.

#![expect(clippy::unwrap_used, reason = "test code: a panic is how it reports")]

use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{GetOptions, Got, Precondition, Put};
use analysis_storage::testing::{Fault, FaultyBucket, ManualClock, Operation};
use analysis_storage::{
    Analyses, AnalysisId, Bucket, Condition, Document, Key, Layout, Retention, SavedAt, Stats, StorageType,
};
use bytes::Bytes;

struct Store {
    bucket: Arc<MemoryBucket>,
    clock: Arc<ManualClock>,
    retention: Retention,
}

impl Store {
    fn new(retention: Retention) -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-10T12:00:00Z", 7));
        Self { bucket: Arc::new(MemoryBucket::new(clock.clone())), clock, retention }
    }

    /// Another process on the same bucket.
    fn process(&self) -> Analyses {
        self.over(self.bucket.clone())
    }

    fn over(&self, bucket: Arc<dyn Bucket>) -> Analyses {
        let analyses = Analyses::new(bucket, StorageType::Memory, Layout::new(""), self.clock.clone());
        analyses.with_retention(self.retention)
    }

    fn at(&self, time: &str) {
        self.clock.set(time.parse().unwrap());
    }

    async fn save(&self, id: &str, text: &str) {
        self.clock.advance(Duration::from_millis(5));
        let document = Document::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap();
        let id = AnalysisId::from_stored(id).unwrap();
        self.process().save(&id, &document, &Condition::None).await.unwrap();
    }

    async fn delete(&self, id: &str) {
        self.process().delete(&AnalysisId::from_stored(id).unwrap(), None).await.unwrap();
    }

    async fn total(&self) -> u64 {
        self.process().stats().await.unwrap().total_analyses
    }

    async fn keys(&self, prefix: &str) -> Vec<String> {
        let listing = self.bucket.list(prefix, None, 1000).await.unwrap();
        listing.keys.iter().map(ToString::to_string).collect()
    }

    async fn snapshot(&self) -> serde_json::Value {
        match self.bucket.get(&Key::new("metadata/storage-stats.json"), GetOptions::default()).await.unwrap()
        {
            Got::Found(object) => serde_json::from_slice(&object.body).unwrap(),
            _ => serde_json::Value::Null,
        }
    }
}

fn sums(stats: &Stats) -> (u64, u64, Option<f64>, String) {
    let map = format!("{:?} {:?} {:?}", stats.implementations_used, stats.statuses, stats.by_month);
    (stats.total_analyses, stats.total_size_bytes, stats.average_execution_time, map)
}

#[tokio::test]
async fn all_figures_are_the_same_before_and_after_sealing() {
    let store = Store::new(Retention::default());
    store.save("a", r#"{"implementation":"hybrid","status":"success","execution_time":1}"#).await;
    store.at("2026-02-01T08:00:00Z");
    store.save("b", r#"{"implementation":"openai","status":"error","execution_time":2.5}"#).await;
    store.save("c", r#"{"implementation":"openai"}"#).await;
    let before = store.process().stats().await.unwrap();
    let map =
        r#"{"hybrid": 1, "openai": 2} {"error": 1, "success": 1, "unknown": 1} {"2026-01": 1, "2026-02": 2}"#;
    assert_eq!(sums(&before), (3, 157, Some(1.75), map.to_owned()));
    assert_eq!(before.oldest.as_deref(), Some("2026-01-10T12:00:00.005Z"));
    store.at("2026-03-01T08:00:00Z");
    for _ in 0..2 {
        let after = store.process().stats().await.unwrap();
        assert_eq!(
            (sums(&after), &after.oldest, &after.newest),
            (sums(&before), &before.oldest, &before.newest)
        );
        assert_eq!(store.snapshot().await["unsealed_from"], "2026-03-01");
        assert_eq!(store.snapshot().await["totals"]["analyses"], 3);
    }
}

#[tokio::test]
async fn a_day_is_sealed_one_hour_after_it_ended() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    store.at("2026-01-11T00:59:59Z");
    store.total().await;
    assert_eq!(store.snapshot().await["unsealed_from"], "2026-01-10");
    store.at("2026-01-11T01:00:00Z");
    store.total().await;
    assert_eq!(store.snapshot().await["unsealed_from"], "2026-01-11");
}

#[tokio::test]
async fn changes_of_sealed_days_are_counted_at_once_and_marked() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    store.save("b", "{}").await;
    store.at("2026-01-15T12:00:00Z");
    assert_eq!(store.total().await, 2);

    store.delete("a").await;
    assert_eq!(store.keys("metadata/dirty/").await.len(), 1);
    assert!(store.keys("metadata/dirty/").await[0].starts_with("metadata/dirty/2026-01-10/"));
    assert_eq!(store.total().await, 1);
    store.save("a", "{}").await;
    assert_eq!(store.total().await, 2);
    store.save("b", r#"{"status":"again"}"#).await;
    assert_eq!(store.process().stats().await.unwrap().statuses["again"], 1);

    store.clock.advance(Duration::from_mins(16));
    assert_eq!(store.total().await, 2);
    assert_eq!(store.keys("metadata/dirty/").await, Vec::<String>::new(), "accounted for");
    assert_eq!(store.total().await, 2);
    assert_eq!(store.snapshot().await["days"]["2026-01-10"]["statuses"]["again"], 1);
}

#[tokio::test]
async fn a_marker_of_a_change_that_may_be_under_way_stays() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    store.at("2026-01-15T12:00:00Z");
    store.total().await;
    store.delete("a").await;
    store.clock.advance(Duration::from_mins(14));
    for _ in 0..3 {
        assert_eq!(store.total().await, 0);
        assert_eq!(store.keys("metadata/dirty/").await.len(), 1);
    }
}

#[tokio::test]
async fn a_reader_that_cannot_store_its_snapshot_deletes_no_marker() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    store.at("2026-01-15T12:00:00Z");
    store.total().await;
    store.delete("a").await;
    store.clock.advance(Duration::from_mins(16));
    let faulty = FaultyBucket::new(
        store.bucket.clone(),
        Box::new(|op, key| (op == Operation::Put && key.contains("storage-stats")).then_some(Fault::Refused)),
    );
    let reader = store.over(Arc::new(faulty));
    assert_eq!(reader.stats().await.unwrap().total_analyses, 0, "the answer is exact all the same");
    assert_eq!(store.keys("metadata/dirty/").await.len(), 1);
    assert_eq!(store.total().await, 0);
    assert_eq!(store.keys("metadata/dirty/").await.len(), 0);
}

#[tokio::test]
async fn no_two_snapshots_have_one_tag() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    let mut seen = std::collections::BTreeSet::new();
    for day in 12..20 {
        store.at(&format!("2026-01-{day}T12:00:00Z"));
        store.total().await;
        let head = store.bucket.head(&Key::new("metadata/storage-stats.json")).await.unwrap().unwrap();
        assert!(seen.insert(head.etag.to_string()));
    }
}

#[tokio::test]
async fn what_is_past_its_retention_leaves_the_sealed_totals() {
    let store = Store::new(Retention::days(10));
    store.save("a", "{}").await;
    store.save("kept", "{}").await;
    store.at("2026-01-12T12:00:00Z");
    store.save("b", "{}").await;
    store.save("kept", r#"{"n":2}"#).await;
    store.at("2026-01-20T23:59:59Z");
    assert_eq!(store.total().await, 3);
    store.at("2026-01-21T00:00:00Z");
    assert_eq!(store.total().await, 2, "`a` is over; `kept` was saved again later");
    assert_eq!(store.total().await, 2);
    store.at("2026-01-23T00:00:00Z");
    assert_eq!(store.total().await, 0, "whether or not the lifecycle rules have removed them yet");
}

#[tokio::test]
async fn another_retention_derives_the_totals_anew() {
    let mut store = Store::new(Retention::days(10));
    store.save("a", "{}").await;
    store.at("2026-02-15T12:00:00Z");
    assert_eq!(store.total().await, 0);
    store.retention = Retention::days(100);
    assert_eq!(store.total().await, 1);
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_read_is_derived_anew() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    store.at("2026-01-15T12:00:00Z");
    for garbage in ["", "{}", "[1,2", r#"{"unsealed_from":"2999-01-01"}"#] {
        let put = Put {
            key: Key::new("metadata/storage-stats.json"),
            body: Bytes::from_static(garbage.as_bytes()),
            saved_at: SavedAt::from_micros(1),
            metadata: vec![],
            precondition: Precondition::None,
        };
        store.bucket.put(put).await.unwrap();
        assert_eq!(store.total().await, 1, "{garbage}");
        assert_eq!(store.snapshot().await["totals"]["analyses"], 1);
    }
}

#[tokio::test]
async fn clients_that_date_their_ids_back_change_sealed_days() {
    let store = Store::new(Retention::default());
    store.at("2026-01-15T12:00:00Z");
    assert_eq!(store.total().await, 0);
    store.save("018cc251-f400-7000-8000-000000000001", "{}").await;
    let stats = store.process().stats().await.unwrap();
    assert_eq!((stats.total_analyses, stats.by_month), (1, [("2024-01".to_owned(), 1)].into()));
}
