//! A rebuild goes page by page, over all or over one month.

use std::time::Duration;

use analysis_storage::rebuild::Mode;
use analysis_storage::{Error, Month};

use crate::store::{ONE, Store, document, rebuild};

#[tokio::test]
async fn thousands_are_paged_and_a_rebuild_goes_on_where_it_was() {
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

    let first = store.analyses.rebuild_page(None, None, Mode::Repair).await.unwrap();
    assert_eq!((first.entries, first.documents), (0, 0), "the index is empty");
    let second = store.analyses.rebuild_page(None, first.next.as_deref(), Mode::Repair).await.unwrap();
    assert_eq!((second.documents, second.findings.len()), (1000, 1000));
    // Everything is forgotten but the position.
    let mut position = second.next;
    let mut documents = 0;
    while let Some(start_after) = position {
        let page = store.analyses.rebuild_page(None, Some(&start_after), Mode::Repair).await.unwrap();
        assert!(page.documents <= 1000);
        documents += page.documents;
        position = page.next;
    }
    assert_eq!(documents, 1500);
    let report = store.heal().await;
    assert_eq!((report.entries, report.documents), (2500, 2500));
    let after = store.analyses.stats().await.unwrap();
    assert_eq!(
        (after.total_analyses, after.total_size_bytes, after.by_month),
        (before.total_analyses, before.total_size_bytes, before.by_month)
    );
}

#[tokio::test]
async fn one_month_can_be_rebuilt_alone() {
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
    let report = rebuild(&store.analyses, december, Mode::Repair).await;
    assert_eq!((report.documents, report.findings.len()), (3, 3));
    let ids: Vec<_> = store.list().await.into_iter().map(|entry| entry.id.to_string()).collect();
    assert_eq!(ids, ["dec-30", "dec-15", "dec-01"]);
    rebuild(&store.analyses, None, Mode::Repair).await;
    let report = rebuild(&store.analyses, december, Mode::CHECK).await;
    assert_eq!((report.documents, report.findings), (3, vec![]));
}

#[tokio::test]
async fn a_position_that_is_none_is_refused() {
    let store = Store::new();
    let result = store.analyses.rebuild_page(None, Some("2024-01"), Mode::CHECK).await;
    assert!(matches!(result, Err(Error::Misconfigured { advice, .. }) if advice.contains("t/analysis/")));
}
