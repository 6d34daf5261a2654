//! A repair goes page by page, month by month.

use std::collections::BTreeMap;
use std::time::Duration;

use analysis_storage::Month;
use analysis_storage::repair::{Damage, Mode};

use crate::store::{ONE, Store, document, maintain, steps};

#[tokio::test]
async fn thousands_are_paged_and_a_repair_goes_on_where_it_was() {
    let store = Store::new();
    for n in 0..2500 {
        store.clock.advance(Duration::from_millis(1));
        if n % 2 == 0 {
            store.analyses.save_new(&document(ONE)).await.unwrap();
        } else {
            store.save(&format!("study-{n}"), ONE).await;
        }
    }
    let before = store.analyses.stats().await.unwrap();
    store.remove("/metadata/").await;

    let mut repair = store.analyses.repair_month(store.month(), Mode::REPAIR);
    let first = repair.step().await.unwrap().unwrap();
    assert_eq!((first.entries, first.documents), (0, 0), "the index is empty");
    let second = repair.step().await.unwrap().unwrap();
    assert_eq!((second.documents, second.findings.len()), (1000, 1000));
    // Everything is forgotten; what was repaired is sound by now. Of named ids the record is lost, too.
    let pages = steps(&store.analyses, store.month(), Mode::REPAIR).await;
    let figures: Vec<_> =
        pages.iter().map(|page| (page.entries, page.documents, page.findings.len())).collect();
    assert_eq!(figures, [(1000, 0, 0), (0, 1000, 0), (0, 1000, 250 + 2 * 750), (0, 500, 2 * 500)]);
    let report = store.heal().await;
    assert_eq!((report.entries, report.documents), (2500, 2500));
    let after = store.analyses.stats().await.unwrap();
    assert_eq!(
        (after.total_analyses, after.total_size_bytes, after.by_month),
        (before.total_analyses, before.total_size_bytes, before.by_month)
    );
}

#[tokio::test]
async fn one_month_can_be_repaired_alone() {
    let store = Store::new();
    for (at, id) in [("2025-11", "nov"), ("2025-12", "dec"), ("2026-01", "jan")] {
        for day in ["01T00:00:00Z", "15T12:00:00Z", "30T23:59:59.999Z"] {
            store.clock.set(format!("{at}-{day}").parse().unwrap());
            store.save(&format!("{id}-{}", &day[..2]), ONE).await;
        }
    }
    store.clock.set("2026-02-15T12:00:00Z".parse().unwrap());
    store.remove("/metadata/index/").await;
    let december = Some(Month::parse("2025-12").unwrap());
    let report = maintain(&store.analyses, december, Mode::REPAIR).await;
    assert_eq!((report.documents, report.findings.len()), (3, 3));
    let ids: Vec<_> = store.list().await.into_iter().map(|entry| entry.id.to_string()).collect();
    assert_eq!(ids, ["dec-30", "dec-15", "dec-01"]);
    maintain(&store.analyses, None, Mode::REPAIR).await;
    let report = maintain(&store.analyses, december, Mode::CHECK).await;
    assert_eq!((report.documents, report.findings), (3, vec![]));
}

#[tokio::test]
async fn months_are_found_by_what_is_left_of_them() {
    for store in Store::each().await {
        let months = ["2021-03", "2023-12", "2024-01", "2025-06"];
        for month in months {
            store.clock.set(format!("{month}-01T00:00:00Z").parse().unwrap());
            store.save(&format!("{month}-first"), ONE).await;
            store.clock.set(format!("{month}-28T23:59:59.999Z").parse().unwrap());
            store.save(&format!("{month}-last"), ONE).await;
        }
        for part in ["!2021-03-", "/2023-12-", "!2024-01-", "/2025-06-"] {
            store.remove(part).await;
        }
        let found = store.analyses.months().await.unwrap();
        assert_eq!(found, months.map(|month| Month::parse(month).unwrap()));
        let damage: BTreeMap<Damage, usize> =
            store.damage().await.into_iter().fold(BTreeMap::new(), |mut all, one| {
                *all.entry(one).or_default() += 1;
                all
            });
        assert_eq!(damage, [(Damage::Orphan, 4), (Damage::DanglingEntry, 4)].into());
        store.heal().await;
        assert_eq!(store.list().await.len(), 4);
    }
}
