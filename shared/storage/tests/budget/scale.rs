//! The costs in a large store are those in a small one.

use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::GetOptions;
use analysis_storage::query::ListQuery;
use analysis_storage::testing::{ManualClock, Operation};
use analysis_storage::{Analyses, Condition};

use crate::store::{OLD_UUID7, Shared, UUID7, document, id, store_and_clock};

const TEN_YEARS_MS: i64 = 315_576_000_000;

/// A store of that many analyses, created over the ten years before the test's day, and some in its last half hour.
async fn filled(total: u64) -> (Shared, Analyses, Arc<ManualClock>) {
    let (bucket, analyses, clock) = store_and_clock();
    for n in 0..total {
        let step = i64::try_from(n).unwrap();
        let age = if n < 500 { step } else { step * TEN_YEARS_MS / i64::try_from(total).unwrap() };
        bucket.add(&clock, n, age).await;
    }
    // The first reader seals all these years.
    assert_eq!(analyses.stats().await.unwrap().total_analyses, total);
    bucket.spent();
    (bucket, analyses, clock)
}

/// What each operation costs in a store of that many analyses.
async fn costs(total: u64) -> Vec<(&'static str, String)> {
    let (bucket, analyses, clock) = filled(total).await;
    let mut costs = Vec::new();
    let saved = analyses.save_new(&document()).await.unwrap().entry.id;
    costs.push(("save", bucket.spent()));
    analyses.save(&id(UUID7), &document(), &Condition::None).await.unwrap();
    costs.push(("save uuid7", bucket.spent()));
    analyses.save(&id("named"), &document(), &Condition::None).await.unwrap();
    costs.push(("save named", bucket.spent()));
    clock.advance(Duration::from_millis(1));
    analyses.save(&id("named"), &document(), &Condition::None).await.unwrap();
    costs.push(("replace named", bucket.spent()));
    analyses.load(&saved, &GetOptions::default()).await.unwrap();
    costs.push(("load", bucket.spent()));
    let page = analyses.list(&ListQuery::default()).await.unwrap();
    costs.push(("list", bucket.spent()));
    analyses.list(&ListQuery { cursor: page.next, ..ListQuery::default() }).await.unwrap();
    costs.push(("list, second page", bucket.spent()));
    assert_eq!(analyses.stats().await.unwrap().total_analyses, total + 3);
    costs.push(("stats", bucket.spent()));
    analyses.delete(&saved, None).await.unwrap();
    costs.push(("delete", bucket.spent()));
    clock.advance(Duration::from_hours(3));
    assert_eq!(analyses.stats().await.unwrap().total_analyses, total + 2);
    costs.push(("stats, the first of an hour", bucket.spent()));
    analyses.save(&id(OLD_UUID7), &document(), &Condition::None).await.unwrap();
    bucket.spent();
    assert_eq!(analyses.stats().await.unwrap().total_analyses, total + 3);
    costs.push(("stats, a past day changed", bucket.spent()));
    clock.advance(Duration::from_mins(16));
    analyses.stats().await.unwrap();
    costs.push(("stats, a quarter of an hour later", bucket.spent()));
    analyses.stats().await.unwrap();
    costs.push(("stats, the next", bucket.spent()));
    costs
}

#[tokio::test]
async fn no_operation_costs_more_for_a_million_analyses_than_for_a_thousand() {
    let few = costs(1000).await;
    let expected = [
        ("save", "2 Put"),
        ("save uuid7", "2 Put, 1 Head, 1 List"),
        ("save named", "3 Put, 1 Head, 1 List"),
        ("replace named", "3 Put, 1 Get, 2 Head, 1 Delete, 1 List"),
        ("load", "1 Get"),
        ("list", "1 List"),
        ("list, second page", "1 List"),
        ("stats", "1 Get, 2 List"),
        ("delete", "2 Head, 2 Delete, 2 List"),
        ("stats, the first of an hour", "1 Put, 1 Get, 2 List"),
        ("stats, a past day changed", "1 Get, 3 List"),
        ("stats, a quarter of an hour later", "1 Put, 1 Get, 1 Delete, 3 List"),
        ("stats, the next", "1 Get, 2 List"),
    ];
    assert_eq!(few.iter().map(|(name, cost)| (*name, cost.as_str())).collect::<Vec<_>>(), expected);
    assert_eq!(costs(100_000).await, few);
    assert_eq!(costs(1_000_000).await, few);
}

/// A million a day are 83,000 in the two hours that are not sealed.
#[tokio::test]
async fn stats_at_a_million_saves_a_day() {
    const PER_HOUR: u64 = 1_000_000 / 24;
    let (bucket, analyses, clock) = store_and_clock();
    let mut total = 0;
    for hour in 0..4 {
        for n in 0..PER_HOUR {
            let age = i64::try_from(n * 3_600_000 / PER_HOUR).unwrap();
            bucket.add(&clock, hour * PER_HOUR + n, age).await;
        }
        total += PER_HOUR;
        bucket.spent();
        for _ in 0..2 {
            assert_eq!(analyses.stats().await.unwrap().total_analyses, total);
            let spent = bucket.0.take();
            let unsealed = usize::try_from((hour + 1).min(2) * PER_HOUR).unwrap();
            let most = 4 + unsealed / 999 + 2 * 64;
            assert!(spent.values().sum::<usize>() <= most, "{spent:?}");
            assert!(spent.get(&Operation::Put).is_none_or(|puts| *puts == 1), "{spent:?}");
        }
        clock.advance(Duration::from_hours(1));
    }
}

/// Where there is too little to be divided.
#[tokio::test]
async fn stats_cost_one_more_request_for_each_thousand_saves_of_the_last_hours() {
    let (bucket, analyses, clock) = store_and_clock();
    for expected in ["1 Put, 1 Get, 2 List", "1 Get, 3 List", "1 Get, 4 List"] {
        for _ in 0..999 {
            analyses.save_new(&document()).await.unwrap();
            clock.advance(Duration::from_millis(1));
        }
        bucket.spent();
        analyses.stats().await.unwrap();
        assert_eq!(bucket.spent(), expected);
    }
}
