//! What comparing index and documents costs.

use std::collections::BTreeMap;

use analysis_storage::repair::{Mode, TotalsCheck};
use analysis_storage::testing::Operation;
use analysis_storage::{Analyses, Month};

use crate::store::{Shared, store_and_clock};

const MINUTE_MS: i64 = 60_000;

/// Goes through all months; what that has cost, and how many documents it saw.
async fn gone_through(bucket: &Shared, analyses: &Analyses, mode: Mode) -> (BTreeMap<Operation, usize>, u64) {
    let months: Vec<Month> = analyses.months().await.unwrap();
    bucket.spent();
    let mut documents = 0;
    for month in months {
        let mut repair = analyses.repair_month(month, mode);
        while let Some(page) = repair.step().await.unwrap() {
            assert_eq!((page.findings, page.in_flight), (vec![], 0));
            documents += page.documents;
        }
    }
    (bucket.0.take(), documents)
}

#[tokio::test]
async fn a_sound_store_is_compared_by_listings_alone() {
    for total in [1_000, 100_000] {
        let (bucket, analyses, clock) = store_and_clock();
        for n in 0..total {
            // Of the last ten weeks, whatever there is.
            let age = i64::try_from(n).unwrap() * 100_000 * MINUTE_MS / i64::try_from(total).unwrap();
            bucket.add(&clock, n, age).await;
        }
        bucket.spent();
        let months = analyses.months().await.unwrap().len();
        let spent = bucket.0.take();
        assert_eq!(spent.keys().collect::<Vec<_>>(), [&Operation::List], "{spent:?}");
        assert!(spent[&Operation::List] <= 4 * months + 2, "{spent:?} for {months} months");
        for mode in [Mode::CHECK, Mode::REPAIR] {
            let (spent, documents) = gone_through(&bucket, &analyses, mode).await;
            assert_eq!(documents, total);
            assert_eq!(spent.keys().collect::<Vec<_>>(), [&Operation::List], "{spent:?}");
            // Of each month two pages are not full, and its last folder of the index may be half another's.
            let most = usize::try_from(total).unwrap() / 500 + 5 * months;
            assert!(spent[&Operation::List] <= most, "{spent:?} for {months} months");
        }
        assert!(analyses.check_outside_months().await.unwrap().findings.is_empty());
        assert_eq!(bucket.spent(), format!("{} List", months + 1));
        assert_eq!(analyses.recount().await.unwrap().total_analyses, total);
        let pages = usize::try_from(total).unwrap() / 999;
        let spent = bucket.0.take();
        assert!(spent[&Operation::List] <= pages + 3 + 64 && spent[&Operation::Put] == 1, "{spent:?}");
        assert_eq!(analyses.check_totals().await.unwrap(), TotalsCheck::Right);
        let spent = bucket.0.take();
        assert!(spent[&Operation::List] <= 2 * pages + 4 + 2 * 64 && spent.len() == 2, "{spent:?}");
    }
}
