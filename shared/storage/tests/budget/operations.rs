//! What each operation costs.

use std::time::Duration;

use analysis_storage::bucket::GetOptions;
use analysis_storage::import::{Existing, Import, ImportOutcome};
use analysis_storage::query::ListQuery;
use analysis_storage::{Condition, CreatedAt, Document, ETag, Entry};
use bytes::Bytes;

use crate::store::{OLD_UUID7, OTHER_UUID7, UUID7, document, id, store, store_and_clock};

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
async fn a_document_of_more_than_a_mebibyte_is_not_sent_before_a_look() {
    let (bucket, analyses) = store();
    for (size, id_of_client, spent) in
        [(1 << 20, UUID7, "2 Put, 1 Head, 1 List"), ((1 << 20) + 1, OTHER_UUID7, "2 Put, 2 Head, 1 List")]
    {
        let text = format!(r#"{{"text":"{}"}}"#, "x".repeat(size - 11));
        let document = Document::parse(Bytes::from(text)).unwrap();
        assert_eq!(document.size(), size as u64);
        analyses.save(&id(id_of_client), &document, &Condition::None).await.unwrap();
        assert_eq!(bucket.spent(), spent);
    }
}

#[tokio::test]
async fn saves_and_deletes_of_past_days_write_one_marker_in_five_minutes() {
    let (bucket, analyses, clock) = store_and_clock();
    analyses.save(&id(OLD_UUID7), &document(), &Condition::None).await.unwrap();
    assert_eq!(bucket.spent(), "3 Put, 1 Head, 1 List");
    analyses.delete(&id(OLD_UUID7), None).await.unwrap();
    assert_eq!(bucket.spent(), "2 Head, 2 Delete, 2 List");
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
    assert_eq!(bucket.spent(), "3 Put, 2 Head, 1 Delete, 1 List");
    analyses.save(&id("named"), &document(), &Condition::None).await.unwrap();
    assert_eq!(bucket.spent(), "3 Put, 1 Get, 2 Head, 1 Delete, 1 List");
    for condition in [Condition::Match(named.etag), Condition::Present] {
        analyses.save(&id(UUID7), &document(), &condition).await.unwrap();
        assert_eq!(bucket.spent(), "2 Put, 2 Head, 1 Delete, 1 List");
        analyses.save(&id("named"), &document(), &condition).await.unwrap();
        assert_eq!(bucket.spent(), "2 Put, 1 Get, 2 Head, 1 Delete, 1 List");
    }
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
        (UUID7, &b"{}"[..], Existing::Keep, ImportOutcome::Created, "2 Put, 2 Head, 1 List"),
        ("named", b"{}", Existing::Keep, ImportOutcome::Created, "3 Put, 1 Get, 1 Head, 1 List"),
        (UUID7, b"{}", Existing::Keep, ImportOutcome::Unchanged, "1 Head, 1 List"),
        ("named", b"{}", Existing::Keep, ImportOutcome::Unchanged, "1 Get, 1 Head, 1 List"),
        (UUID7, b"{ }", Existing::Keep, ImportOutcome::Conflict, "1 Head"),
        (UUID7, b"{ }", Existing::Replace, ImportOutcome::Replaced, "2 Put, 3 Head, 1 Delete, 1 List"),
        (
            "named",
            b"{ }",
            Existing::Replace,
            ImportOutcome::Replaced,
            "2 Put, 2 Get, 3 Head, 1 Delete, 1 List",
        ),
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
        assert_eq!(import(name, &known).await, (ImportOutcome::Unchanged, "1 Head".to_owned()));
        // What has been saved since the list is looked for.
        analyses.save(&id(name), &document(), &Condition::None).await.unwrap();
        bucket.spent();
        assert_eq!(import(name, &known).await, (ImportOutcome::Unchanged, "1 Head, 1 List".to_owned()));
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
    assert_eq!(bucket.spent(), "2 Head, 2 List");
}

#[tokio::test]
async fn loads() {
    let (bucket, analyses) = store();
    let saved = analyses.save_new(&document()).await.unwrap();
    analyses.save(&id("named"), &document(), &Condition::None).await.unwrap();
    bucket.spent();
    analyses.load(&saved.entry.id, &GetOptions::default()).await.unwrap();
    assert_eq!(bucket.spent(), "1 Get");
    let unchanged = GetOptions { if_none_match: Some(saved.etag), ..GetOptions::default() };
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
    assert_eq!(bucket.spent(), "2 Head, 2 Delete, 2 List");
    analyses.delete(&id("named"), None).await.unwrap();
    assert_eq!(bucket.spent(), "1 Get, 2 Head, 2 Delete, 2 List");
}
