//! A store in memory, and the same store for clients that have bad luck.

use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{GetOptions, Precondition, Put};
use analysis_storage::query::ListQuery;
use analysis_storage::testing::{Fault, FaultyBucket, ManualClock, Operation};
use analysis_storage::{
    Analyses, AnalysisId, Bucket, Condition, Document, Entry, Error, Key, Layout, Loaded, Saved, SavedAt,
    StorageType,
};
use bytes::Bytes;

pub(crate) const UUID7: &str = "018cc251-f400-7000-8000-000000000000";
pub(crate) const HOUR: Duration = Duration::from_hours(1);

pub(crate) struct Store {
    pub(crate) bucket: Arc<MemoryBucket>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) analyses: Analyses,
}

impl Store {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-15T12:00:00Z", 7));
        let bucket = Arc::new(MemoryBucket::new(clock.clone()));
        let analyses = analyses(bucket.clone(), &clock);
        Self { bucket, clock, analyses }
    }

    /// The same store, over a bucket that fails one request.
    pub(crate) fn failing(&self, operation: Operation, part: &'static str, fault: Fault) -> Analyses {
        analyses(Arc::new(FaultyBucket::once(self.bucket.clone(), operation, part, fault)), &self.clock)
    }

    /// The same store for a caller that crashes at its first request of this kind.
    pub(crate) fn crashing(&self, operation: Operation, part: &'static str) -> Analyses {
        let decide = move |op, key: &str| (op == operation && key.contains(part)).then_some(Fault::Refused);
        analyses(Arc::new(FaultyBucket::new(self.bucket.clone(), Box::new(decide))), &self.clock)
    }

    pub(crate) async fn save(&self, id: &str, text: &str) -> Saved {
        self.analyses.save(&self.id(id), &document(text), &Condition::None).await.unwrap()
    }

    pub(crate) fn id(&self, text: &str) -> AnalysisId {
        AnalysisId::parse(text, analysis_storage::Clock::now(&*self.clock)).unwrap()
    }

    pub(crate) async fn text(&self, id: &str) -> Option<String> {
        match self.analyses.load(&self.id(id), &GetOptions::default()).await {
            Ok(Loaded::Document(object)) => Some(String::from_utf8(object.body.to_vec()).unwrap()),
            Err(Error::NotFound { .. }) => None,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn list(&self, query: &ListQuery) -> Vec<Entry> {
        self.analyses.list(query).await.unwrap().entries
    }

    pub(crate) async fn all(&self) -> Vec<String> {
        self.list(&ListQuery::default()).await.iter().map(|entry| entry.id.to_string()).collect()
    }

    pub(crate) async fn index_keys(&self) -> usize {
        self.bucket.list("t/metadata/index/", None, 1000).await.unwrap().objects.len()
    }
}

impl Store {
    /// The same store, over another bucket.
    pub(crate) fn over(&self, bucket: impl Bucket + 'static) -> Analyses {
        analyses(Arc::new(bucket), &self.clock)
    }

    /// Puts an empty object there, as other programs may.
    pub(crate) async fn put_unrelated(&self, key: &str) {
        let (key, saved_at) = (Key::new(key), SavedAt::from_micros(1));
        let precondition = Precondition::None;
        self.bucket
            .put(Put { key, body: Bytes::new(), saved_at, metadata: vec![], precondition })
            .await
            .unwrap();
    }
}

pub(crate) fn analyses(bucket: Arc<dyn Bucket>, clock: &Arc<ManualClock>) -> Analyses {
    Analyses::new(bucket, StorageType::Memory, Layout::new("t"), clock.clone())
}

pub(crate) fn document(text: &str) -> Document {
    Document::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

pub(crate) fn labelled(implementation: &str, status: &str) -> Document {
    document(&format!(r#"{{"implementation":"{implementation}","status":"{status}"}}"#))
}
