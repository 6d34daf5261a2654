//! A store that counts.

use std::sync::Arc;

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{Precondition, Put};
use analysis_storage::testing::{CountingBucket, ManualClock, Operation};
use analysis_storage::{
    Analyses, AnalysisId, Bucket, Clock, ContentToken, CreatedAt, Document, Entry, Layout, SavedAt,
    StorageType,
};
use bytes::Bytes;

/// Of the hour of the test, and of a day long over.
pub(crate) const UUID7: &str = "019bc17d-b640-7000-8000-000000000000";
pub(crate) const OTHER_UUID7: &str = "019bc17d-b640-7000-8000-000000000001";
pub(crate) const OLD_UUID7: &str = "018cc251-f400-7000-8000-000000000000";

#[derive(Debug, Clone)]
pub(crate) struct Shared(pub(crate) Arc<CountingBucket<MemoryBucket>>);

pub(crate) fn store() -> (Shared, Analyses) {
    let (bucket, analyses, _) = store_and_clock();
    (bucket, analyses)
}

pub(crate) fn store_and_clock() -> (Shared, Analyses, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at("2026-01-15T12:00:00Z", 7));
    let bucket = Arc::new(CountingBucket::new(MemoryBucket::new(clock.clone())));
    let shared: Arc<dyn Bucket> = bucket.clone();
    let analyses = Analyses::new(shared, StorageType::Memory, Layout::new("t"), clock.clone());
    (Shared(bucket), analyses, clock)
}

impl Shared {
    /// The requests since the last call, as `2 Put, 1 List`.
    pub(crate) fn spent(&self) -> String {
        let names = |(operation, count): (Operation, usize)| format!("{count} {operation:?}");
        self.0.take().into_iter().map(names).collect::<Vec<_>>().join(", ")
    }

    /// Puts an analysis there that was created so many milliseconds ago, as its save would have.
    pub(crate) async fn add(&self, clock: &ManualClock, n: u64, age: i64) {
        let layout = Layout::new("t");
        let created_at = CreatedAt::from_millis(clock.now().as_millisecond() - age).unwrap();
        let entry = Entry {
            id: AnalysisId::generate(created_at, [n; 2]),
            created_at,
            saved_at: SavedAt::from_micros(clock.now().as_microsecond()),
            token: ContentToken::of_content(b"{}"),
            summary: document().summary().clone(),
            size: 2,
        };
        for (key, body) in [(layout.entry(&entry), ""), (layout.document(&entry.id, created_at), "{}")] {
            let (body, saved_at, metadata) = (body.into(), entry.saved_at, vec![]);
            let precondition = Precondition::None;
            self.0.put(Put { key, body, saved_at, metadata, precondition }).await.unwrap();
        }
    }
}

pub(crate) fn document() -> Document {
    Document::parse(Bytes::from_static(b"{}")).unwrap()
}

pub(crate) fn id(text: &str) -> AnalysisId {
    AnalysisId::from_stored(text).unwrap()
}
