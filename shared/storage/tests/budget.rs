//! Every operation costs a fixed number of requests (design, section 7).

#![expect(clippy::unwrap_used, reason = "test code: a panic is how it reports")]

use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{GetOptions, Precondition, Put};
use analysis_storage::import::{Existing, Import, Outcome};
use analysis_storage::query::ListQuery;
use analysis_storage::rebuild::Mode;
use analysis_storage::testing::{CountingBucket, ManualClock, Operation};
use analysis_storage::{
    Analyses, AnalysisId, Bucket, Clock, Condition, ContentToken, CreatedAt, Document, ETag, Entry, Layout, SavedAt,
    StorageType,
};
use bytes::Bytes;

/// Of the day of the test, and of a day long over.
const UUID7: &str = "019bc14f-ef80-7000-8000-000000000000";
const OLD_UUID7: &str = "018cc251-f400-7000-8000-000000000000";

#[derive(Debug, Clone)]
struct Shared(Arc<CountingBucket<MemoryBucket>>);

fn store() -> (Shared, Analyses) {
    let (bucket, analyses, _) = store_and_clock();
    (bucket, analyses)
}

fn store_and_clock() -> (Shared, Analyses, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at("2026-01-15T12:00:00Z", 7));
    let bucket = Arc::new(CountingBucket::new(MemoryBucket::new(clock.clone())));
    let shared: Arc<dyn Bucket> = bucket.clone();
    let analyses = Analyses::new(shared, StorageType::Memory, Layout::new("t"), clock.clone());
    (Shared(bucket), analyses, clock)
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
async fn saves_and_deletes_of_past_days_write_one_marker_in_five_minutes() {
    let (bucket, analyses, clock) = store_and_clock();
    analyses.save(&id(OLD_UUID7), &document(), &Condition::None).await.unwrap();
    assert_eq!(bucket.spent(), "3 Put, 1 Head, 1 List");
    analyses.delete(&id(OLD_UUID7), None).await.unwrap();
    assert_eq!(bucket.spent(), "1 Head, 2 Delete, 2 List");
    clock.advance(Duration::from_mins(6));
    analyses.save(&id(OLD_UUID7), &document(), &Condition::None).await.unwrap();
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
async fn imports() {
    let (bucket, analyses) = store();
    let now = CreatedAt::clamped("2026-01-15T11:00:00Z".parse().unwrap());
    let import = async |name: &str, text: &'static [u8], existing| {
        let (id, document) = (id(name), Document::parse(Bytes::from_static(text)).unwrap());
        let import = Import { id: &id, document: &document, created_at: now, existing, known: None };
        let outcome = analyses.import(import).await.unwrap().outcome;
        (outcome, bucket.spent())
    };
    for (name, text, existing, outcome, cost) in [
        (UUID7, &b"{}"[..], Existing::Keep, Outcome::Created, "2 Put, 2 Head, 1 List"),
        ("named", b"{}", Existing::Keep, Outcome::Created, "3 Put, 1 Get, 1 Head, 1 List"),
        // The memory's tags are no digests, so that the documents are read.
        (UUID7, b"{}", Existing::Keep, Outcome::Unchanged, "1 Get, 1 Head, 1 List"),
        ("named", b"{}", Existing::Keep, Outcome::Unchanged, "2 Get, 1 Head, 1 List"),
        (UUID7, b"{ }", Existing::Keep, Outcome::Conflict, "1 Head"),
        (UUID7, b"{ }", Existing::Replace, Outcome::Replaced, "2 Put, 2 Head, 1 Delete, 1 List"),
        ("named", b"{ }", Existing::Replace, Outcome::Replaced, "2 Put, 2 Get, 2 Head, 1 Delete, 1 List"),
    ] {
        assert_eq!(import(name, text, existing).await, (outcome, cost.to_owned()), "{name} {outcome:?}");
    }
}

