//! Markers: changes of sealed periods.

use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::{Bucket as _, Precondition, Put};
use analysis_storage::repair::TotalsCheck;
use analysis_storage::testing::{Fault, FaultyBucket, LateBucket, Operation};
use analysis_storage::{BucketError, Key, Layout, Retention, SavedAt};
use bytes::Bytes;

use crate::store::{Store, document};

#[tokio::test]
async fn changes_of_sealed_days_are_counted_at_once_and_marked() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    store.save("b", "{}").await;
    store.at("2026-01-15T12:00:00Z");
    assert_eq!(store.total().await, 2);

    store.delete("a").await;
    assert_eq!(store.keys("metadata/dirty/").await, ["metadata/dirty/2026-01-10.mark"]);
    assert_eq!(store.total().await, 1);
    store.save("a", "{}").await;
    assert_eq!(store.total().await, 2);
    store.save("b", r#"{"status":"again"}"#).await;
    assert_eq!(store.process().stats().await.unwrap().statuses["again"], 1);

    store.clock.advance(Duration::from_mins(16));
    assert_eq!(store.total().await, 2);
    assert_eq!(store.keys("metadata/dirty/").await, Vec::<String>::new(), "accounted for");
    assert_eq!(store.total().await, 2);
    assert_eq!(store.snapshot().await["periods"]["2026-01-10"]["statuses"]["again"], 1);
}

#[tokio::test]
async fn a_marker_of_a_change_that_may_be_under_way_stays() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    store.at("2026-01-15T12:00:00Z");
    store.total().await;
    store.delete("a").await;
    for minutes in [14, 1] {
        store.clock.advance(Duration::from_mins(minutes));
        assert_eq!(store.total().await, 0);
        assert_eq!(store.keys("metadata/dirty/").await.len(), 1);
    }
    store.clock.advance(Duration::from_millis(1));
    assert_eq!((store.total().await, store.keys("metadata/dirty/").await.len()), (0, 0));
}

#[tokio::test]
async fn a_recount_removes_the_markers_that_an_earlier_version_has_left_once_they_have_aged() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    let old = Key::new("metadata/dirty/2026-01-09/019bc17d");
    let put = |key| Put {
        key,
        body: Bytes::new(),
        saved_at: SavedAt::from_micros(1),
        metadata: Vec::new(),
        precondition: Precondition::None,
    };
    store.bucket.put(put(old)).await.unwrap();
    store.process().recount().await.unwrap();
    assert_eq!(store.keys("metadata/dirty/").await.len(), 1, "its writer may be at work");
    store.clock.advance(Duration::from_mins(16));
    assert_eq!(store.process().recount().await.unwrap().total_analyses, 1);
    assert_eq!(store.keys("metadata/dirty/").await, Vec::<String>::new());
}

#[tokio::test]
async fn totals_are_compared_with_the_index() {
    let store = Store::new(Retention::default());
    let saved = store.process().save_new(&document("{}")).await.unwrap();
    store.at("2026-01-15T12:00:00Z");
    store.total().await;
    assert_eq!(store.process().check_totals().await.unwrap(), TotalsCheck::Right);
    store.bucket.delete(&Layout::new("").entry(&saved.entry), None).await.unwrap();
    let wrong = store.process().check_totals().await.unwrap();
    let TotalsCheck::Wrong(differences) = wrong else { panic!("{wrong:?}") };
    assert!(differences.contains("total_analyses"), "{differences}");
}

#[tokio::test]
async fn a_reader_that_cannot_store_its_snapshot_deletes_no_marker() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    store.at("2026-01-15T12:00:00Z");
    store.total().await;
    store.delete("a").await;
    store.clock.advance(Duration::from_mins(16));
    let faulty = FaultyBucket::new(
        store.bucket.clone(),
        Box::new(|op, key| (op == Operation::Put && key.contains("storage-stats")).then_some(Fault::Refused)),
    );
    let reader = store.over(Arc::new(faulty));
    assert_eq!(reader.stats().await.unwrap().total_analyses, 0, "the answer is exact all the same");
    assert_eq!(store.keys("metadata/dirty/").await.len(), 1);
    assert_eq!(store.total().await, 0);
    assert_eq!(store.keys("metadata/dirty/").await.len(), 0);
}

