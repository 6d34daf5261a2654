//! A check of a sound store costs one listing for each thousand entries and documents.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::repair::{Damage, Mode};
use analysis_storage::testing::{CountingBucket, FaultyBucket, ManualClock, Operation};
use analysis_storage::{Analyses, AnalysisId, Condition};

use crate::store::{FORGETTING, NOW, ONE, Store, TWO, UUID7, analyses, document, maintain, steps};

type Counting = Arc<CountingBucket<FaultyBucket>>;

fn counting(store: &Store) -> (Counting, Analyses) {
    let sound = FaultyBucket::new(store.bucket.clone(), Box::new(|_, _| None));
    let bucket = Arc::new(CountingBucket::new(sound));
    (bucket.clone(), analyses(bucket, &store.clock))
}

fn lists(count: usize) -> BTreeMap<Operation, usize> {
    [(Operation::List, count)].into()
}

#[tokio::test]
async fn one_listing_for_each_started_thousand_and_nothing_else() {
    for (count, expected) in [(1, 1), (1000, 1), (1001, 2), (2500, 3)] {
        let store = Store::new();
        for _ in 0..count {
            store.clock.advance(Duration::from_millis(1));
            store.analyses.save_new(&document(ONE)).await.unwrap();
        }
        store.clock.advance(Duration::from_hours(1));
        let (bucket, analyses) = counting(&store);
        for mode in [Mode::CHECK, Mode::REPAIR] {
            let pages = steps(&analyses, store.month(), mode).await;
            assert_eq!(bucket.take(), lists(2 * expected), "{count} in mode {mode:?}");
            assert_eq!(pages.len(), 2 * expected);
            assert!(pages.iter().all(|page| page.findings.is_empty()));
        }
    }
}

#[tokio::test]
async fn named_ids_cost_the_listings_of_their_records() {
    let store = Store::new();
    for n in 0..1500 {
        store.clock.advance(Duration::from_millis(1));
        store.save(&format!("study-{n}"), ONE).await;
        // Those of others lie between, and before.
        store.analyses.delete(&store.save(&format!("study-{n}-gone"), ONE).await.id, None).await.unwrap();
    }
    let (bucket, analyses) = counting(&store);
    steps(&analyses, store.month(), Mode::CHECK).await;
    // Entries 2, documents 2; of the 3,000 records about 2,000 for the first thousand documents.
    let spent = bucket.take();
    assert_eq!(spent.keys().collect::<Vec<_>>(), [&Operation::List], "{spent:?}");
    assert!(spent[&Operation::List] <= 4 + 3 + 2, "{spent:?}");
}

#[tokio::test]
async fn named_ids_of_a_store_that_lists_no_tokens_are_looked_up_one_by_one() {
    let store = Store::local().await;
    for n in 0..30 {
        store.save(&format!("study-{n}"), ONE).await;
        store.analyses.save_new(&document(ONE)).await.unwrap();
    }
    let (bucket, analyses) = counting(&store);
    steps(&analyses, store.month(), Mode::CHECK).await;
    assert_eq!(bucket.take(), [(Operation::Get, 30), (Operation::List, 3)].into());
    assert_eq!(store.check().await, []);
}

#[tokio::test]
async fn months_cost_a_few_requests_each() {
    let store = Store::new();
    for month in 1..=12 {
        store.clock.set(format!("2025-{month:02}-15T12:00:00Z").parse().unwrap());
        for _ in 0..5 {
            store.analyses.save_new(&document(ONE)).await.unwrap();
        }
    }
    let (bucket, analyses) = counting(&store);
    let months = analyses.months().await.unwrap();
    assert_eq!(bucket.take(), lists(12 + 1 + 12 + 1));
    for month in months {
        steps(&analyses, month, Mode::CHECK).await;
        assert_eq!(bucket.take(), lists(2), "{month}");
    }
}

#[tokio::test]
async fn a_month_amid_others_costs_one_listing_more() {
    let store = Store::new();
    for (at, count) in
        [("2025-11-30T12:00:00Z", 1200), ("2025-12-01T00:00:00Z", 1500), ("2026-01-01T00:00:00Z", 1200)]
    {
        store.clock.set(at.parse().unwrap());
        for _ in 0..count {
            store.clock.advance(Duration::from_millis(1));
            store.analyses.save_new(&document(ONE)).await.unwrap();
        }
    }
    let (bucket, analyses) = counting(&store);
    let december = analysis_storage::Month::parse("2025-12").unwrap();
    let pages = steps(&analyses, december, Mode::CHECK).await;
    assert_eq!(
        pages.iter().map(|page| (page.entries, page.documents)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)),
        (1500, 1500)
    );
    // Behind its own entries, those of an earlier version may follow.
    assert_eq!(bucket.take(), lists(2 + 1 + 2));
}

#[tokio::test]
async fn a_few_entries_without_documents_do_not_cost_the_listing_of_all_entries_again() {
    let store = Store::new();
    let mut ids: Vec<AnalysisId> = Vec::new();
    for _ in 0..4000 {
        store.clock.advance(Duration::from_millis(1));
        ids.push(store.analyses.save_new(&document(ONE)).await.unwrap().entry.id);
    }
    for id in [&ids[10], &ids[11], &ids[3990]] {
        store.remove(&format!("/{id}.json")).await;
    }
    let (bucket, analyses) = counting(&store);
    let pages = steps(&analyses, store.month(), FORGETTING).await;
    let damage: Vec<Damage> =
        pages.iter().flat_map(|page| &page.findings).map(|finding| finding.damage).collect();
    assert_eq!(damage, [Damage::DanglingEntry; 3]);
    // Four of entries, four of documents, two of entries again; and for each suspect its entries, and those that are to go.
    let spent = bucket.take();
    assert_eq!(spent[&Operation::List], 4 + 4 + 2 + 3 * 2, "{spent:?}");
    store.heal().await;
}

#[tokio::test]
async fn a_check_of_a_damaged_store_writes_nothing_at_all() {
    let store = Store::new();
    for (id, text) in [("orphan", ONE), ("dangling", ONE), ("stale", ONE), ("record", ONE), (UUID7, ONE)] {
        store.save(id, text).await;
    }
    store.clock.advance(Duration::from_hours(24 * 40));
    let crashing = store.crashing(Operation::List, "/index/");
    crashing.save(&store.id("stale"), &document(TWO), &Condition::None).await.unwrap_err();
    for part in ["!orphan!", "/dangling.json", "/ids/record"] {
        store.remove(part).await;
    }
    store.put("analysis/2024/01/stray.txt", "", &[]).await;
    store.put("metadata/storage-stats.json", "{}", &[]).await;
    let (bucket, analyses) = counting(&store);
    store.clock.advance(Duration::from_hours(1));
    let before = store.objects().await;
    let report = maintain(&analyses, None, Mode::CHECK).await;
    assert_eq!(report.findings.len(), 5, "{report:?}");
    analyses.check_totals().await.unwrap();
    let spent = bucket.take();
    let reads = [Operation::Get, Operation::Head, Operation::List];
    assert!(spent.keys().all(|operation| reads.contains(operation)), "{spent:?}");
    assert_eq!(store.objects().await, before);
}

#[tokio::test]
async fn an_empty_store_costs_what_it_takes_to_see_that() {
    let clock = Arc::new(ManualClock::at(NOW, 7));
    let bucket = Arc::new(CountingBucket::new(MemoryBucket::new(clock.clone())));
    let report = maintain(&analyses(bucket.clone(), &clock), None, Mode::CHECK).await;
    assert_eq!((report.findings, bucket.take()), (vec![], lists(3)));
}
