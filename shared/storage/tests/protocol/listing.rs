//! What a list promises.

use std::time::Duration;

use analysis_storage::query::{Cursor, Filter, Limit, ListQuery};

use analysis_storage::testing::Operation;
use analysis_storage::{Condition, Entry, SavedAt};

use crate::store::{HOUR, Store, document, labelled};

#[tokio::test]
async fn pages_neither_repeat_nor_skip_while_analyses_are_saved() {
    let store = Store::new();
    for n in 0..57 {
        store.save(&format!("study-{n:02}"), "{}").await;
        // Several share a millisecond, so that pages also end between ids of one creation time.
        store.clock.advance(Duration::from_millis(u64::from(n % 3 == 0)));
    }
    let expected = store.all().await;
    let mut query = ListQuery { limit: Limit::parse("5").unwrap(), ..ListQuery::default() };
    let mut seen = Vec::new();
    loop {
        let page = store.analyses.list(&query).await.unwrap();
        assert!(page.entries.len() <= 5);
        seen.extend(page.entries.iter().map(|entry| entry.id.to_string()));
        // New ones appear in front, and one that was shown already is replaced.
        store.clock.advance(HOUR);
        store.save(&format!("later-{}", seen.len()), "{}").await;
        store.save(seen.last().unwrap(), r#"{"again":true}"#).await;
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_full_page_comes_without_a_cursor_when_nothing_follows() {
    let store = Store::new();
    for n in 0..4 {
        store.save(&format!("study-{n}"), "{}").await;
    }
    let query = ListQuery { limit: Limit::parse("4").unwrap(), ..ListQuery::default() };
    let page = store.analyses.list(&query).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (4, None));
}

#[tokio::test]
async fn a_page_that_reaches_the_end_of_its_period_comes_without_a_cursor() {
    let store = Store::new();
    for _ in 0..40 {
        store.clock.advance(HOUR);
        store.analyses.save_new(&document("{}")).await.unwrap();
    }
    let filter = Filter::parse(None, None, Some("2026-01-16T22:00:00Z"), None).unwrap();
    let query = ListQuery { filter, limit: Limit::parse("10").unwrap(), ..ListQuery::default() };
    let page = store.analyses.list(&query).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (7, None));
}

#[tokio::test]
async fn a_page_is_full_though_some_of_its_analyses_have_stale_entries() {
    let store = Store::new();
    for n in 0..24 {
        store.clock.advance(HOUR);
        store.save(&format!("crashed-{n}"), "{}").await;
        store.clock.advance(HOUR);
        let crashing = store.crashing(Operation::List, "/index/");
        crashing
            .save(&store.id(&format!("crashed-{n}")), &document("{}"), &Condition::None)
            .await
            .unwrap_err();
    }
    assert_eq!(store.index_keys().await, 48);
    store.clock.set("2026-01-15T12:30:00Z".parse().unwrap());
    for n in 0..3 {
        store.save(&format!("older-{n}"), "{}").await;
    }
    let page = async |limit: &str| {
        let query = ListQuery { limit: Limit::parse(limit).unwrap(), ..ListQuery::default() };
        store.analyses.list(&query).await.unwrap()
    };
    assert_eq!(page("26").await.entries.len(), 26);
    let all = page("27").await;
    assert_eq!((all.entries.len(), all.next), (27, None));
}

#[tokio::test]
async fn of_more_entries_of_one_id_than_a_page_of_keys_has_the_newest_is_shown() {
    let store = Store::new();
    let saved = store.save("crashed", "{}").await;
    for n in 1..60 {
        let saved_at = SavedAt::from_micros(saved.entry.saved_at.micros() + n);
        let stale = Entry { saved_at, size: n.unsigned_abs(), ..saved.entry.clone() };
        store.put_unrelated(&format!("t/metadata/index/{stale}")).await;
    }
    let query = ListQuery { limit: Limit::parse("1").unwrap(), ..ListQuery::default() };
    assert_eq!(store.list(&query).await[0].size, 59);
}

#[tokio::test]
async fn filters_select_by_label_and_creation_time() {
    let store = Store::new();
    for (day, implementation, status) in
        [(1, "hybrid", "success"), (2, "openai", "success"), (3, "openai", "error"), (4, "hybrid", "error")]
    {
        store.clock.set(format!("2026-02-0{day}T10:00:00Z").parse().unwrap());
        store
            .analyses
            .save(&store.id(&format!("d{day}")), &labelled(implementation, status), &Condition::None)
            .await
            .unwrap();
    }
    let list = async |implementation, status, from, to| {
        let filter = Filter::parse(implementation, status, from, to).unwrap();
        let entries = store.list(&ListQuery { filter, ..ListQuery::default() }).await;
        entries.iter().map(|entry| entry.id.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(list(Some("openai"), None, None, None).await, "d3 d2");
    assert_eq!(list(None, Some("error"), None, None).await, "d4 d3");
    assert_eq!(list(Some("hybrid"), Some("error"), None, None).await, "d4");
    assert_eq!(list(None, None, Some("2026-02-02"), Some("2026-02-03")).await, "d3 d2");
    assert_eq!(list(None, None, Some("2026-02-02T10:00:00Z"), Some("2026-02-02T10:00:00Z")).await, "d2");
    assert_eq!(list(None, None, Some("2026-02"), None).await, "d4 d3 d2 d1");
    assert_eq!(list(None, None, None, Some("2026-01")).await, "");
    assert_eq!(list(None, None, None, Some("1999-01")).await, "");
    assert_eq!(list(Some("openai"), None, Some("2026-02-03"), None).await, "d3");
}

#[tokio::test]
async fn a_selective_filter_goes_on_behind_pages_without_a_match() {
    let store = Store::new();
    store.analyses.save(&store.id("rare"), &labelled("openai", "success"), &Condition::None).await.unwrap();
    for n in 0..2500 {
        store.clock.advance(Duration::from_millis(1));
        store.analyses.save_new(&labelled("hybrid", &format!("n{n}"))).await.unwrap();
    }
    let filter = Filter::parse(Some("openai"), None, None, None).unwrap();
    let mut query = ListQuery { filter, ..ListQuery::default() };
    let mut pages = vec![];
    loop {
        let page = store.analyses.list(&query).await.unwrap();
        pages.push(page.entries.len());
        let Some(next) = page.next else { break };
        let text = next.encode(&query.filter);
        query.cursor = Some(Cursor::parse(&text, &query.filter).unwrap());
    }
    assert_eq!(pages, [0, 0, 1]);
}
