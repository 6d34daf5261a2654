//! Every operation costs a fixed number of requests (design, section 7).

#![expect(clippy::unwrap_used, reason = "test code: a panic is how it reports")]

use std::sync::Arc;

use analysis_storage::bucket::GetOptions;
use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::query::ListQuery;
use analysis_storage::testing::{CountingBucket, ManualClock, Operation};
use analysis_storage::{Analyses, AnalysisId, Bucket, Condition, Document, ETag, Layout, StorageType};
use bytes::Bytes;

const UUID7: &str = "018cc251-f400-7000-8000-000000000000";

#[derive(Debug, Clone)]
struct Shared(Arc<CountingBucket<MemoryBucket>>);

fn store() -> (Shared, Analyses) {
    let clock = Arc::new(ManualClock::at("2026-01-15T12:00:00Z", 7));
    let bucket = Arc::new(CountingBucket::new(MemoryBucket::new(clock.clone())));
    let shared: Arc<dyn Bucket> = bucket.clone();
    (Shared(bucket), Analyses::new(shared, StorageType::Memory, Layout::new("t"), clock))
}

impl Shared {
    /// The requests since the last call, as `PUT PUT LIST ...` without order.
    fn spent(&self) -> String {
        let names = |(operation, count): (Operation, usize)| format!("{count} {operation:?}");
        self.0.take().into_iter().map(names).collect::<Vec<_>>().join(", ")
    }
}

fn document() -> Document {
    Document::parse(Bytes::from_static(b"{}")).unwrap()
}

fn id(text: &str) -> AnalysisId {
    AnalysisId::from_stored(text).unwrap()
}

#[tokio::test]
async fn saves() {
    let (bucket, analyses) = store();
    analyses.save_new(&document()).await.unwrap();
    assert_eq!(bucket.spent(), "2 Put");
    analyses.save(&id(UUID7), &document(), &Condition::None).await.unwrap();
    assert_eq!(bucket.spent(), "2 Put, 1 Head, 1 List");
    analyses.save(&id("named"), &document(), &Condition::None).await.unwrap();
    assert_eq!(bucket.spent(), "3 Put, 1 Head, 1 List");
}

#[tokio::test]
async fn replaces() {
    let (bucket, analyses) = store();
    analyses.save(&id(UUID7), &document(), &Condition::None).await.unwrap();
    let named = analyses.save(&id("named"), &document(), &Condition::None).await.unwrap();
    bucket.spent();
    analyses.save(&id(UUID7), &document(), &Condition::None).await.unwrap();
    assert_eq!(bucket.spent(), "3 Put, 1 Head, 1 Delete, 1 List");
    analyses.save(&id("named"), &document(), &Condition::Match(named.etag)).await.unwrap();
    assert_eq!(bucket.spent(), "2 Put, 1 Get, 1 Head, 1 Delete, 1 List");
}

#[tokio::test]
async fn refusals() {
    let (bucket, analyses) = store();
    let saved = analyses.save_new(&document()).await.unwrap();
    bucket.spent();
    let id = saved.entry.id;
    analyses.save(&id, &document(), &Condition::Absent).await.unwrap_err();
    assert_eq!(bucket.spent(), "1 Put, 1 Head, 1 List");
    analyses.delete(&id, Some(&ETag::new("\"other\""))).await.unwrap_err();
    assert_eq!(bucket.spent(), "1 Head, 1 Delete, 2 List");
}

#[tokio::test]
async fn loads() {
    let (bucket, analyses) = store();
    let saved = analyses.save_new(&document()).await.unwrap();
    analyses.save(&id("named"), &document(), &Condition::None).await.unwrap();
    bucket.spent();
    analyses.load(&saved.entry.id, &GetOptions::default()).await.unwrap();
    assert_eq!(bucket.spent(), "1 Get");
    let unchanged = GetOptions { if_none_match: Some(saved.etag), version_id: None };
    analyses.load(&saved.entry.id, &unchanged).await.unwrap();
    assert_eq!(bucket.spent(), "1 Get");
    analyses.load(&id("named"), &GetOptions::default()).await.unwrap();
    assert_eq!(bucket.spent(), "2 Get");
}

#[tokio::test]
async fn a_list_page_is_one_request() {
    let (bucket, analyses) = store();
    for _ in 0..300 {
        analyses.save_new(&document()).await.unwrap();
    }
    bucket.spent();
    let page = analyses.list(&ListQuery::default()).await.unwrap();
    assert_eq!((bucket.spent().as_str(), page.entries.len()), ("1 List", 100));
    analyses.list(&ListQuery { cursor: page.next, ..ListQuery::default() }).await.unwrap();
    assert_eq!(bucket.spent(), "1 List");
}

#[tokio::test]
async fn deletes() {
    let (bucket, analyses) = store();
    let saved = analyses.save_new(&document()).await.unwrap();
    analyses.save(&id("named"), &document(), &Condition::None).await.unwrap();
    bucket.spent();
    analyses.delete(&saved.entry.id, None).await.unwrap();
    assert_eq!(bucket.spent(), "1 Head, 2 Delete, 2 List");
    analyses.delete(&id("named"), None).await.unwrap();
    assert_eq!(bucket.spent(), "1 Get, 1 Head, 2 Delete, 2 List");
}
