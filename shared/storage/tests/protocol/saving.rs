//! What a save promises.

use analysis_storage::Bucket as _;
use analysis_storage::query::ListQuery;
use analysis_storage::{Condition, ETag, Error, Saved};

use crate::store::{HOUR, Store, UUID7, document};

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
    for id in ["study-1", UUID7] {
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
    assert!(refused(save("{}", Condition::Match(ETag::new("\"x\""))).await));
    assert!(
        store.bucket.list("", None, 10).await.unwrap().objects.is_empty(),
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
async fn ids_differ_by_case() {
    let store = Store::new();
    store.save("Study", r#"{"a":1}"#).await;
    store.save("study", r#"{"a":2}"#).await;
    assert_eq!(store.text("Study").await.as_deref(), Some(r#"{"a":1}"#));
    assert_eq!(store.all().await.len(), 2);
}

#[tokio::test]
async fn versions_of_a_bucket_that_keeps_none_are_not_supported() {
    let store = Store::new();
    let saved = store.save("study-1", "{}").await;
    let versions = store.analyses.versions(&saved.entry.id).await;
    assert!(matches!(versions, Err(Error::Unsupported(_))), "{versions:?}");
}

/// Other programs and people read them off the object, and a repair where it cannot read the document.
#[tokio::test]
async fn a_document_says_in_its_metadata_what_it_is() {
    let store = Store::new();
    let text = r#"{"implementation":"hybrid","status":"success","timestamp":"2026-01-01T00:00:00Z"}"#;
    let saved = store.save("study-1", text).await;
    let meta = store.bucket.head(&store.analyses.document_key(&saved.entry)).await.unwrap().unwrap();
    for (name, value) in [
        ("request_id", "study-1"),
        ("implementation", "hybrid"),
        ("status", "success"),
        ("timestamp", "2026-01-01T00:00:00Z"),
        ("file_type", "analysis"),
    ] {
        assert_eq!(meta.metadata.get(name).map(String::as_str), Some(value), "{name}");
    }
}
