//! Imports: documents with a history elsewhere.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: a panic is how it reports")]

use std::sync::Arc;

use analysis_storage::bucket::GetOptions;
use analysis_storage::bucket::local::LocalBucket;
use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::import::{Existing, Import, ImportOutcome, Imported};
use analysis_storage::query::ListQuery;
use analysis_storage::repair::TotalsCheck;
use analysis_storage::testing::{Fault, FaultyBucket, ManualClock, Operation};
use analysis_storage::{
    Analyses, AnalysisId, Bucket, Condition, CreatedAt, Document, Entry, Error, Layout, Loaded, Retention,
    StorageType,
};
use bytes::Bytes;

const UUID7: &str = "018cc251-f400-7000-8000-000000000000";
const ONE: &str = r#"{"implementation":"hybrid","n":1}"#;
const TWO: &str = r#"{"implementation":"openai","n":2}"#;

struct Store {
    bucket: Arc<MemoryBucket>,
    clock: Arc<ManualClock>,
    analyses: Analyses,
}

fn store() -> Store {
    let clock = Arc::new(ManualClock::at("2026-01-15T12:00:00Z", 7));
    let bucket = Arc::new(MemoryBucket::new(clock.clone()));
    Store { analyses: over(bucket.clone(), &clock), bucket, clock }
}

fn over(bucket: Arc<dyn Bucket>, clock: &Arc<ManualClock>) -> Analyses {
    Analyses::new(bucket, StorageType::Memory, Layout::new("t"), clock.clone())
}

fn id(text: &str) -> AnalysisId {
    AnalysisId::from_stored(text).unwrap()
}

fn document(text: &'static str) -> Document {
    Document::parse(Bytes::from_static(text.as_bytes())).unwrap()
}

fn at(text: &str) -> CreatedAt {
    CreatedAt::clamped(text.parse().unwrap())
}

async fn import(analyses: &Analyses, name: &str, text: &'static str) -> Result<Imported, Error> {
    let (id, document, created_at) = (id(name), document(text), at("2024-05-01T10:00:00Z"));
    let existing = Existing::Keep;
    analyses.import(Import { id: &id, document: &document, created_at, existing, known: None }).await
}

async fn listed(analyses: &Analyses) -> Vec<Entry> {
    assert_eq!(analyses.check_totals().await.unwrap(), TotalsCheck::Right);
    analyses.list(&ListQuery::default()).await.unwrap().entries
}

