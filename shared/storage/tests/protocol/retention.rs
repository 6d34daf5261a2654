//! What is past its retention.

use analysis_storage::bucket::GetOptions;
use analysis_storage::testing::{FaultyBucket, Operation};
use analysis_storage::{Bucket as _, Condition, Error, Loaded, Retention};
use futures::FutureExt;

use crate::store::{HOUR, Store, analyses, document};

#[tokio::test]
async fn what_is_past_its_retention_is_hidden() {
    let mut store = Store::new();
    store.analyses = analyses(store.bucket.clone(), &store.clock).with_retention(Retention::days(10));
    let old = store.save("old", "{}").await;
    let held = GetOptions { if_none_match: Some(old.etag), ..GetOptions::default() };
    assert!(matches!(store.analyses.load(&store.id("old"), &held).await, Ok(Loaded::NotModified)));
    store.clock.advance(5 * 24 * HOUR);
    store.save("new", "{}").await;
    store.clock.set("2026-01-25T23:59:59Z".parse().unwrap());
    assert_eq!(store.all().await, ["new", "old"]);
    store.clock.set("2026-01-26T00:00:00Z".parse().unwrap());
    assert_eq!((store.all().await, store.text("old").await), (vec!["new".to_owned()], None));
    assert!(matches!(store.analyses.describe(&store.id("old")).await, Err(Error::NotFound { .. })));
    assert!(matches!(store.analyses.load(&store.id("old"), &held).await, Err(Error::NotFound { .. })));
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
        let expiring = store.over(expiring).with_retention(Retention::days(10));
        let saved = expiring.save(&store.id("old"), &document(r#"{"n":2}"#), &Condition::Absent).await;
        assert!(saved.unwrap().created, "{operation:?}");
        assert_eq!(store.text("old").await.as_deref(), Some(r#"{"n":2}"#));
    }
}
