//! What a delete promises.

use std::time::Duration;

use analysis_storage::testing::{Fault, Operation};
use analysis_storage::{Clock as _, Condition, ETag, Error};

use crate::store::{HOUR, Store, document};

#[tokio::test]
async fn a_deleted_analysis_is_gone_everywhere() {
    let store = Store::new();
    let saved = store.save("study-1", "{}").await;
    let stale = ETag::new("\"other\"");
    let refused = store.analyses.delete(&saved.entry.id, Some(&stale)).await;
    assert!(matches!(refused, Err(Error::PreconditionFailed(_))));
    assert_eq!(store.all().await, ["study-1"]);

    store.analyses.delete(&saved.entry.id, Some(&saved.etag)).await.unwrap();
    assert_eq!((store.text("study-1").await, store.all().await, store.index_keys().await), (None, vec![], 0));
    assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 0);
    for id in ["study-1", "never-saved", "018cc251-f400-7000-8000-000000000000"] {
        assert!(
            matches!(store.analyses.delete(&store.id(id), None).await, Err(Error::NotFound { .. })),
            "{id}"
        );
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
        store.crashing(Operation::Delete, "/index/").delete(&saved.entry.id, tag).await.unwrap_err();
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
    let begun = store.clock.now();
    let crashed = store
        .crashing(Operation::Put, "/index/")
        .save(&store.id("study-1"), &document("{}"), &Condition::None)
        .await;
    assert!(matches!(crashed, Err(Error::NoAnswer { .. })));
    let delete = async || store.analyses.delete(&store.id("study-1"), None).await;
    assert!(matches!(delete().await, Err(Error::SaveInFlight(_))));
    store.clock.set(begun + Duration::from_mins(15));
    assert!(matches!(delete().await, Err(Error::SaveInFlight(_))));
    store.clock.advance(Duration::from_millis(1));
    delete().await.unwrap();
    assert_eq!(store.text("study-1").await, None);
}
