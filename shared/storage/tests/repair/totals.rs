//! Totals are derived anew by a repair, and those that were stored stand until then.

use std::sync::Arc;
use std::time::Duration;

use analysis_storage::repair::{Mode, TotalsCheck};
use analysis_storage::testing::{Fault, FaultyBucket, Operation};
use analysis_storage::{Error, Key};

use crate::store::{ONE, Store, analyses, maintain, steps};

const TOTALS: &str = "t/metadata/storage-stats.json";

/// A store whose stored totals are wrong, as a save leaves them that marks nothing: of three analyses they know one.
async fn miscounted() -> Store {
    let store = Store::new();
    for n in 0..3 {
        store.save(&format!("study-{n}"), ONE).await;
    }
    let hidden = store.keys().await.into_iter().filter(|key| key.contains("/index/")).skip(1);
    let hidden: Vec<Key> = hidden.map(Key::new).collect();
    for key in &hidden {
        store.bucket.delete(key, None).await.unwrap();
    }
    store.clock.advance(Duration::from_hours(24 * 10));
    assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 1);
    for key in &hidden {
        store.put(key.as_str().strip_prefix("t/").unwrap(), "", &[]).await;
    }
    assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 1, "sealed, and nobody marked it");
    store
}

#[tokio::test]
async fn totals_that_are_wrong_are_found_and_right_after_a_repair() {
    let store = miscounted().await;
    let before = store.objects().await;
    let wrong = store.analyses.check_totals().await.unwrap();
    assert!(
        matches!(&wrong, TotalsCheck::Wrong(how) if how.contains("total_analyses is 1 instead of 3")),
        "{wrong:?}"
    );
    assert_eq!(store.objects().await, before, "a check writes nothing");
    assert_eq!(maintain(&store.analyses, None, Mode::REPAIR).await.findings, []);
    assert_eq!(store.analyses.check_totals().await.unwrap(), TotalsCheck::Right);
    assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 3);
}

#[tokio::test]
async fn the_stored_totals_stand_until_new_ones_are_ready() {
    let mut ends = 0;
    for dies_at in 1.. {
        let store = miscounted().await;
        let stored = store.bucket.head(&Key::new(TOTALS)).await.unwrap().unwrap().etag;
        let mut sent = 0;
        // From this request on nothing is answered, or done.
        let decide = move |_, _: &str| {
            sent += 1;
            (sent >= dies_at).then_some(Fault::RequestLost)
        };
        let dying =
            analyses(Arc::new(FaultyBucket::new(store.bucket.clone(), Box::new(decide))), &store.clock);
        let result = dying.recount().await;
        let left = store.bucket.head(&Key::new(TOTALS)).await.unwrap().unwrap().etag;
        let total = store.analyses.stats().await.unwrap().total_analyses;
        match result {
            Err(Error::NoAnswer { .. }) => {
                assert_eq!((left == stored, total), (true, 1), "request {dies_at}");
            }
            Err(error) => panic!("request {dies_at}: {error:?}"),
            Ok(stats) => {
                assert_eq!((left == stored, total, stats.total_analyses), (false, 3, 3));
                ends = dies_at;
                break;
            }
        }
    }
    assert!(ends > 4, "markers, snapshot, index and write: {ends}");
}

#[tokio::test]
async fn a_repair_that_ends_before_its_recount_leaves_the_totals() {
    let store = miscounted().await;
    let stored = store.bucket.head(&Key::new(TOTALS)).await.unwrap();
    for month in store.analyses.months().await.unwrap() {
        steps(&store.analyses, month, Mode::REPAIR).await;
    }
    assert_eq!(store.bucket.head(&Key::new(TOTALS)).await.unwrap(), stored);
}

#[tokio::test]
async fn totals_that_cannot_be_read_are_derived_anew() {
    let store = miscounted().await;
    store.put("metadata/storage-stats.json", "{}", &[]).await;
    assert_eq!(store.analyses.recount().await.unwrap().total_analyses, 3);
    assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 3);
}

#[tokio::test]
async fn a_recount_gives_way_to_others_and_says_so() {
    let store = miscounted().await;
    let (bucket, clock) = (store.bucket.clone(), store.clock.clone());
    let others = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&others);
    let decide = move |op, key: &str| {
        let stores = op == Operation::Put && key == TOTALS;
        if stores {
            seen.lock().unwrap().push(());
            // Another reader stores totals just before.
            let put = analysis_storage::bucket::Put {
                key: Key::new(TOTALS),
                body: format!("{{\"n\":{}}}", seen.lock().unwrap().len()).into(),
                saved_at: analysis_storage::Clock::now(&*clock).into(),
                metadata: Vec::new(),
                precondition: analysis_storage::bucket::Precondition::None,
            };
            futures::FutureExt::now_or_never(bucket.put(put)).unwrap().unwrap();
        }
        None
    };
    let unlucky = analyses(Arc::new(FaultyBucket::new(store.bucket.clone(), Box::new(decide))), &store.clock);
    assert!(matches!(unlucky.recount().await, Err(Error::Contended { .. })));
    assert_eq!(others.lock().unwrap().len(), 3);
}
