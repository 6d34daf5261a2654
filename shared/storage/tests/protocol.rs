//! What save, load, list and delete promise, on a bucket in memory: one test a promise.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: a panic is how it reports")]

use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{
    BucketInfo, GetOptions, Got, Listing, ObjectMeta, Precondition, Put, RestoreTier, Restoring, Version,
};
use analysis_storage::query::{Cursor, Filter, Limit, ListQuery};
use analysis_storage::testing::{Fault, FaultyBucket, ManualClock, Operation};
use analysis_storage::{
    Analyses, AnalysisId, Bucket, Condition, Document, Entry, Error, Key, Layout, Loaded, Retention, Saved,
    StorageType,
};
use bytes::Bytes;
use futures::FutureExt;

struct Store {
    bucket: Arc<MemoryBucket>,
    clock: Arc<ManualClock>,
    analyses: Analyses,
}

impl Store {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-15T12:00:00Z", 7));
        let bucket = Arc::new(MemoryBucket::new(clock.clone()));
        let analyses = analyses(bucket.clone(), &clock);
        Self { bucket, clock, analyses }
    }

    /// The same store, over a bucket that fails one request.
    fn failing(&self, operation: Operation, part: &'static str, fault: Fault) -> Analyses {
        analyses(Arc::new(FaultyBucket::once(self.bucket.clone(), operation, part, fault)), &self.clock)
    }

    /// The same store for a caller that crashes at its first request of this kind.
    fn crashing(&self, operation: Operation, part: &'static str) -> Analyses {
        let decide = move |op, key: &str| (op == operation && key.contains(part)).then_some(Fault::Refused);
        analyses(Arc::new(FaultyBucket::new(self.bucket.clone(), Box::new(decide))), &self.clock)
    }

    async fn save(&self, id: &str, text: &str) -> Saved {
        self.analyses.save(&self.id(id), &document(text), &Condition::None).await.unwrap()
    }

    fn id(&self, text: &str) -> AnalysisId {
        AnalysisId::parse(text, analysis_storage::Clock::now(&*self.clock)).unwrap()
    }

    async fn text(&self, id: &str) -> Option<String> {
        match self.analyses.load(&self.id(id), &GetOptions::default()).await {
            Ok(Loaded::Document(object)) => Some(String::from_utf8(object.body.to_vec()).unwrap()),
            Err(Error::NotFound(_)) => None,
            other => panic!("{other:?}"),
        }
    }

    async fn list(&self, query: &ListQuery) -> Vec<Entry> {
        self.analyses.list(query).await.unwrap().entries
    }

    async fn all(&self) -> Vec<String> {
        self.list(&ListQuery::default()).await.iter().map(|entry| entry.id.to_string()).collect()
    }

    async fn index_keys(&self) -> usize {
        self.bucket.list("t/metadata/index/", None, 1000).await.unwrap().keys.len()
    }
}

fn analyses(bucket: Arc<dyn Bucket>, clock: &Arc<ManualClock>) -> Analyses {
    Analyses::new(bucket, StorageType::Memory, Layout::new("t"), clock.clone())
}

