//! Requests that are refused for the moment, or whose answers are lost.

use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::{Precondition, Put};
use analysis_storage::testing::{Fault, FaultyBucket, Operation};
use analysis_storage::{Bucket as _, Clock as _, Condition, Error, ErrorCode};
use futures::FutureExt;

use crate::store::{HOUR, Store, UUID7, analyses, document};

#[tokio::test]
async fn transient_failures_are_retried_and_lasting_ones_reported() {
    let store = Store::new();
    // And whether the document is written by then, so that nobody may say that nothing happened.
    for (operation, part, is_half_done) in [
        (Operation::Put, "/ids/", false),
        (Operation::Head, "/analysis/", false),
        (Operation::Put, "/analysis/", false),
        (Operation::Put, "/index/", true),
        (Operation::List, "/index/", true),
        (Operation::Delete, "/index/", true),
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
        match lasting {
            Err(Error::NoAnswer { .. }) => assert!(is_half_done, "{operation:?} {part}"),
            Err(Error::Refused { .. }) => assert!(!is_half_done, "{operation:?} {part}"),
            other => panic!("{operation:?} {part}: {other:?}"),
        }
    }
}

const STORM: Duration = Duration::from_secs(10);

/// Three `SlowDown` within half a second were taken for the end.
#[tokio::test]
async fn ten_seconds_of_throttling_fail_nothing() {
    for (operation, part) in [
        (Operation::Put, "/ids/"),
        (Operation::Put, "/analysis/"),
        (Operation::Put, "/index/"),
        (Operation::Put, "/dirty/"),
        (Operation::List, "/index/"),
        (Operation::Head, "/analysis/"),
        (Operation::Delete, "/analysis/"),
        (Operation::Delete, "/index/"),
        (Operation::List, ""),
        (Operation::Put, ""),
    ] {
        for id in ["study-1", UUID7] {
            let store = Store::new();
            store.save(id, r#"{"n":1}"#).await;
            store.clock.advance(2 * HOUR);
            let throttled = || {
                let (clock, end) = (store.clock.clone(), store.clock.now() + STORM);
                let decide = move |op, key: &str| {
                    (op == operation && key.contains(part) && clock.now() < end).then_some(Fault::Refused)
                };
                store.over(FaultyBucket::new(store.bucket.clone(), Box::new(decide)))
            };
            let save = throttled().within(Duration::from_secs(25));
            save.save(&store.id(id), &document(r#"{"n":2}"#), &Condition::None).await.unwrap();
            let new = throttled().save_new(&document("{}")).await.unwrap().entry.id;
            assert_eq!(throttled().stats().await.unwrap().total_analyses, 2);
            throttled().delete(&store.id(id), None).await.unwrap();
            assert_eq!((store.all().await, store.index_keys().await), (vec![new.to_string()], 1));
            assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 1, "{operation:?} {part} {id}");
        }
    }
}

#[tokio::test]
async fn a_storm_longer_than_the_deadline_leaves_nothing_half_saved() {
    let store = Store::new();
    let refusing = store.crashing(Operation::Put, "/analysis/");
    for result in [
        refusing.save(&store.id("study-1"), &document("{}"), &Condition::None).await,
        refusing.save_new(&document("{}")).await,
    ] {
        assert!(matches!(result, Err(Error::Refused { .. })), "it had no effect: {result:?}");
    }
    assert_eq!((store.all().await, store.index_keys().await), (vec![], 0));
    assert!(store.bucket.list("t/analysis/", None, 1).await.unwrap().objects.is_empty());
}

#[tokio::test]
async fn others_that_are_faster_each_time_are_contention_and_no_outage() {
    let store = Store::new();
    store.save("study-1", "{}").await;
    let key = store.bucket.list("t/analysis/", None, 1).await.unwrap().objects[0].key.clone();
    let (theirs, clock, mut rounds) = (store.bucket.clone(), store.clock.clone(), 0);
    let overtake = move |operation, requested: &str| {
        if matches!(operation, Operation::Put | Operation::Delete) && requested == key.as_str() {
            rounds += 1;
            let (saved_at, body) = (clock.now().into(), format!(r#"{{"n":{rounds}}}"#).into());
            let precondition = Precondition::None;
            let put = Put { key: key.clone(), body, saved_at, metadata: Vec::new(), precondition };
            theirs.put(put).now_or_never().unwrap().unwrap();
        }
        None
    };
    let slow = store.over(FaultyBucket::new(store.bucket.clone(), Box::new(overtake)));
    let id = store.id("study-1");
    for (operation, result) in [
        ("save", slow.save(&id, &document("{}"), &Condition::None).await.map(drop)),
        ("delete", slow.delete(&id, None).await),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Contended, "{error:?}");
        assert!(error.is_retryable() && error.had_no_effect(), "{error:?}");
        assert!(error.to_string().starts_with(&format!("the {operation} of analysis `study-1`")), "{error}");
    }
}

/// The caller of an operation does not wait for longer than it said.
#[tokio::test]
async fn repetitions_end_in_time_for_an_answer() {
    for seconds in [9, 25, 60] {
        let store = Store::new();
        let begun = store.clock.now();
        let within = store.crashing(Operation::Put, "/index/").within(Duration::from_secs(seconds));
        within.save_new(&document("{}")).await.unwrap_err();
        let taken = Duration::try_from(store.clock.now().duration_since(begun)).unwrap();
        assert_eq!(taken, Duration::from_secs(seconds - 8), "the last attempt has the rest");
    }
}

/// Row 3: a definite refusal was booked as a lost answer.
#[tokio::test]
async fn a_refused_create_of_a_taken_id_is_a_failed_condition() {
    let store = Store::new();
    for id in ["study-1", UUID7] {
        let saved = store.save(id, r#"{"n":1}"#).await;
        for times in [1, 3] {
            let mut left = times;
            let decide = move |op, key: &str| {
                let fails = op == Operation::Put && key.contains("/analysis/") && left > 0;
                left -= usize::from(fails);
                fails.then_some(Fault::Refused)
            };
            let refusing = store.over(FaultyBucket::new(store.bucket.clone(), Box::new(decide)));
            let stale = Condition::Match(analysis_storage::ETag::new("\"other\""));
            for condition in [Condition::Absent, stale] {
                let result = refusing.save(&store.id(id), &document(r#"{"n":2}"#), &condition).await;
                assert!(
                    matches!(result, Err(Error::PreconditionFailed(_))),
                    "{id} {condition:?}: {result:?}"
                );
            }
        }
        assert_eq!(store.analyses.describe(&saved.entry.id).await.unwrap().saved_at, saved.entry.saved_at);
    }
}

/// S3 answers `409 ConditionalRequestConflict` to who writes while another does, and that one wins.
#[tokio::test]
async fn the_loser_of_a_race_learns_that_it_lost() {
    for (id, is_there) in [("study-1", false), (UUID7, false), ("study-1", true), (UUID7, true)] {
        let store = Store::new();
        let condition = if is_there {
            Condition::Match(store.save(id, r#"{"n":0}"#).await.etag)
        } else {
            Condition::Absent
        };
        let (winner, mut racing) = (store.analyses.clone(), true);
        let (id, other) = (store.id(id), condition.clone());
        let (won, theirs) = (id.clone(), document(r#"{"n":1}"#));
        let decide = move |op, key: &str| {
            let conflicts = op == Operation::Put && key.contains("/analysis/") && std::mem::take(&mut racing);
            if conflicts {
                winner.save(&won, &theirs, &other).now_or_never().unwrap().unwrap();
            }
            conflicts.then_some(Fault::Refused)
        };
        let loser =
            analyses(Arc::new(FaultyBucket::new(store.bucket.clone(), Box::new(decide))), &store.clock);
        let result = loser.save(&id, &document(r#"{"n":2}"#), &condition).await;
        assert!(matches!(result, Err(Error::PreconditionFailed(_))), "{id} {condition:?}: {result:?}");
        assert_eq!(store.text(id.as_str()).await.as_deref(), Some(r#"{"n":1}"#));
        assert_eq!(store.index_keys().await, 1);
    }
}
