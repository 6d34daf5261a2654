//! Repair and rebuild: every kind of damage is found, told apart from saves in flight, and healed.

#![expect(clippy::unwrap_used, reason = "test code: a panic is how it reports")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{
    BucketInfo, ETag, GetOptions, Got, Listing, ObjectMeta, Precondition, Put, Version,
};
use analysis_storage::query::{Limit, ListQuery};
use analysis_storage::rebuild::{Damage, Finding, Mode, RebuildPage, TotalsCheck};
use analysis_storage::testing::{Fault, FaultyBucket, ManualClock, Operation};
use analysis_storage::{
    Analyses, AnalysisId, Bucket, Clock, Condition, Document, Entry, Error, Key, Layout, Loaded, Month,
    Retention, SavedAt, StorageType,
};
use async_trait::async_trait;
use bytes::Bytes;

const UUID7: &str = "018cc251-f400-7000-8000-000000000000";
const NOW: &str = "2026-01-15T12:00:00Z";

struct Store {
    bucket: Arc<MemoryBucket>,
    clock: Arc<ManualClock>,
    analyses: Analyses,
}

impl Store {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(NOW, 7));
        let bucket = Arc::new(MemoryBucket::new(clock.clone()));
        let analyses = analyses(bucket.clone(), &clock);
        Self { bucket, clock, analyses }
    }

    /// Runs a request of a caller that crashes at its first request of this kind.
    fn crashing(&self, operation: Operation, part: &'static str) -> Analyses {
        let decide = move |op, key: &str| (op == operation && key.contains(part)).then_some(Fault::Refused);
        analyses(Arc::new(FaultyBucket::new(self.bucket.clone(), Box::new(decide))), &self.clock)
    }

    async fn save(&self, id: &str, text: &str) -> Entry {
        self.analyses.save(&self.id(id), &document(text), &Condition::None).await.unwrap().entry
    }

    fn id(&self, text: &str) -> AnalysisId {
        AnalysisId::parse(text, self.clock.now()).unwrap()
    }

    /// What another program puts into the bucket.
    async fn put(&self, key: &str, body: &'static str, metadata: &[(&'static str, &str)]) {
        let metadata = metadata.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let (key, body) = (Key::new(format!("t/{key}")), Bytes::from_static(body.as_bytes()));
        let saved_at = SavedAt::from(self.clock.now());
        self.bucket
            .put(Put { key, body, saved_at, metadata, precondition: Precondition::None })
            .await
            .unwrap();
    }

    async fn remove(&self, part: &str) {
        for key in self.keys().await.into_iter().filter(|key| key.contains(part)) {
            self.bucket.delete(&Key::new(key), None).await.unwrap();
        }
    }

    async fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        loop {
            let page = self.bucket.list("", keys.last().map(String::as_str), 1000).await.unwrap();
            keys.extend(page.keys.iter().map(ToString::to_string));
            if !page.truncated {
                return keys;
            }
        }
    }

    async fn list(&self) -> Vec<Entry> {
        let query = ListQuery { limit: Limit::parse("1000").unwrap(), ..ListQuery::default() };
        self.analyses.list(&query).await.unwrap().entries
    }

    /// Checks, an hour later: nothing is in flight by then.
    async fn check(&self) -> Vec<Finding> {
        self.clock.advance(Duration::from_hours(1));
        let before = self.keys().await;
        let report = rebuild(&self.analyses, None, Mode::CHECK).await;
        assert_eq!((self.keys().await, report.in_flight), (before, 0), "a check changes nothing");
        report.findings
    }

    async fn damage(&self) -> Vec<Damage> {
        let mut damage: Vec<_> = self.check().await.iter().map(|finding| finding.damage).collect();
        damage.sort();
        damage
    }

    /// Repairs; afterwards nothing is found, and each document is at its place in the index once.
    async fn heal(&self) -> RebuildPage {
        let report = rebuild(&self.analyses, None, Mode::Repair).await;
        assert!(report.findings.iter().all(|finding| finding.repaired), "{report:?}");
        assert_eq!(self.check().await, []);
        assert_eq!(rebuild(&self.analyses, None, Mode::Repair).await.findings, []);
        let count = |part: &str, keys: &[String]| keys.iter().filter(|key| key.contains(part)).count();
        let keys = self.keys().await;
        assert_eq!(count("/analysis/", &keys), count("/index/", &keys), "{keys:?}");
        assert_eq!(self.analyses.check_totals().await.unwrap(), TotalsCheck::Right);
        report
    }
}