fn document(text: &str) -> Document {
    Document::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

fn labelled(implementation: &str, status: &str) -> Document {
    document(&format!(r#"{{"implementation":"{implementation}","status":"{status}"}}"#))
}

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_save_is_seen_by_load_list_and_stats_at_once() {
    let store = Store::new();
    let saved = store.analyses.save_new(&document(r#"{"execution_time":2}"#)).await.unwrap();
    assert_eq!(store.text(saved.entry.id.as_str()).await.as_deref(), Some(r#"{"execution_time":2}"#));
    assert_eq!(store.list(&ListQuery::default()).await, [saved.entry]);
    let stats = store.analyses.stats().await.unwrap();
    assert_eq!(
        (stats.total_analyses, stats.total_size_bytes, stats.average_execution_time),
        (1, 20, Some(2.0))
    );
}

#[tokio::test]
async fn created_at_survives_replacing_and_deleting() {
    let store = Store::new();
    for id in ["study-1", "018cc251-f400-7000-8000-000000000000"] {
        let first = store.save(id, "{}").await;
        store.clock.advance(40 * 24 * HOUR);
        let second = store.save(id, r#"{"a":1}"#).await;
        store.analyses.delete(&store.id(id), None).await.unwrap();
        store.clock.advance(40 * 24 * HOUR);
        let third = store.save(id, r#"{"a":2}"#).await;
        let created = [&first, &second, &third].map(|saved| saved.created);
        assert_eq!(created, [true, false, true], "{id}");
        assert_eq!(first.entry.created_at, second.entry.created_at, "{id}");
        assert_eq!(first.entry.created_at, third.entry.created_at, "{id}");
        assert!(first.entry.saved_at < second.entry.saved_at && second.entry.saved_at < third.entry.saved_at);
    }
}

#[tokio::test]
async fn a_replaced_analysis_is_listed_once_with_its_new_summary() {
    let store = Store::new();
    store.save("study-1", r#"{"status":"running"}"#).await;
    store.clock.advance(HOUR);
    let second = store.save("study-1", r#"{"status":"success","x":1}"#).await;
    assert_eq!(store.list(&ListQuery::default()).await, [second.entry]);
    assert_eq!(store.index_keys().await, 1);
    assert_eq!(store.analyses.stats().await.unwrap().statuses, [("success".to_owned(), 1)].into());
}

#[tokio::test]
async fn conditions_decide_whether_a_save_takes_effect() {
    let store = Store::new();
    let id = store.id("study-1");
    let save =
        async |text: &str, condition: Condition| store.analyses.save(&id, &document(text), &condition).await;
    let refused = |result: Result<Saved, Error>| matches!(result, Err(Error::PreconditionFailed(_)));

    assert!(refused(save("{}", Condition::Present).await));
    assert!(refused(save("{}", Condition::Match(analysis_storage::ETag::new("\"x\""))).await));
    assert!(
        store.bucket.list("", None, 10).await.unwrap().keys.is_empty(),
        "a refused save leaves nothing behind"
    );

    let first = save(r#"{"a":1}"#, Condition::Absent).await.unwrap();
    assert!(refused(save(r#"{"a":2}"#, Condition::Absent).await));
    let second = save(r#"{"a":3}"#, Condition::Match(first.etag.clone())).await.unwrap();
    assert!(refused(save(r#"{"a":4}"#, Condition::Match(first.etag)).await));
    assert!(!second.created);
    save(r#"{"a":5}"#, Condition::Present).await.unwrap();
    assert_eq!(store.text("study-1").await.as_deref(), Some(r#"{"a":5}"#));
    assert_eq!(store.index_keys().await, 1);
}

#[tokio::test]
async fn a_refusal_finishes_the_work_that_it_is_refused_for() {
    let store = Store::new();
    let (id, one, two) = (store.id("study-1"), document(r#"{"a":1}"#), document(r#"{"status":"two"}"#));
    let before_entry = store.crashing(Operation::Put, "/index/");
    before_entry.save(&id, &one, &Condition::Absent).await.unwrap_err();
    assert_eq!((store.text("study-1").await.as_deref(), store.all().await), (Some(r#"{"a":1}"#), vec![]));
    let refused = store.analyses.save(&id, &one, &Condition::Absent).await;
    assert!(matches!(refused, Err(Error::PreconditionFailed(_))), "{refused:?}");
    assert_eq!((store.all().await, store.index_keys().await), (vec!["study-1".to_owned()], 1));

    let tag = Condition::Match(store.analyses.describe(&id).await.unwrap().etag);
    before_entry.save(&id, &two, &tag).await.unwrap_err();
    let refused = store.analyses.save(&id, &two, &tag).await;
    assert!(matches!(refused, Err(Error::PreconditionFailed(_))), "{refused:?}");
    assert_eq!(store.list(&ListQuery::default()).await[0].summary, *two.summary());
    assert_eq!(store.index_keys().await, 1);

    let tag = store.analyses.describe(&id).await.unwrap().etag;
    let before_settling = store.crashing(Operation::Head, "/analysis/");
    before_settling.delete(&id, Some(&tag)).await.unwrap_err();
    assert_eq!((store.text("study-1").await, store.index_keys().await), (None, 1));
    let refused = store.analyses.delete(&id, Some(&tag)).await;
    assert!(matches!(refused, Err(Error::PreconditionFailed(_))), "{refused:?}");
    assert_eq!((store.all().await, store.index_keys().await), (vec![], 0));
}

#[tokio::test]
async fn ids_differ_by_case() {
    let store = Store::new();
    store.save("Study", r#"{"a":1}"#).await;
    store.save("study", r#"{"a":2}"#).await;
    assert_eq!(store.text("Study").await.as_deref(), Some(r#"{"a":1}"#));
    assert_eq!(store.all().await.len(), 2);
}

#[tokio::test]
async fn a_deleted_analysis_is_gone_everywhere() {
    let store = Store::new();
    let saved = store.save("study-1", "{}").await;
    let stale = analysis_storage::ETag::new("\"other\"");
    let refused = store.analyses.delete(&saved.entry.id, Some(&stale)).await;
    assert!(matches!(refused, Err(Error::PreconditionFailed(_))));
    assert_eq!(store.all().await, ["study-1"]);

    store.analyses.delete(&saved.entry.id, Some(&saved.etag)).await.unwrap();
    assert_eq!((store.text("study-1").await, store.all().await, store.index_keys().await), (None, vec![], 0));
    assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 0);
    for id in ["study-1", "never-saved", "018cc251-f400-7000-8000-000000000000"] {
        assert!(matches!(store.analyses.delete(&store.id(id), None).await, Err(Error::NotFound(_))), "{id}");
    }
}

#[tokio::test]
async fn a_delete_whose_answer_was_lost_is_a_success() {
    let store = Store::new();
    let saved = store.save("study-1", "{}").await;
    let faulty = store.failing(Operation::Delete, "/analysis/", Fault::AnswerLost);
    faulty.delete(&saved.entry.id, Some(&saved.etag)).await.unwrap();
    assert_eq!((store.text("study-1").await, store.index_keys().await), (None, 0));
}

#[tokio::test]
async fn a_delete_that_got_no_further_than_the_document_is_finished_by_the_next() {
    let store = Store::new();
    for condition in [true, false] {
        let saved = store.save("study-1", "{}").await;
        let tag = condition.then_some(&saved.etag);
        store.crashing(Operation::Head, "/analysis/").delete(&saved.entry.id, tag).await.unwrap_err();
        assert_eq!(store.all().await, ["study-1"], "its entry is left");
        let second = store.analyses.delete(&saved.entry.id, tag).await;
        assert!(second.is_ok() || matches!(second, Err(Error::PreconditionFailed(_))), "{second:?}");
        assert_eq!(store.all().await, Vec::<String>::new());
        store.clock.advance(HOUR);
    }
}

#[tokio::test]
async fn a_first_save_that_has_not_finished_cannot_be_deleted_until_it_counts_as_crashed() {
    let store = Store::new();
    let crashed = store
        .crashing(Operation::Put, "/index/")
        .save(&store.id("study-1"), &document("{}"), &Condition::None)
        .await;
    assert!(matches!(crashed, Err(Error::Unavailable { .. })));
    let delete = async || store.analyses.delete(&store.id("study-1"), None).await;
    assert!(matches!(delete().await, Err(Error::SaveInFlight(_))));
    store.clock.advance(Duration::from_mins(16));
    delete().await.unwrap();
    assert_eq!(store.text("study-1").await, None);
}

#[tokio::test]
async fn readers_take_the_current_one_of_two_entries() {
    let store = Store::new();
    store.save("a", r#"{"status":"one"}"#).await;
    store.save("b", r#"{"status":"one"}"#).await;
    // This save crashes after its entry, before it has removed the entry it made stale.
    let crashing = store.crashing(Operation::List, "/index/");
    crashing.save(&store.id("a"), &document(r#"{"status":"two"}"#), &Condition::None).await.unwrap_err();
    assert_eq!(store.index_keys().await, 3);
    let statuses: Vec<String> =
        store.list(&ListQuery::default()).await.iter().map(|e| e.summary.status.to_string()).collect();
    assert_eq!(statuses, ["two", "one"]);
    assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 2);
    store.save("a", r#"{"status":"three"}"#).await;
    assert_eq!(store.index_keys().await, 2, "the next save clears up");
}

#[tokio::test]
async fn an_analysis_does_not_vanish_while_it_is_replaced() {
    let store = Store::new();
    store.save("a", r#"{"status":"one"}"#).await;
    let crashing = store.crashing(Operation::Put, "/index/");
    crashing.save(&store.id("a"), &document(r#"{"status":"two"}"#), &Condition::None).await.unwrap_err();
    assert_eq!(store.all().await, ["a"]);
}

/// Found in review: the first save's settling met the second save's document, whose entry was still to come, and
/// removed the only entry there was.
#[tokio::test]
async fn an_acknowledged_analysis_stays_listed_though_a_crashed_save_replaced_its_document() {
    let store = Store::new();
    let (first, second) = (store.id("a"), store.crashing(Operation::Put, "/index/"));
    // The second save writes its document, and crashes, between the first one's entry and its settling.
    let other = tokio::sync::Mutex::new(Some(second));
    let intruding = IntrudingBucket { inner: store.bucket.clone(), intruder: other, id: first.clone() };
    let saved = analyses(Arc::new(intruding), &store.clock)
        .save(&first, &document(r#"{"n":1}"#), &Condition::None)
        .await;
    assert!(saved.is_ok(), "{saved:?}");
    assert_eq!(store.text("a").await.as_deref(), Some(r#"{"n":2}"#));
    assert_eq!(store.all().await, ["a"]);
    assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 1);
}

/// Lets another save of the id run just before the first HEAD.
#[derive(Debug)]
struct IntrudingBucket {
    inner: Arc<MemoryBucket>,
    intruder: tokio::sync::Mutex<Option<Analyses>>,
    id: AnalysisId,
}

#[async_trait::async_trait]
impl Bucket for IntrudingBucket {
    async fn put(&self, put: Put) -> Result<analysis_storage::ETag, Error> {
        self.inner.put(put).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got, Error> {
        self.inner.get(key, options).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, Error> {
        if let Some(intruder) = self.intruder.lock().await.take() {
            intruder.save(&self.id, &document(r#"{"n":2}"#), &Condition::None).await.unwrap_err();
        }
        self.inner.head(key).await
    }

    async fn delete(&self, key: &Key, if_match: Option<&analysis_storage::ETag>) -> Result<(), Error> {
        self.inner.delete(key, if_match).await
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing, Error> {
        self.inner.list(prefix, start_after, limit).await
    }

    async fn versions(&self, key: &Key) -> Result<Vec<Version>, Error> {
        self.inner.versions(key).await
    }

    async fn restore(&self, key: &Key, days: u32, tier: RestoreTier) -> Result<Restoring, Error> {
        self.inner.restore(key, days, tier).await
    }

    async fn info(&self) -> Result<BucketInfo, Error> {
        self.inner.info().await
    }
}

#[tokio::test]
async fn what_is_past_its_retention_is_hidden() {
    let mut store = Store::new();
    store.analyses = analyses(store.bucket.clone(), &store.clock).with_retention(Retention::days(10));
    let old = store.save("old", "{}").await;
    store.clock.advance(5 * 24 * HOUR);
    store.save("new", "{}").await;
    store.clock.set("2026-01-25T23:59:59Z".parse().unwrap());
    assert_eq!(store.all().await, ["new", "old"]);
    store.clock.set("2026-01-26T00:00:00Z".parse().unwrap());
    assert_eq!((store.all().await, store.text("old").await), (vec!["new".to_owned()], None));
    assert!(matches!(store.analyses.describe(&store.id("old")).await, Err(Error::NotFound(_))));
    let held = GetOptions { if_none_match: Some(old.etag), version_id: None };
    assert!(matches!(store.analyses.load(&store.id("old"), &held).await, Err(Error::NotFound(_))));
    assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 1);
}

#[tokio::test]
async fn an_id_past_its_retention_is_free_though_its_document_is_still_there() {
    let mut store = Store::new();
    store.analyses = analyses(store.bucket.clone(), &store.clock).with_retention(Retention::days(10));
    store.save("old", r#"{"n":1}"#).await;
    store.clock.advance(20 * 24 * HOUR);
    let save =
        async |condition| store.analyses.save(&store.id("old"), &document(r#"{"n":2}"#), &condition).await;
    assert!(matches!(save(Condition::Present).await, Err(Error::PreconditionFailed(_))));
    assert!(save(Condition::Absent).await.unwrap().created);
    assert!(matches!(save(Condition::Absent).await, Err(Error::PreconditionFailed(_))));
    assert_eq!((store.text("old").await.as_deref(), store.all().await.len()), (Some(r#"{"n":2}"#), 1));
}

/// Found by the simulation: the create was refused for a document that nobody saw any more.
#[tokio::test]
async fn an_expired_document_that_the_bucket_removes_meanwhile_does_not_stand_in_the_way() {
    for (operation, nth) in [(Operation::Head, 1), (Operation::Put, 2)] {
        let store = Store::new();
        let old = store.save("old", "{}").await;
        store.clock.advance(20 * 24 * HOUR);
        let (bucket, key) = (store.bucket.clone(), store.analyses.document_key(&old.entry));
        let mut seen = 0;
        let expire = move |op, name: &str| {
            let counts = op == operation && name.contains("/analysis/");
            seen += usize::from(counts);
            if counts && seen == nth {
                bucket.delete(&key, None).now_or_never().unwrap().unwrap();
            }
            None
        };
        let expiring = FaultyBucket::new(store.bucket.clone(), Box::new(expire));
        let expiring = analyses(Arc::new(expiring), &store.clock).with_retention(Retention::days(10));
        let saved = expiring.save(&store.id("old"), &document(r#"{"n":2}"#), &Condition::Absent).await;
        assert!(saved.unwrap().created, "{operation:?}");
        assert_eq!(store.text("old").await.as_deref(), Some(r#"{"n":2}"#));
    }
}

#[tokio::test]
async fn pages_neither_repeat_nor_skip_while_analyses_are_saved() {
    let store = Store::new();
    for n in 0..57 {
        store.save(&format!("study-{n:02}"), "{}").await;
        // Several share a millisecond, so that pages also end between ids of one creation time.
        store.clock.advance(Duration::from_millis(u64::from(n % 3 == 0)));
    }
    let expected = store.all().await;
    let mut query = ListQuery { limit: Limit::parse("5").unwrap(), ..ListQuery::default() };
    let mut seen = Vec::new();
    loop {
        let page = store.analyses.list(&query).await.unwrap();
        assert!(page.entries.len() <= 5);
        seen.extend(page.entries.iter().map(|entry| entry.id.to_string()));
        // New ones appear in front, and one that was shown already is replaced.
        store.clock.advance(HOUR);
        store.save(&format!("later-{}", seen.len()), "{}").await;
        store.save(seen.last().unwrap(), r#"{"again":true}"#).await;
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_full_page_comes_without_a_cursor_when_nothing_follows() {
    let store = Store::new();
    for n in 0..4 {
        store.save(&format!("study-{n}"), "{}").await;
    }
    let query = ListQuery { limit: Limit::parse("4").unwrap(), ..ListQuery::default() };
    let page = store.analyses.list(&query).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (4, None));
}

#[tokio::test]
async fn filters_select_by_label_and_creation_time() {
    let store = Store::new();
    for (day, implementation, status) in
        [(1, "hybrid", "success"), (2, "openai", "success"), (3, "openai", "error"), (4, "hybrid", "error")]
    {
        store.clock.set(format!("2026-02-0{day}T10:00:00Z").parse().unwrap());
        store
            .analyses
            .save(&store.id(&format!("d{day}")), &labelled(implementation, status), &Condition::None)
            .await
            .unwrap();
    }
    let list = async |implementation, status, from, to| {
        let filter = Filter::parse(implementation, status, from, to).unwrap();
        let entries = store.list(&ListQuery { filter, ..ListQuery::default() }).await;
        entries.iter().map(|entry| entry.id.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(list(Some("openai"), None, None, None).await, "d3 d2");
    assert_eq!(list(None, Some("error"), None, None).await, "d4 d3");
    assert_eq!(list(Some("hybrid"), Some("error"), None, None).await, "d4");
    assert_eq!(list(None, None, Some("2026-02-02"), Some("2026-02-03")).await, "d3 d2");
    assert_eq!(list(None, None, Some("2026-02-02T10:00:00Z"), Some("2026-02-02T10:00:00Z")).await, "d2");
    assert_eq!(list(None, None, Some("2026-02"), None).await, "d4 d3 d2 d1");
    assert_eq!(list(None, None, None, Some("2026-01")).await, "");
    assert_eq!(list(None, None, None, Some("1999-01")).await, "");
    assert_eq!(list(Some("openai"), None, Some("2026-02-03"), None).await, "d3");
}

#[tokio::test]
async fn a_selective_filter_goes_on_behind_pages_without_a_match() {
    let store = Store::new();
    store.analyses.save(&store.id("rare"), &labelled("openai", "success"), &Condition::None).await.unwrap();
    for n in 0..2500 {
        store.clock.advance(Duration::from_millis(1));
        store.analyses.save_new(&labelled("hybrid", &format!("n{n}"))).await.unwrap();
    }
    let filter = Filter::parse(Some("openai"), None, None, None).unwrap();
    let mut query = ListQuery { filter, ..ListQuery::default() };
    let mut pages = vec![];
    loop {
        let page = store.analyses.list(&query).await.unwrap();
        pages.push(page.entries.len());
        let Some(next) = page.next else { break };
        let text = next.encode(&query.filter);
        query.cursor = Some(Cursor::parse(&text, &query.filter).unwrap());
    }
    assert_eq!(pages, [0, 0, 1]);
}

#[tokio::test]
async fn transient_failures_are_retried_and_lasting_ones_reported() {
    let store = Store::new();
    for (operation, part) in [
        (Operation::Put, "/ids/"),
        (Operation::Put, "/analysis/"),
        (Operation::Put, "/index/"),
        (Operation::List, "/index/"),
        (Operation::Head, "/analysis/"),
        (Operation::Delete, "/index/"),
    ] {
        for fault in [Fault::Refused, Fault::AnswerLost] {
            store.clock.advance(HOUR);
            let analyses = store.failing(operation, part, fault);
            analyses.save(&store.id("study-1"), &document("{}"), &Condition::None).await.unwrap();
            assert_eq!((store.all().await, store.index_keys().await), (vec!["study-1".to_owned()], 1));
        }
        store.clock.advance(HOUR);
        let lasting = store
            .crashing(operation, part)
            .save(&store.id("study-1"), &document("{}"), &Condition::None)
            .await;
        assert!(matches!(lasting, Err(Error::Unavailable { .. })), "{operation:?} {part}: {lasting:?}");
    }
}

#[tokio::test]
async fn foreign_objects_in_the_index_are_not_analyses() {
    let store = Store::new();
    store.save("study-1", "{}").await;
    for name in ["README.txt", "0!", "9999999999999!x!y", "8230000000000!a!b!c!d!e!f!G"] {
        let key = Key::new(format!("t/metadata/index/{name}"));
        let saved_at = analysis_storage::SavedAt::from_micros(1);
        let put =
            Put { key, body: Bytes::new(), saved_at, metadata: vec![], precondition: Precondition::None };
        store.bucket.put(put).await.unwrap();
    }
    assert_eq!(store.all().await, ["study-1"]);
    assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 1);
}

#[tokio::test]
async fn a_damaged_id_record_is_reported_and_not_overwritten() {
    let store = Store::new();
    let key = Key::new("t/metadata/ids/study-1");
    let saved_at = analysis_storage::SavedAt::from_micros(1);
    let body = Bytes::from_static(b"{}");
    let put = Put { key, body, saved_at, metadata: vec![], precondition: Precondition::None };
    store.bucket.put(put).await.unwrap();
    let result = store.analyses.save(&store.id("study-1"), &document("{}"), &Condition::None).await;
    assert!(matches!(result, Err(Error::Corrupt { key, .. }) if key == "t/metadata/ids/study-1"));
}
