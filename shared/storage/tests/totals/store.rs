//! A store in memory, and processes on it.

use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{GetOptions, Got};
use analysis_storage::testing::ManualClock;
use analysis_storage::{
    Analyses, AnalysisId, Bucket, Condition, Document, Key, Layout, Retention, Stats, StorageType,
};
use bytes::Bytes;

pub(crate) struct Store {
    pub(crate) bucket: Arc<MemoryBucket>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) retention: Retention,
}

impl Store {
    pub(crate) fn new(retention: Retention) -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-10T12:00:00Z", 7));
        Self { bucket: Arc::new(MemoryBucket::new(clock.clone())), clock, retention }
    }

    /// Another process on the same bucket.
    pub(crate) fn process(&self) -> Analyses {
        self.over(self.bucket.clone())
    }

    pub(crate) fn over(&self, bucket: Arc<dyn Bucket>) -> Analyses {
        let analyses = Analyses::new(bucket, StorageType::Memory, Layout::new(""), self.clock.clone());
        analyses.with_retention(self.retention)
    }

    pub(crate) fn at(&self, time: &str) {
        self.clock.set(time.parse().unwrap());
    }

    pub(crate) async fn save(&self, id: &str, text: &str) {
        self.clock.advance(Duration::from_millis(5));
        let id = AnalysisId::from_stored(id).unwrap();
        self.process().save(&id, &document(text), &Condition::None).await.unwrap();
    }

    pub(crate) async fn delete(&self, id: &str) {
        self.process().delete(&AnalysisId::from_stored(id).unwrap(), None).await.unwrap();
    }

    pub(crate) async fn total(&self) -> u64 {
        self.process().stats().await.unwrap().total_analyses
    }

    pub(crate) async fn keys(&self, prefix: &str) -> Vec<String> {
        let listing = self.bucket.list(prefix, None, 1000).await.unwrap();
        listing.keys().map(ToString::to_string).collect()
    }

    pub(crate) async fn snapshot(&self) -> serde_json::Value {
        match self.bucket.get(&Key::new("metadata/storage-stats.json"), GetOptions::default()).await.unwrap()
        {
            Got::Found(object) => serde_json::from_slice(&object.body).unwrap(),
            _ => serde_json::Value::Null,
        }
    }
}

pub(crate) fn document(text: &str) -> Document {
    Document::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

pub(crate) fn id(text: &str) -> AnalysisId {
    AnalysisId::from_stored(text).unwrap()
}

pub(crate) fn sums(stats: &Stats) -> (u64, u64, Option<f64>, String) {
    let map = format!("{:?} {:?} {:?}", stats.implementations_used, stats.statuses, stats.by_month);
    (stats.total_analyses, stats.total_size_bytes, stats.average_execution_time, map)
}
