//! Requests that the bucket carries out long after their clients gave up on them.

use std::sync::Arc;
use std::time::Duration;

use analysis_storage::query::ListQuery;
use analysis_storage::testing::{LateBucket, Operation};
use analysis_storage::{Bucket as _, BucketError, Condition, Error};

use crate::store::{HOUR, Store, UUID7, analyses, document};

/// All requests that came late have failed their conditions.
async fn lands_in_vain(late: &LateBucket) {
    let landed = late.land().await;
    assert!(!landed.is_empty(), "nothing was late");
    assert!(
        landed.iter().all(|result| matches!(result, Err(BucketError::PreconditionFailed(_)))),
        "{landed:?}"
    );
}

#[tokio::test]
async fn a_replace_that_lands_after_another_acknowledged_save_changes_nothing() {
    for (id, condition) in
        [("study-1", Condition::None), ("study-1", Condition::Present), (UUID7, Condition::Present)]
    {
        let store = Store::new();
        store.save(id, r#"{"n":1}"#).await;
        store.clock.advance(HOUR);
        let late = Arc::new(LateBucket::once(store.bucket.clone(), Operation::Put, "/analysis/"));
        let client = analyses(late.clone(), &store.clock);
        client.save(&store.id(id), &document(r#"{"n":2}"#), &condition).await.unwrap();
        let other = store.save(id, r#"{"n":3}"#).await;
        lands_in_vain(&late).await;
        assert_eq!(store.text(id).await.as_deref(), Some(r#"{"n":3}"#));
        assert_eq!(store.list(&ListQuery::default()).await, [other.entry]);
    }
}

#[tokio::test]
async fn a_create_that_lands_after_another_acknowledged_save_changes_nothing() {
    for id in ["study-1", UUID7] {
        let store = Store::new();
        let late = Arc::new(LateBucket::once(store.bucket.clone(), Operation::Put, "/analysis/"));
        let client = analyses(late.clone(), &store.clock);
        client.save(&store.id(id), &document(r#"{"n":1}"#), &Condition::None).await.unwrap();
        let other = store.save(id, r#"{"n":2}"#).await;
        lands_in_vain(&late).await;
        assert_eq!(store.text(id).await.as_deref(), Some(r#"{"n":2}"#));
        assert_eq!(store.list(&ListQuery::default()).await, [other.entry]);
    }
}

/// Its outcome is unknown to its client for good, and for everybody else it has not happened.
#[tokio::test]
async fn a_replace_that_was_given_up_and_lands_after_another_save_changes_nothing() {
    let store = Store::new();
    store.save("study-1", r#"{"n":1}"#).await;
    let pick = |op, key: &str| op == Operation::Put && key.contains("/analysis/");
    let late = Arc::new(LateBucket::new(store.bucket.clone(), Box::new(pick)));
    let client = analyses(late.clone(), &store.clock);
    let given_up = client.save(&store.id("study-1"), &document(r#"{"n":2}"#), &Condition::None).await;
    assert!(matches!(given_up, Err(Error::NoAnswer { .. })), "{given_up:?}");
    store.save("study-1", r#"{"n":3}"#).await;
    lands_in_vain(&late).await;
    assert_eq!(store.text("study-1").await.as_deref(), Some(r#"{"n":3}"#));
}

#[tokio::test]
async fn a_late_delete_removes_nothing_that_was_saved_again() {
    for id in ["study-1", UUID7] {
        for is_answered in [true, false] {
            let store = Store::new();
            store.save(id, r#"{"n":1}"#).await;
            let mut first = true;
            let pick = move |op, key: &str| {
                let is_delete = op == Operation::Delete && key.contains("/analysis/");
                is_delete && (std::mem::take(&mut first) || !is_answered)
            };
            let late = Arc::new(LateBucket::new(store.bucket.clone(), Box::new(pick)));
            let deleted = analyses(late.clone(), &store.clock).delete(&store.id(id), None).await;
            assert_eq!(deleted.is_ok(), is_answered, "{deleted:?}");
            let again = store.save(id, r#"{"n":2}"#).await;
            lands_in_vain(&late).await;
            assert_eq!(store.text(id).await.as_deref(), Some(r#"{"n":2}"#));
            assert_eq!(store.list(&ListQuery::default()).await, [again.entry]);
        }
    }
}

/// Entries have keys of their own, and are deleted without a condition.
#[tokio::test]
async fn a_late_delete_of_a_stale_entry_touches_no_other() {
    let store = Store::new();
    store.save("study-1", r#"{"n":1}"#).await;
    let late = Arc::new(LateBucket::once(store.bucket.clone(), Operation::Delete, "/index/"));
    let client = analyses(late.clone(), &store.clock);
    client.save(&store.id("study-1"), &document(r#"{"n":2}"#), &Condition::None).await.unwrap();
    let last = store.save("study-1", r#"{"n":1}"#).await;
    store.clock.advance(Duration::from_mins(1));
    assert_eq!(late.land().await.len(), 1);
    assert_eq!(store.list(&ListQuery::default()).await, [last.entry]);
    assert_eq!(store.bucket.list("t/metadata/index/", None, 10).await.unwrap().objects.len(), 1);
}

/// Of an id whose creation time is fixed, a late record says the same again.
#[tokio::test]
async fn a_late_id_record_moves_no_analysis() {
    let store = Store::new();
    let late = Arc::new(LateBucket::once(store.bucket.clone(), Operation::Put, "/ids/"));
    let client = analyses(late.clone(), &store.clock);
    let saved = client.save(&store.id("study-1"), &document("{}"), &Condition::None).await.unwrap();
    store.clock.advance(HOUR);
    lands_in_vain(&late).await;
    assert_eq!(store.save("study-1", r#"{"n":2}"#).await.entry.created_at, saved.entry.created_at);
}