#[tokio::test]
async fn clients_that_date_their_ids_back_change_sealed_days() {
    let store = Store::new(Retention::default());
    store.at("2026-01-15T12:00:00Z");
    assert_eq!(store.total().await, 0);
    store.save("018cc251-f400-7000-8000-000000000001", "{}").await;
    let stats = store.process().stats().await.unwrap();
    assert_eq!((stats.total_analyses, stats.by_month), (1, [("2024-01".to_owned(), 1)].into()));
}

/// Without the condition on its write, the totals of a slow reader would take the place of those that account for a
/// marker that is gone.
#[tokio::test]
async fn the_snapshot_of_a_slow_reader_does_not_replace_a_newer_one() {
    for is_first in [true, false] {
        let store = Store::new(Retention::default());
        store.save("a", "{}").await;
        if !is_first {
            store.at("2026-01-12T12:00:00Z");
            store.total().await;
        }
        store.at("2026-01-15T12:00:00Z");
        let pick = |op, key: &str| op == Operation::Put && key.contains("storage-stats");
        let late = Arc::new(LateBucket::new(store.bucket.clone(), Box::new(pick)));
        assert_eq!(store.over(late.clone()).stats().await.unwrap().total_analyses, 1);

        store.delete("a").await;
        store.clock.advance(Duration::from_mins(16));
        assert_eq!(store.total().await, 0);
        assert_eq!(store.keys("metadata/dirty/").await, Vec::<String>::new());
        let landed = late.land().await;
        assert!(!landed.is_empty());
        assert!(
            landed.iter().all(|result| matches!(result, Err(BucketError::PreconditionFailed(_)))),
            "{landed:?}"
        );
        assert_eq!(store.total().await, 0);
    }
}

#[tokio::test]
async fn a_late_removal_of_a_marker_leaves_the_one_that_was_written_again() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    store.save("b", "{}").await;
    store.at("2026-01-15T12:00:00Z");
    store.total().await;
    store.delete("a").await;
    store.clock.advance(Duration::from_mins(16));
    let pick = |op, key: &str| op == Operation::Delete && key.contains("/dirty/");
    let late = Arc::new(LateBucket::new(store.bucket.clone(), Box::new(pick)));
    assert_eq!(store.over(late.clone()).stats().await.unwrap().total_analyses, 1);
    store.delete("b").await;
    let landed = late.land().await;
    assert!(!landed.is_empty());
    assert!(
        landed.iter().all(|result| matches!(result, Err(BucketError::PreconditionFailed(_)))),
        "{landed:?}"
    );
    assert_eq!(store.keys("metadata/dirty/").await.len(), 1);
    assert_eq!(store.total().await, 0);
}

/// A recount that fails leaves the totals that there were.
#[tokio::test]
async fn totals_are_replaced_only_once_there_are_new_ones() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    store.at("2026-01-15T12:00:00Z");
    store.total().await;
    let before = store.snapshot().await;
    let failing = |operation, part: &'static str| {
        let decide = move |op, key: &str| (op == operation && key.contains(part)).then_some(Fault::Refused);
        store.over(Arc::new(FaultyBucket::new(store.bucket.clone(), Box::new(decide))))
    };
    for (operation, part) in [(Operation::List, "/index/"), (Operation::Put, "storage-stats")] {
        failing(operation, part).recount().await.unwrap_err();
        assert_eq!(store.snapshot().await, before);
    }
    assert_eq!(store.process().recount().await.unwrap().total_analyses, 1);
    assert_ne!(store.snapshot().await, before);
}