/// All pages as one.
async fn rebuild(analyses: &Analyses, month: Option<Month>, mode: Mode) -> RebuildPage {
    let mut all = RebuildPage::default();
    let mut position = None;
    loop {
        let page = analyses.rebuild_page(month, position.as_deref(), mode).await.unwrap();
        all.entries += page.entries;
        all.documents += page.documents;
        all.in_flight += page.in_flight;
        all.findings.extend(page.findings);
        position = page.next;
        if position.is_none() {
            return all;
        }
    }
}

fn analyses(bucket: Arc<dyn Bucket>, clock: &Arc<ManualClock>) -> Analyses {
    Analyses::new(bucket, StorageType::Memory, Layout::new("t"), clock.clone())
}

fn document(text: &str) -> Document {
    Document::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

const ONE: &str = r#"{"implementation":"hybrid","status":"one","execution_time":2}"#;
const TWO: &str = r#"{"implementation":"hybrid","status":"two","timestamp":"2024-01-15T10:30:00Z"}"#;

#[tokio::test]
async fn a_sound_store_is_left_alone() {
    let store = Store::new();
    for id in ["study-1", UUID7] {
        store.save(id, ONE).await;
        store.save(id, TWO).await;
    }
    store.save("gone", ONE).await;
    store.analyses.delete(&store.id("gone"), None).await.unwrap();
    let before = store.keys().await;
    let report = store.heal().await;
    assert_eq!((report.entries, report.documents), (2, 2));
    assert_eq!(store.keys().await, before);
}

#[tokio::test]
async fn a_crash_after_the_document_leaves_an_orphan() {
    for id in ["study-1", UUID7] {
        let store = Store::new();
        let crashing = store.crashing(Operation::Put, "/index/");
        crashing.save(&store.id(id), &document(ONE), &Condition::None).await.unwrap_err();
        assert!(store.list().await.is_empty());
        assert_eq!(store.damage().await, [Damage::Orphan], "{id}");
        store.heal().await;
        let [entry] = &store.list().await[..] else { panic!("one entry") };
        assert_eq!((entry.summary.clone(), entry.size), (document(ONE).summary().clone(), ONE.len() as u64));
    }
}

#[tokio::test]
async fn a_crash_in_a_replacing_save_leaves_an_orphan_or_a_stale_entry() {
    for (operation, damage) in [(Operation::Put, Damage::Orphan), (Operation::List, Damage::Stale)] {
        let store = Store::new();
        let first = store.save("study-1", ONE).await;
        store.clock.advance(Duration::from_mins(1));
        let crashing = store.crashing(operation, "/index/");
        crashing.save(&store.id("study-1"), &document(TWO), &Condition::None).await.unwrap_err();
        assert_eq!(store.damage().await, [damage]);
        store.heal().await;
        let [entry] = &store.list().await[..] else { panic!("one entry") };
        assert_eq!((entry.summary.status.as_str(), entry.created_at), ("two", first.created_at));
    }
}

#[tokio::test]
async fn a_crash_in_a_delete_leaves_a_phantom() {
    for id in ["study-1", UUID7] {
        let store = Store::new();
        store.save(id, ONE).await;
        // The first LIST of a delete comes before it removes the document.
        let mut lists = 0;
        let decide = move |operation, _: &str| {
            lists += usize::from(operation == Operation::List);
            (operation == Operation::List && lists > 1).then_some(Fault::Refused)
        };
        let crashing =
            analyses(Arc::new(FaultyBucket::new(store.bucket.clone(), Box::new(decide))), &store.clock);
        crashing.delete(&store.id(id), None).await.unwrap_err();
        assert_eq!(store.list().await.len(), 1);
        assert_eq!(store.damage().await, [Damage::Phantom], "{id}");
        store.heal().await;
        assert_eq!(store.list().await, []);
    }
}

#[tokio::test]
async fn everything_is_derived_anew_when_all_metadata_are_lost() {
    let store = Store::new();
    let ids = ["study-1", "a.b", UUID7, "018cc251-f400-7000-8000-000000000001"];
    for id in ids {
        store.save(id, ONE).await;
        store.clock.advance(Duration::from_hours(1));
    }
    store.save("a.b", TWO).await;
    let before = store.list().await;
    store.remove("/metadata/").await;
    assert_eq!(
        store.damage().await,
        [Damage::Orphan, Damage::Orphan, Damage::NoIdRecord, Damage::NoIdRecord]
    );
    store.heal().await;
    let after: BTreeMap<_, _> = store.list().await.into_iter().map(|e| (e.id.clone(), e)).collect();
    assert_eq!(after.len(), before.len());
    for entry in before {
        let again = &after[&entry.id];
        let key = |entry| store.analyses.document_key(entry);
        assert_eq!((&again.summary, again.size, key(again)), (&entry.summary, entry.size, key(&entry)));
        assert_eq!(again.saved_at, entry.saved_at);
        assert!(matches!(
            store.analyses.load(&entry.id, &GetOptions::default()).await,
            Ok(Loaded::Document(_))
        ));
    }
}

#[tokio::test]
async fn a_lost_id_record_is_restored_from_the_index_exactly() {
    let store = Store::new();
    let first = store.save("study-1", ONE).await;
    store.clock.advance(Duration::from_hours(30));
    let second = store.save("study-1", TWO).await;
    store.remove("/metadata/ids/").await;
    assert_eq!(store.damage().await, [Damage::NoIdRecord]);
    store.heal().await;
    assert_eq!(store.list().await, [Entry { created_at: first.created_at, ..second }]);
}

#[tokio::test]
async fn entries_where_their_id_does_not_belong_are_removed() {
    let store = Store::new();
    let entry = store.save("study-1", ONE).await;
    let uuid = store.save(UUID7, ONE).await;
    for entry in [entry, uuid] {
        let shifted = analysis_storage::CreatedAt::from_millis(entry.created_at.millis() - 1).unwrap();
        let stray = Layout::new("").entry(&Entry { created_at: shifted, ..entry });
        store.put(stray.as_str(), "", &[]).await;
    }
    assert_eq!(store.list().await.len(), 4);
    assert_eq!(store.damage().await, [Damage::Stale, Damage::Stale]);
    store.heal().await;
    assert_eq!(store.list().await.len(), 2);
}

#[tokio::test]
async fn documents_of_other_programs_are_taken_in_where_they_lie() {
    let store = Store::new();
    store.put("analysis/2024/01/018cc251-f400-7000-8000-000000000000.json", ONE, &[]).await;
    store.put("analysis/2024/02/study-1.json", ONE, &[]).await;
    store.put("analysis/2026/01/study-2.json", ONE, &[]).await;
    assert_eq!(store.damage().await, [Damage::Orphan, Damage::NoIdRecord, Damage::NoIdRecord]);
    store.heal().await;
    let created: Vec<String> =
        store.list().await.iter().map(|e| format!("{} {}", e.id, e.created_at)).collect();
    let uuid = format!("{UUID7} 2024-01-01T00:00:00.000Z");
    // Within the month of the key, however much later it was written.
    let expected = ["study-2 2026-01-15T12:00:00.000Z", "study-1 2024-02-29T23:59:59.999Z", &uuid];
    assert_eq!(created, expected);
    let reloaded = store.analyses.load(&store.id("study-1"), &GetOptions::default()).await;
    assert!(matches!(reloaded, Ok(Loaded::Document(_))));
}

#[tokio::test]
async fn documents_that_are_no_analyses_are_indexed_by_their_metadata() {
    let store = Store::new();
    let good = [("implementation", "openai"), ("status", "error"), ("timestamp", "2024-01-15T10:30:00Z")];
    let bad = [("implementation", "a b"), ("status", "=?UTF-8?Q?=C3=A9?="), ("timestamp", "yesterday")];
    store.put("analysis/2024/02/array.json", "[1]", &good).await;
    store.put("analysis/2024/02/binary.json", "\u{0}\u{1}", &bad).await;
    store.put("analysis/2024/02/empty.json", "", &[]).await;
    store.put("analysis/2024/02/label.json", r#"{"implementation":"a b"}"#, &good).await;
    assert_eq!(store.damage().await, [Damage::NoIdRecord; 4]);
    store.heal().await;
    let mut list: Vec<String> = store
        .list()
        .await
        .into_iter()
        .map(|Entry { id, summary, size, .. }| {
            let timestamp = summary.timestamp.map(|t| t.to_string()).unwrap_or_default();
            format!("{id} {} {} {size} {timestamp}", summary.implementation, summary.status)
        })
        .collect();
    list.sort();
    let expected = [
        "array openai error 3 2024-01-15T10:30:00Z",
        "binary unknown unknown 2 ",
        "empty unknown unknown 0 ",
        "label openai error 24 2024-01-15T10:30:00Z",
    ];
    assert_eq!(list, expected);
}

#[tokio::test]
async fn objects_that_no_id_leads_to_are_reported_and_left() {
    let store = Store::new();
    store.save("study-1", ONE).await;
    let odd = [
        "analysis/README.txt",
        "analysis/2024/01/a b.json",
        "analysis/2024/01/a/b.json",
        "analysis/2024/01/\u{e9}.json",
        "analysis/2024/01/.json",
        "analysis/2024/01/018CC251-F400-7000-8000-000000000000.json",
        "analysis/2024/13/month.json",
        // These belong to other months: by their id, and by their id record.
        "analysis/2024/02/018cc251-f400-7000-8000-000000000000.json",
        "analysis/2024/02/study-1.json",
    ];
    for key in odd {
        store.put(key, ONE, &[]).await;
    }
    store.put("analysis/2024/01/018cc251-f400-7000-8000-000000000000.json", TWO, &[]).await;
    let report = rebuild(&store.analyses, None, Mode::Repair).await;
    let (repaired, left): (Vec<_>, Vec<_>) = report.findings.into_iter().partition(|f| f.repaired);
    assert_eq!(repaired.iter().map(|f| f.damage).collect::<Vec<_>>(), [Damage::Orphan]);
    let mut keys: Vec<String> = left.iter().map(|f| f.key.as_str()["t/".len()..].to_owned()).collect();
    let mut expected = odd.map(ToOwned::to_owned);
    keys.sort();
    expected.sort();
    assert_eq!(keys, expected);
    assert!(left.iter().all(|f| f.damage == Damage::Misplaced && f.advice.is_some()));
    let advice = left.iter().find(|f| f.key.as_str().ends_with("02/study-1.json")).unwrap().advice.clone();
    assert_eq!(advice.unwrap(), "its id belongs to t/analysis/2026/01/study-1.json");
    assert_eq!(store.check().await, left, "a check finds the same");
    assert_eq!(store.list().await.len(), 2);
}

#[tokio::test]
async fn an_id_record_that_cannot_be_read_is_reported_and_left() {
    let store = Store::new();
    store.save("study-1", ONE).await;
    store.put("metadata/ids/study-1", "{}", &[]).await;
    for _ in 0..2 {
        let report = rebuild(&store.analyses, None, Mode::Repair).await;
        let [finding] = &report.findings[..] else { panic!("{report:?}") };
        assert_eq!((finding.damage, finding.key.as_str()), (Damage::BadIdRecord, "t/metadata/ids/study-1"));
        assert!(!finding.repaired && finding.advice.is_some());
    }
    assert_eq!(store.list().await.len(), 1);
}

/// A bucket whose documents all lie in an archive.
#[derive(Debug)]
struct Archive {
    inner: Arc<MemoryBucket>,
    /// Whether the answer to HEAD says so, too.
    heads_tell: bool,
}

#[async_trait]
impl Bucket for Archive {
    async fn put(&self, put: Put) -> Result<ETag, Error> {
        self.inner.put(put).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got, Error> {
        if key.as_str().contains("/analysis/") {
            return Err(Error::Archived(key.to_string()));
        }
        self.inner.get(key, options).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, Error> {
        let meta = self.inner.head(key).await?;
        let archived = self.heads_tell && key.as_str().contains("/analysis/");
        Ok(meta.map(|meta| ObjectMeta { archived, ..meta }))
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<(), Error> {
        self.inner.delete(key, if_match).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Listing, Error> {
        self.inner.list(prefix, after, limit).await
    }

    async fn versions(&self, key: &Key) -> Result<Vec<Version>, Error> {
        self.inner.versions(key).await
    }

    async fn info(&self) -> Result<BucketInfo, Error> {
        self.inner.info().await
    }
}

#[tokio::test]
async fn archived_documents_are_indexed_by_their_metadata() {
    for heads_tell in [false, true] {
        let mut store = Store::new();
        let lost = store.save("lost", TWO).await;
        let kept = store.save("kept", ONE).await;
        store.remove("!lost!").await;
        store.analyses =
            analyses(Arc::new(Archive { inner: store.bucket.clone(), heads_tell }), &store.clock);
        assert_eq!(store.damage().await, [Damage::Orphan]);
        // Repairing the other must not put a poorer entry beside its own.
        store.analyses.repair(&store.id("kept")).await.unwrap();
        store.heal().await;
        let mut entries = store.list().await;
        entries.sort_by_key(|entry| entry.saved_at);
        assert_eq!(entries, [lost, kept]);
    }
}

#[tokio::test]
async fn an_id_that_was_never_saved_needs_no_repair() {
    let store = Store::new();
    for id in ["study-1", UUID7] {
        store.analyses.repair(&store.id(id)).await.unwrap();
    }
    assert!(store.keys().await.is_empty());
}

#[tokio::test]
async fn what_is_in_flight_is_not_reported() {
    let store = Store::new();
    store.save("replaced", ONE).await;
    store.save("settled", ONE).await;
    store.clock.advance(Duration::from_hours(1));
    let put = store.crashing(Operation::Put, "/index/");
    put.save(&store.id("new"), &document(TWO), &Condition::None).await.unwrap_err();
    put.save(&store.id("replaced"), &document(TWO), &Condition::None).await.unwrap_err();
    let settle = store.crashing(Operation::List, "/index/");
    settle.save(&store.id("settled"), &document(TWO), &Condition::None).await.unwrap_err();
    let report = rebuild(&store.analyses, None, Mode::CHECK).await;
    assert_eq!((report.findings, report.in_flight), (vec![], 3));
    store.clock.advance(Duration::from_mins(16));
    assert_eq!(store.damage().await, [Damage::Orphan, Damage::Orphan, Damage::Stale]);
    store.heal().await;
}

/// A clock in whose pauses others go on.
#[derive(Debug)]
struct Busy {
    clock: Arc<ManualClock>,
    bucket: Arc<MemoryBucket>,
}

#[async_trait]
impl Clock for Busy {
    fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    fn random(&self) -> u64 {
        self.clock.random()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.advance(duration);
        let analyses = analyses(self.bucket.clone(), &self.clock);
        let id = AnalysisId::parse("study-1", self.clock.now()).unwrap();
        analyses.repair(&id).await.unwrap();
    }
}

#[tokio::test]
async fn a_delete_in_flight_is_not_reported() {
    let store = Store::new();
    let entry = store.save("study-1", ONE).await;
    store.bucket.delete(&store.analyses.document_key(&entry), None).await.unwrap();
    let clock = Arc::new(Busy { clock: store.clock.clone(), bucket: store.bucket.clone() });
    let busy = Analyses::new(store.bucket.clone(), StorageType::Memory, Layout::new("t"), clock);
    assert_eq!(rebuild(&busy, None, Mode::CHECK).await.findings, []);
}

#[tokio::test]
async fn what_is_past_its_retention_is_no_damage() {
    let mut store = Store::new();
    store.save("entry-gone", ONE).await;
    store.save("document-gone", ONE).await;
    store.save("all-gone", ONE).await;
    store.analyses = analyses(store.bucket.clone(), &store.clock).with_retention(Retention::days(10));
    store.clock.advance(Duration::from_hours(24 * 20));
    for part in ["!entry-gone!", "/document-gone.json", "/ids/all-gone", "!all-gone!"] {
        store.remove(part).await;
    }
    assert_eq!(store.check().await, []);
    assert_eq!(rebuild(&store.analyses, None, Mode::Repair).await.findings, []);
}

#[tokio::test]
async fn thousands_are_paged_and_a_rebuild_goes_on_where_it_was() {
    let store = Store::new();
    for n in 0..2500 {
        store.clock.advance(Duration::from_millis(1));
        if n % 2 == 0 {
            store.analyses.save_new(&document(ONE)).await.unwrap();
        } else {
            store.save(&format!("study-{n}"), ONE).await;
        }
    }
    let before = store.analyses.stats().await.unwrap();
    store.remove("/metadata/").await;

    let first = store.analyses.rebuild_page(None, None, Mode::Repair).await.unwrap();
    assert_eq!((first.entries, first.documents), (0, 0), "the index is empty");
    let second = store.analyses.rebuild_page(None, first.next.as_deref(), Mode::Repair).await.unwrap();
    assert_eq!((second.documents, second.findings.len()), (1000, 1000));
    // Everything is forgotten but the position.
    let mut position = second.next;
    let mut documents = 0;
    while let Some(start_after) = position {
        let page = store.analyses.rebuild_page(None, Some(&start_after), Mode::Repair).await.unwrap();
        assert!(page.documents <= 1000);
        documents += page.documents;
        position = page.next;
    }
    assert_eq!(documents, 1500);
    let report = store.heal().await;
    assert_eq!((report.entries, report.documents), (2500, 2500));
    let after = store.analyses.stats().await.unwrap();
    assert_eq!(
        (after.total_analyses, after.total_size_bytes, after.by_month),
        (before.total_analyses, before.total_size_bytes, before.by_month)
    );
}

#[tokio::test]
async fn one_month_can_be_rebuilt_alone() {
    let store = Store::new();
    for (at, id) in [("2025-11", "nov"), ("2025-12", "dec"), ("2026-01", "jan")] {
        for day in ["01T00:00:00Z", "15T12:00:00Z", "30T23:59:59.999Z"] {
            store.clock.set(format!("{at}-{day}").parse().unwrap());
            store.save(&format!("{id}-{}", &day[..2]), ONE).await;
        }
    }
    store.clock.set("2026-02-15T12:00:00Z".parse().unwrap());
    store.remove("/metadata/index/").await;
    let december = Some(Month::parse("2025-12").unwrap());
    let report = rebuild(&store.analyses, december, Mode::Repair).await;
    assert_eq!((report.documents, report.findings.len()), (3, 3));
    let ids: Vec<_> = store.list().await.into_iter().map(|entry| entry.id.to_string()).collect();
    assert_eq!(ids, ["dec-30", "dec-15", "dec-01"]);
    rebuild(&store.analyses, None, Mode::Repair).await;
    let report = rebuild(&store.analyses, december, Mode::CHECK).await;
    assert_eq!((report.documents, report.findings), (3, vec![]));
}

#[tokio::test]
async fn a_position_that_is_none_is_refused() {
    let store = Store::new();
    let result = store.analyses.rebuild_page(None, Some("2024-01"), Mode::CHECK).await;
    assert!(matches!(result, Err(Error::Misconfigured { advice, .. }) if advice.contains("t/analysis/")));
}

/// A bucket that lets others run between any two requests.
#[derive(Debug)]
struct Yielding(Arc<MemoryBucket>, Arc<ManualClock>);

impl Yielding {
    async fn pass(&self) -> &MemoryBucket {
        for _ in 0..self.1.random() % 4 {
            tokio::task::yield_now().await;
        }
        &self.0
    }
}

#[async_trait]
impl Bucket for Yielding {
    async fn put(&self, put: Put) -> Result<ETag, Error> {
        self.pass().await.put(put).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got, Error> {
        self.pass().await.get(key, options).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, Error> {
        self.pass().await.head(key).await
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<(), Error> {
        self.pass().await.delete(key, if_match).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Listing, Error> {
        self.pass().await.list(prefix, after, limit).await
    }

    async fn versions(&self, key: &Key) -> Result<Vec<Version>, Error> {
        self.pass().await.versions(key).await
    }

    async fn info(&self) -> Result<BucketInfo, Error> {
        self.pass().await.info().await
    }
}

/// Saves, replaces and deletes; what it was told is stored in the end.
async fn work(store: &Store, analyses: &Analyses, worker: usize) -> BTreeMap<String, u64> {
    let mut stored = BTreeMap::new();
    for n in 0..60_u64 {
        let text = format!(r#"{{"worker":{worker},"pad":"{}"}}"#, "x".repeat(usize::try_from(n).unwrap()));
        let id = match n % 3 {
            0 => analyses.save_new(&document(&text)).await.unwrap().entry.id,
            1 => store.id(&format!("w{worker}-{}", n % 7)),
            _ => store.id(&format!("{}{worker:02}", &UUID7[..34])),
        };
        if n % 3 > 0 {
            analyses.save(&id, &document(&text), &Condition::None).await.unwrap();
        }
        stored.insert(id.to_string(), text.len() as u64);
        if n % 5 == 4 {
            analyses.delete(&id, None).await.unwrap();
            stored.remove(id.as_str());
        }
    }
    stored
}

#[tokio::test]
async fn rebuilding_while_others_work_loses_nothing_and_reports_nothing() {
    for seed in 0..20 {
        let mut store = Store::new();
        store.clock = Arc::new(ManualClock::at(NOW, seed));
        let open = || {
            let bucket = Arc::new(Yielding(store.bucket.clone(), store.clock.clone()));
            analyses(bucket, &store.clock)
        };
        let workers: Vec<Analyses> = (0..3).map(|_| open()).collect();
        let rebuilders = [open(), open()];
        let rebuild_often = async |rebuilder: &Analyses, mode| {
            for _ in 0..6 {
                let report = rebuild(rebuilder, None, mode).await;
                assert!(mode == Mode::Repair || report.findings.is_empty(), "{report:?}");
            }
        };
        let (stored, (), ()) = futures::join!(
            futures::future::join_all(workers.iter().enumerate().map(|(n, w)| work(&store, w, n))),
            rebuild_often(&rebuilders[0], Mode::Repair),
            rebuild_often(&rebuilders[1], Mode::CHECK),
        );
        let expected: BTreeMap<String, u64> = stored.into_iter().flatten().collect();
        let listed = store.list().await;
        assert_eq!(listed.len(), expected.len(), "seed {seed}");
        assert!(listed.iter().all(|e| expected[e.id.as_str()] == e.size), "seed {seed}");
        assert_eq!(rebuild(&store.analyses, None, Mode::CHECK).await.findings, []);
        let report = rebuild(&store.analyses, None, Mode::Repair).await;
        assert_eq!(report.findings, [], "the index holds just the current entries, seed {seed}");
    }
}

#[tokio::test]
async fn forgotten_totals_are_derived_anew() {
    let store = Store::new();
    store.save("study-1", ONE).await;
    store.put("metadata/storage-stats.json", "{}", &[]).await;
    store.analyses.discard_totals().await.unwrap();
    assert!(store.keys().await.iter().all(|key| !key.ends_with("storage-stats.json")));
    assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 1);
}
