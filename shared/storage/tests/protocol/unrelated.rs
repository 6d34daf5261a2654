//! What this software did not write, or wrote long ago.

use analysis_storage::bucket::{Precondition, Put};
use analysis_storage::query::{Limit, ListQuery};
use analysis_storage::repair::{Damage, Mode};
use analysis_storage::{Bucket as _, Condition, Error, Key, SavedAt};
use bytes::Bytes;

use crate::store::{HOUR, Store, document};

#[tokio::test]
async fn unrelated_objects_in_the_index_are_not_analyses() {
    let store = Store::new();
    store.save("study-1", "{}").await;
    for name in ["README.txt", "0!", "9999999999999!x!y", "8230000000000!a!b!c!d!e!f!G"] {
        store.put_unrelated(&format!("t/metadata/index/{name}")).await;
    }
    assert_eq!(store.all().await, ["study-1"]);
    assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 1);
}

#[tokio::test]
async fn a_damaged_id_record_is_reported_and_not_overwritten() {
    let store = Store::new();
    let key = Key::new("t/metadata/ids/study-1");
    let saved_at = SavedAt::from_micros(1);
    let body = Bytes::from_static(b"{}");
    let put = Put { key, body, saved_at, metadata: vec![], precondition: Precondition::None };
    store.bucket.put(put).await.unwrap();
    let result = store.analyses.save(&store.id("study-1"), &document("{}"), &Condition::None).await;
    assert!(matches!(result, Err(Error::Corrupt { key, .. }) if key == "t/metadata/ids/study-1"));
}

#[tokio::test]
async fn pages_of_unrelated_keys_neither_end_a_list_nor_hold_it_up() {
    let store = Store::new();
    store.save("old", "{}").await;
    store.clock.advance(24 * HOUR);
    store.save("new", "{}").await;
    // In front of all entries, between the two, and behind both; more than a page each.
    for place in ["0", "82315/0", "~"] {
        for n in 0..2100 {
            store.put_unrelated(&format!("t/metadata/index/{place}{n:04}")).await;
        }
    }
    let mut query = ListQuery { limit: Limit::parse("1").unwrap(), ..ListQuery::default() };
    let mut seen = Vec::new();
    loop {
        let page = store.analyses.list(&query).await.unwrap();
        seen.extend(page.entries.iter().map(|entry| entry.id.to_string()));
        let Some(next) = page.next else { break };
        query.cursor = Some(next);
        assert!(seen.len() < 3, "it goes round in circles: {seen:?}");
    }
    assert_eq!(seen, ["new", "old"]);
    assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 2);
    store.clock.advance(24 * HOUR);
    assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 2);
}

/// The entry of this analysis in the format of the version before.
fn legacy(key: &str) -> String {
    // `inv5/inv8!id!2!saved_at!token!rest`
    let (inverted, rest) = key.strip_prefix("t/metadata/index/").unwrap().split_once('!').unwrap();
    let parts: Vec<&str> = rest.split('!').collect();
    let [id, "2", saved_at, _, others @ ..] = &parts[..] else { panic!("{key}") };
    format!("t/metadata/index/{}!{id}!{saved_at}!{}", inverted.replace('/', ""), others.join("!"))
}

#[tokio::test]
async fn entries_of_the_version_before_are_not_taken_for_nothing_and_repair_takes_them_over() {
    let store = Store::new();
    let document = document(r#"{"implementation":"hybrid","status":"success","execution_time":2}"#);
    let ids = [store.id("study-1"), store.id("018cc251-f400-7000-8000-000000000000")];
    let mut expected = Vec::new();
    for id in &ids {
        expected.push(store.analyses.save(id, &document, &Condition::None).await.unwrap().entry);
    }
    for key in store.bucket.list("t/metadata/index/", None, 10).await.unwrap().keys() {
        store.bucket.delete(key, None).await.unwrap();
        store.put_unrelated(&legacy(key.as_str())).await;
    }
    for result in
        [store.analyses.list(&ListQuery::default()).await.map(drop), store.analyses.stats().await.map(drop)]
    {
        match result {
            Err(Error::Misconfigured { advice, .. }) => {
                assert!(advice.contains("`design-analysis repair`"), "{advice}");
            }
            other => panic!("{other:?}"),
        }
    }

    let mut taken_over = 0;
    for month in store.analyses.months().await.unwrap() {
        let mut repair = store.analyses.repair_month(month, Mode::REPAIR);
        while let Some(page) = repair.step().await.unwrap() {
            assert!(page.findings.iter().all(|finding| finding.damage == Damage::Legacy && finding.repaired));
            taken_over += page.findings.len();
        }
    }
    assert_eq!(taken_over, 2);
    assert_eq!(store.list(&ListQuery::default()).await, expected);
    assert_eq!((store.index_keys().await, store.analyses.stats().await.unwrap().total_analyses), (2, 2));
}

#[tokio::test]
async fn entries_of_a_later_version_ask_for_that_version() {
    let store = Store::new();
    store.save("study-1", "{}").await;
    let key = store.bucket.list("t/metadata/index/", None, 1).await.unwrap().objects.remove(0).key;
    store.put_unrelated(&key.as_str().replace("!2!", "!3!")).await;
    match store.analyses.list(&ListQuery::default()).await {
        Err(Error::Misconfigured { advice, .. }) => assert!(advice.contains("later version"), "{advice}"),
        other => panic!("{other:?}"),
    }
}
