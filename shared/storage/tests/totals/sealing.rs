//! What is sealed, and when.

use analysis_storage::bucket::{Precondition, Put};
use analysis_storage::{Bucket as _, Key, Retention, SavedAt};
use bytes::Bytes;

use crate::store::{Store, sums};

#[tokio::test]
async fn all_figures_are_the_same_before_and_after_sealing() {
    let store = Store::new(Retention::default());
    store.save("a", r#"{"implementation":"hybrid","status":"success","execution_time":1}"#).await;
    store.at("2026-02-01T08:00:00Z");
    store.save("b", r#"{"implementation":"openai","status":"error","execution_time":2.5}"#).await;
    store.save("c", r#"{"implementation":"openai"}"#).await;
    let before = store.process().stats().await.unwrap();
    let map =
        r#"{"hybrid": 1, "openai": 2} {"error": 1, "success": 1, "unknown": 1} {"2026-01": 1, "2026-02": 2}"#;
    assert_eq!(sums(&before), (3, 157, Some(1.75), map.to_owned()));
    assert_eq!(before.oldest.as_deref(), Some("2026-01-10T12:00:00.005Z"));
    store.at("2026-03-01T08:00:00Z");
    for _ in 0..2 {
        let after = store.process().stats().await.unwrap();
        assert_eq!(
            (sums(&after), &after.oldest, &after.newest),
            (sums(&before), &before.oldest, &before.newest)
        );
        assert_eq!(store.snapshot().await["sealed_until"], "2026-03-01T07:00:00Z");
        assert_eq!(store.snapshot().await["totals"]["analyses"], 3);
    }
}

#[tokio::test]
async fn an_hour_is_sealed_one_hour_after_it_ended() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    store.at("2026-01-10T13:59:59.999Z");
    store.total().await;
    assert_eq!(store.snapshot().await["sealed_until"], "2026-01-10T12:00:00Z");
    store.at("2026-01-10T14:00:00Z");
    store.total().await;
    assert_eq!(store.snapshot().await["sealed_until"], "2026-01-10T13:00:00Z");
    assert_eq!(store.snapshot().await["periods"]["2026-01-10T12"]["analyses"], 1);
}

#[tokio::test]
async fn hours_become_a_day_two_days_later() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    store.at("2026-01-10T15:00:00Z");
    store.save("b", "{}").await;
    for (time, periods) in [
        ("2026-01-12T23:59:59Z", r#"["2026-01-10T12","2026-01-10T15"]"#),
        ("2026-01-13T00:00:00Z", r#"["2026-01-10"]"#),
    ] {
        store.at(time);
        assert_eq!(store.total().await, 2);
        let found: Vec<String> =
            store.snapshot().await["periods"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(serde_json::to_string(&found).unwrap(), periods, "{time}");
    }
    store.save("a", r#"{"status":"again"}"#).await;
    store.delete("b").await;
    assert_eq!(store.total().await, 1);
    assert_eq!(store.process().stats().await.unwrap().statuses["again"], 1);
    assert_eq!(store.keys("metadata/dirty/").await, ["metadata/dirty/2026-01-10.mark"]);
}

/// A marker of an hour, written when hours were kept, and a snapshot that has the whole day by now.
#[tokio::test]
async fn a_marker_of_an_hour_doubts_the_day_that_took_its_place() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    store.at("2026-01-12T23:55:00Z");
    assert_eq!(store.total().await, 1);
    store.delete("a").await;
    assert_eq!(store.keys("metadata/dirty/").await, ["metadata/dirty/2026-01-10T12.mark"]);
    store.at("2026-01-13T02:00:00Z");
    assert_eq!(store.total().await, 0);
    assert_eq!(store.keys("metadata/dirty/").await, Vec::<String>::new());
    assert_eq!(store.total().await, 0);
}

#[tokio::test]
async fn a_recount_brings_back_a_snapshot_that_claims_to_hold_the_future() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    store.at("2026-01-13T02:00:00Z");
    store.total().await;
    let mut snapshot = store.snapshot().await;
    let right = snapshot["sealed_until"].clone();
    snapshot["sealed_until"] = "2027-01-01T00:00:00Z".into();
    let key = Key::new("metadata/storage-stats.json");
    let (metadata, precondition) = (Vec::new(), Precondition::None);
    let body = snapshot.to_string().into();
    store
        .bucket
        .put(Put { key, body, saved_at: SavedAt::from_micros(1), metadata, precondition })
        .await
        .unwrap();
    store.process().recount().await.unwrap();
    assert_eq!(store.snapshot().await["sealed_until"], right);
}

#[tokio::test]
async fn no_two_snapshots_have_one_tag() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    let mut seen = std::collections::BTreeSet::new();
    for day in 12..20 {
        store.at(&format!("2026-01-{day}T12:00:00Z"));
        store.total().await;
        let head = store.bucket.head(&Key::new("metadata/storage-stats.json")).await.unwrap().unwrap();
        assert!(seen.insert(head.etag.to_string()));
    }
}

#[tokio::test]
async fn what_is_past_its_retention_leaves_the_sealed_totals() {
    let store = Store::new(Retention::days(10));
    store.save("a", "{}").await;
    store.save("kept", "{}").await;
    store.at("2026-01-12T12:00:00Z");
    store.save("b", "{}").await;
    store.save("kept", r#"{"n":2}"#).await;
    store.at("2026-01-20T23:59:59Z");
    assert_eq!(store.total().await, 3);
    store.at("2026-01-21T00:00:00Z");
    assert_eq!(store.total().await, 2, "`a` is over; `kept` was saved again later");
    assert_eq!(store.total().await, 2);
    store.at("2026-01-23T00:00:00Z");
    assert_eq!(store.total().await, 0, "whether or not the lifecycle rules have removed them yet");
}

#[tokio::test]
async fn another_retention_derives_the_totals_anew() {
    let mut store = Store::new(Retention::days(10));
    store.save("a", "{}").await;
    store.at("2026-02-15T12:00:00Z");
    assert_eq!(store.total().await, 0);
    store.retention = Retention::days(100);
    assert_eq!(store.total().await, 1);
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_read_is_derived_anew() {
    let store = Store::new(Retention::default());
    store.save("a", "{}").await;
    store.at("2026-01-15T12:00:00Z");
    for garbage in ["", "{}", "[1,2", r#"{"sealed_until":"2999-01-01"}"#] {
        let put = Put {
            key: Key::new("metadata/storage-stats.json"),
            body: Bytes::from_static(garbage.as_bytes()),
            saved_at: SavedAt::from_micros(1),
            metadata: vec![],
            precondition: Precondition::None,
        };
        store.bucket.put(put).await.unwrap();
        assert_eq!(store.total().await, 1, "{garbage}");
        assert_eq!(store.snapshot().await["totals"]["analyses"], 1);
    }
}