#[tokio::test]
async fn imports_of_what_a_list_has_shown() {
    let (bucket, analyses) = store();
    let now = CreatedAt::clamped("2026-01-15T11:00:00Z".parse().unwrap());
    let import = async |name: &str, known: &Entry| {
        let (id, document) = (id(name), document());
        let existing = Existing::Keep;
        let import = Import { id: &id, document: &document, created_at: now, existing, known: Some(known) };
        (analyses.import(import).await.unwrap().outcome, bucket.spent())
    };
    for name in [UUID7, "named"] {
        let known = analyses.save(&id(name), &document(), &Condition::None).await.unwrap().entry;
        bucket.spent();
        assert_eq!(import(name, &known).await, (Outcome::Unchanged, "1 Get, 1 Head".to_owned()));
        // What has been saved since the list is looked for.
        analyses.save(&id(name), &document(), &Condition::None).await.unwrap();
        bucket.spent();
        assert_eq!(import(name, &known).await, (Outcome::Unchanged, "1 Get, 1 Head, 1 List".to_owned()));
    }
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

const TEN_YEARS_MS: i64 = 315_576_000_000;

/// A store of that many analyses, created over the ten years before the test's day, and some on that day.
async fn filled(total: usize) -> (Shared, Analyses, Arc<ManualClock>) {
    let (bucket, analyses, clock) = store_and_clock();
    let layout = Layout::new("t");
    let now = clock.now().as_millisecond();
    for n in 0..total {
        let n = i64::try_from(n).unwrap();
        let age = if n < 500 { n } else { n * TEN_YEARS_MS / i64::try_from(total).unwrap() };
        let created_at = CreatedAt::from_millis(now - age).unwrap();
        let entry = Entry {
            id: AnalysisId::generate(created_at, [n.unsigned_abs(); 2]),
            created_at,
            saved_at: SavedAt::from_micros(created_at.millis() * 1000),
            token: ContentToken::of_content(b"{}"),
            summary: document().summary().clone(),
            size: 2,
        };
        for (key, body) in [(layout.entry(&entry), ""), (layout.document(&entry.id, created_at), "{}")] {
            let put = Put {
                key,
                body: body.into(),
                saved_at: entry.saved_at,
                metadata: vec![],
                precondition: Precondition::None,
            };
            bucket.0.put(put).await.unwrap();
        }
    }
    // The first reader seals all these years.
    assert_eq!(analyses.stats().await.unwrap().total_analyses, total as u64);
    bucket.spent();
    (bucket, analyses, clock)
}

/// What each operation costs in a store of that many analyses.
async fn costs(total: usize) -> Vec<(&'static str, String)> {
    let (bucket, analyses, clock) = filled(total).await;
    let mut costs = Vec::new();
    let saved = analyses.save_new(&document()).await.unwrap().entry.id;
    costs.push(("save", bucket.spent()));
    analyses.save(&id(UUID7), &document(), &Condition::None).await.unwrap();
    costs.push(("save uuid7", bucket.spent()));
    analyses.save(&id("named"), &document(), &Condition::None).await.unwrap();
    costs.push(("save named", bucket.spent()));
    clock.advance(Duration::from_millis(1));
    analyses.save(&id("named"), &document(), &Condition::None).await.unwrap();
    costs.push(("replace named", bucket.spent()));
    analyses.load(&saved, &GetOptions::default()).await.unwrap();
    costs.push(("load", bucket.spent()));
    let page = analyses.list(&ListQuery::default()).await.unwrap();
    costs.push(("list", bucket.spent()));
    analyses.list(&ListQuery { cursor: page.next, ..ListQuery::default() }).await.unwrap();
    costs.push(("list, second page", bucket.spent()));
    assert_eq!(analyses.stats().await.unwrap().total_analyses, total as u64 + 3);
    costs.push(("stats", bucket.spent()));
    analyses.delete(&saved, None).await.unwrap();
    costs.push(("delete", bucket.spent()));
    clock.advance(Duration::from_hours(24));
    assert_eq!(analyses.stats().await.unwrap().total_analyses, total as u64 + 2);
    costs.push(("stats, the first of a day", bucket.spent()));
    analyses.save(&id(OLD_UUID7), &document(), &Condition::None).await.unwrap();
    bucket.spent();
    assert_eq!(analyses.stats().await.unwrap().total_analyses, total as u64 + 3);
    costs.push(("stats, a past day changed", bucket.spent()));
    clock.advance(Duration::from_mins(16));
    analyses.stats().await.unwrap();
    costs.push(("stats, a quarter of an hour later", bucket.spent()));
    analyses.stats().await.unwrap();
    costs.push(("stats, the next", bucket.spent()));
    costs
}

#[tokio::test]
async fn no_operation_costs_more_for_a_million_analyses_than_for_a_thousand() {
    let few = costs(1000).await;
    let expected = [
        ("save", "2 Put"),
        ("save uuid7", "2 Put, 1 Head, 1 List"),
        ("save named", "3 Put, 1 Head, 1 List"),
        ("replace named", "4 Put, 1 Get, 1 Head, 1 Delete, 1 List"),
        ("load", "1 Get"),
        ("list", "1 List"),
        ("list, second page", "1 List"),
        ("stats", "1 Get, 2 List"),
        ("delete", "1 Head, 2 Delete, 2 List"),
        ("stats, the first of a day", "1 Put, 1 Get, 2 List"),
        ("stats, a past day changed", "1 Get, 3 List"),
        ("stats, a quarter of an hour later", "1 Put, 1 Get, 1 Delete, 3 List"),
        ("stats, the next", "1 Get, 2 List"),
    ];
    assert_eq!(few.iter().map(|(name, cost)| (*name, cost.as_str())).collect::<Vec<_>>(), expected);
    assert_eq!(costs(100_000).await, few);
    assert_eq!(costs(1_000_000).await, few);
}

#[tokio::test]
async fn stats_cost_one_more_request_for_each_thousand_saves_of_the_day() {
    let (bucket, analyses, clock) = store_and_clock();
    for expected in ["1 Put, 1 Get, 2 List", "1 Get, 3 List", "1 Get, 4 List"] {
        for _ in 0..999 {
            analyses.save_new(&document()).await.unwrap();
            clock.advance(Duration::from_millis(1));
        }
        bucket.spent();
        analyses.stats().await.unwrap();
        assert_eq!(bucket.spent(), expected);
    }
}

#[tokio::test]
async fn a_rebuild_of_a_sound_store() {
    let (bucket, analyses) = store();
    for _ in 0..1200 {
        analyses.save_new(&document()).await.unwrap();
    }
    let _ = bucket.spent();
    let mut position = None;
    let mut spent = Vec::new();
    loop {
        let page = analyses.rebuild_page(None, position.as_deref(), Mode::CHECK).await.unwrap();
        spent.push(bucket.spent());
        position = page.next;
        if position.is_none() {
            break;
        }
    }
    // Two pages of the index, and two of documents with the stretches of the index around them.
    assert_eq!(spent, ["999 Head, 1 List", "201 Head, 1 List", "1000 Head, 3 List", "200 Head, 3 List"]);
}