async fn text(analyses: &Analyses, name: &str) -> Bytes {
    match analyses.load(&id(name), &GetOptions::default()).await {
        Ok(Loaded::Document(object)) => object.body,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_imported_analysis_has_the_creation_time_of_its_history() {
    let store = store();
    for (name, created_at) in [("study-1", "2024-05-01T10:00:00.000Z"), (UUID7, "2024-01-01T00:00:00.000Z")] {
        let imported = import(&store.analyses, name, ONE).await.unwrap();
        assert_eq!(
            (imported.outcome, imported.created_at.to_string().as_str()),
            (ImportOutcome::Created, created_at)
        );
    }
    let created: Vec<String> =
        listed(&store.analyses).await.iter().map(|e| format!("{} {}", e.id, e.created_at)).collect();
    assert_eq!(created, ["study-1 2024-05-01T10:00:00.000Z", &format!("{UUID7} 2024-01-01T00:00:00.000Z")]);
}

#[tokio::test]
async fn an_id_that_was_saved_before_keeps_its_creation_time() {
    let store = store();
    store.analyses.save(&id("study-1"), &document(ONE), &Condition::None).await.unwrap();
    store.analyses.delete(&id("study-1"), None).await.unwrap();
    let imported = import(&store.analyses, "study-1", TWO).await.unwrap();
    assert_eq!(
        imported,
        Imported { outcome: ImportOutcome::Created, created_at: at("2026-01-15T12:00:00Z") }
    );
    assert_eq!(listed(&store.analyses).await[0].created_at, imported.created_at);
}

#[tokio::test]
async fn a_second_import_changes_nothing_and_another_document_is_a_conflict() {
    let store = store();
    for name in ["study-1", UUID7] {
        import(&store.analyses, name, ONE).await.unwrap();
        let before = listed(&store.analyses).await;
        assert_eq!(import(&store.analyses, name, ONE).await.unwrap().outcome, ImportOutcome::Unchanged);
        assert_eq!(import(&store.analyses, name, TWO).await.unwrap().outcome, ImportOutcome::Conflict);
        assert_eq!((listed(&store.analyses).await, text(&store.analyses, name).await), (before, ONE.into()));

        let (id, document, created_at) = (id(name), document(TWO), at("2020-01-01T00:00:00Z"));
        let replacement =
            |existing| Import { id: &id, document: &document, created_at, existing, known: None };
        let preview =
            async |existing| store.analyses.preview_import(replacement(existing)).await.unwrap().outcome;
        assert_eq!(preview(Existing::Keep).await, ImportOutcome::Conflict);
        assert_eq!(preview(Existing::Replace).await, ImportOutcome::Replaced);
        assert_eq!(text(&store.analyses, name).await, ONE);
        let replaced = store.analyses.import(replacement(Existing::Replace)).await.unwrap();
        assert_eq!(
            (replaced.outcome, text(&store.analyses, name).await),
            (ImportOutcome::Replaced, TWO.into())
        );
        listed(&store.analyses).await;
    }
}

#[tokio::test]
async fn an_import_that_crashed_is_finished_by_the_next() {
    for (operation, part) in [
        (Operation::Put, "/ids/"),
        (Operation::Put, "/dirty/"),
        (Operation::Put, "/analysis/"),
        (Operation::Put, "/index/"),
        (Operation::List, "/index/"),
        (Operation::Head, "/analysis/"),
    ] {
        let store = store();
        let decide = move |op, key: &str| (op == operation && key.contains(part)).then_some(Fault::Refused);
        let crashing =
            over(Arc::new(FaultyBucket::new(store.bucket.clone(), Box::new(decide))), &store.clock);
        import(&crashing, "study-1", ONE).await.unwrap_err();
        let again = over(store.bucket.clone(), &store.clock);
        import(&again, "study-1", ONE).await.unwrap();
        let entries = listed(&again).await;
        assert_eq!(entries.len(), 1, "{operation:?} {part}");
        assert_eq!(entries[0].created_at, at("2024-05-01T10:00:00Z"), "{operation:?} {part}");
        assert_eq!(text(&again, "study-1").await, ONE);
    }
}

#[tokio::test]
async fn an_import_whose_answers_are_lost_succeeds() {
    for part in ["/ids/", "/analysis/", "/index/"] {
        let store = store();
        let faulty = FaultyBucket::once(store.bucket.clone(), Operation::Put, part, Fault::AnswerLost);
        let imported = import(&over(Arc::new(faulty), &store.clock), "study-1", ONE).await.unwrap();
        assert_eq!(imported.outcome, ImportOutcome::Created, "{part}");
        assert_eq!(listed(&store.analyses).await.len(), 1, "{part}");
    }
}

#[tokio::test]
async fn an_entry_that_leads_astray_is_looked_past() {
    for (text, existing, outcome) in [
        (ONE, Existing::Keep, ImportOutcome::Unchanged),
        (TWO, Existing::Keep, ImportOutcome::Conflict),
        (TWO, Existing::Replace, ImportOutcome::Replaced),
    ] {
        let store = store();
        let (id, document) = (id("study-1"), document(text));
        let entry = store.analyses.save(&id, &self::document(ONE), &Condition::None).await.unwrap().entry;
        let stray = Entry { created_at: at("2025-01-01T00:00:00Z"), ..entry.clone() };
        let created_at = at("2020-01-01T00:00:00Z");
        let import = Import { id: &id, document: &document, created_at, existing, known: Some(&stray) };
        let imported = store.analyses.import(import).await.unwrap();
        assert_eq!(imported, Imported { outcome, created_at: entry.created_at });
        assert_eq!(listed(&store.analyses).await.len(), 1);
    }
}

/// Local files have tags that tell nothing of their content, so that it is read.
#[tokio::test]
async fn a_document_that_is_deleted_while_it_is_compared_is_no_conflict() {
    let (store, root) = (store(), tempfile::TempDir::new().unwrap());
    let files: Arc<dyn Bucket> = Arc::new(LocalBucket::open(root.path()).await.unwrap());
    let analyses = over(files.clone(), &store.clock);
    import(&analyses, "study-1", ONE).await.unwrap();
    let path = root.path().to_owned();
    let decide = move |op, key: &str| {
        if op == Operation::Get && key.contains("/analysis/") {
            std::fs::remove_file(path.join(key)).unwrap();
        }
        None
    };
    let beside = over(Arc::new(FaultyBucket::new(files, Box::new(decide))), &store.clock);
    assert_eq!(import(&beside, "study-1", ONE).await.unwrap().outcome, ImportOutcome::Created);
    let entries = analyses.list(&ListQuery::default()).await.unwrap().entries;
    assert_eq!((entries.len(), text(&analyses, "study-1").await), (1, ONE.into()));
}

#[tokio::test]
async fn what_is_past_its_retention_does_not_stand_in_the_way() {
    let mut store = store();
    store.analyses = over(store.bucket.clone(), &store.clock).with_retention(Retention::days(10));
    import(&store.analyses, "study-1", ONE).await.unwrap();
    store.clock.advance(std::time::Duration::from_hours(24 * 20));
    assert_eq!(import(&store.analyses, "study-1", ONE).await.unwrap().outcome, ImportOutcome::Created);
    assert_eq!(listed(&store.analyses).await.len(), 1);
}

#[tokio::test]
async fn a_document_that_is_no_analysis_is_kept_and_indexed_by_a_given_summary() {
    let store = store();
    let summary = document(ONE).summary().clone();
    let kept = Document::unindexable(Bytes::from_static(b"\xff no JSON"), summary.clone());
    let (id, created_at, existing) = (id("odd"), at("2024-05-01T10:00:00Z"), Existing::Keep);
    let import = Import { id: &id, document: &kept, created_at, existing, known: None };
    store.analyses.import(import).await.unwrap();
    let entries = listed(&store.analyses).await;
    assert_eq!((&entries[0].summary, entries[0].size), (&summary, 9));
    let (entry, object) = store.analyses.read_for_backup(&entries[0]).await.unwrap().unwrap();
    assert_eq!((entry, &object.body[..]), (entries[0].clone(), &b"\xff no JSON"[..]));
}

#[tokio::test]
async fn reading_an_entry_finds_the_document_of_the_moment() {
    let store = store();
    let old = store.analyses.save(&id("study-1"), &document(ONE), &Condition::None).await.unwrap().entry;
    let new = store.analyses.save(&id("study-1"), &document(TWO), &Condition::None).await.unwrap().entry;
    let (entry, object) = store.analyses.read_for_backup(&old).await.unwrap().unwrap();
    assert_eq!((entry, object.body), (new, TWO.into()));
    store.analyses.delete(&id("study-1"), None).await.unwrap();
    assert!(store.analyses.read_for_backup(&old).await.unwrap().is_none());
}
