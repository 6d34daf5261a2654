//! What crashes and losses leave behind is found and healed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::GetOptions;
use analysis_storage::rebuild::Damage;
use analysis_storage::testing::{Fault, FaultyBucket, Operation};
use analysis_storage::{Condition, Entry, Layout, Loaded, SavedAt};

use crate::store::{ONE, Store, TWO, UUID7, analyses, document};

#[tokio::test]
async fn a_sound_store_is_left_alone() {
    let store = Store::new();
    for id in ["study-1", UUID7] {
        store.save(id, ONE).await;
        store.save(id, TWO).await;
    }
    store.save("gone", ONE).await;
    store.analyses.delete(&store.id("gone"), None).await.unwrap();
    // Totals come and go with whoever reads them.
    let keys = async || {
        let all = store.keys().await.into_iter();
        all.filter(|key| !key.contains("/dirty/") && !key.ends_with("/storage-stats.json"))
            .collect::<Vec<_>>()
    };
    let before = keys().await;
    let report = store.heal().await;
    assert_eq!((report.entries, report.documents), (2, 2));
    assert_eq!(keys().await, before);
}

#[tokio::test]
async fn a_crash_after_the_document_leaves_an_orphan() {
    for id in ["study-1", UUID7] {
        let store = Store::new();
        let crashing = store.crashing(Operation::Put, "/index/");
        crashing.save(&store.id(id), &document(ONE), &Condition::None).await.unwrap_err();
        assert!(store.list().await.is_empty());
        assert_eq!(store.damage().await, [Damage::Orphan], "{id}");
        store.heal().await;
        let [entry] = &store.list().await[..] else { panic!("one entry") };
        assert_eq!((entry.summary.clone(), entry.size), (document(ONE).summary().clone(), ONE.len() as u64));
    }
}

#[tokio::test]
async fn a_crash_in_a_replacing_save_leaves_an_orphan_or_a_stale_entry() {
    for (operation, damage) in [(Operation::Put, Damage::Orphan), (Operation::List, Damage::Stale)] {
        let store = Store::new();
        let first = store.save("study-1", ONE).await;
        store.clock.advance(Duration::from_mins(1));
        let crashing = store.crashing(operation, "/index/");
        crashing.save(&store.id("study-1"), &document(TWO), &Condition::None).await.unwrap_err();
        assert_eq!(store.damage().await, [damage]);
        store.heal().await;
        let [entry] = &store.list().await[..] else { panic!("one entry") };
        assert_eq!((entry.summary.status.as_str(), entry.created_at), ("two", first.created_at));
    }
}

#[tokio::test]
async fn a_crash_in_a_delete_leaves_a_phantom() {
    for id in ["study-1", UUID7] {
        let store = Store::new();
        store.save(id, ONE).await;
        // The first LIST of a delete comes before it removes the document.
        let mut lists = 0;
        let decide = move |operation, _: &str| {
            lists += usize::from(operation == Operation::List);
            (operation == Operation::List && lists > 1).then_some(Fault::Refused)
        };
        let crashing =
            analyses(Arc::new(FaultyBucket::new(store.bucket.clone(), Box::new(decide))), &store.clock);
        crashing.delete(&store.id(id), None).await.unwrap_err();
        assert_eq!(store.list().await.len(), 1);
        assert_eq!(store.damage().await, [Damage::Phantom], "{id}");
        store.heal().await;
        assert_eq!(store.list().await, []);
    }
}

#[tokio::test]
async fn everything_is_derived_anew_when_all_metadata_are_lost() {
    let store = Store::new();
    let ids = ["study-1", "a.b", UUID7, "018cc251-f400-7000-8000-000000000001"];
    for id in ids {
        store.save(id, ONE).await;
        store.clock.advance(Duration::from_hours(1));
    }
    store.save("a.b", TWO).await;
    let before = store.list().await;
    store.remove("/metadata/").await;
    assert_eq!(
        store.damage().await,
        [Damage::Orphan, Damage::Orphan, Damage::NoIdRecord, Damage::NoIdRecord]
    );
    store.heal().await;
    let after: BTreeMap<_, _> = store.list().await.into_iter().map(|e| (e.id.clone(), e)).collect();
    assert_eq!(after.len(), before.len());
    for entry in before {
        let again = &after[&entry.id];
        let key = |entry| store.analyses.document_key(entry);
        assert_eq!((&again.summary, again.size, key(again)), (&entry.summary, entry.size, key(&entry)));
        assert_eq!(again.saved_at, entry.saved_at);
        assert!(matches!(
            store.analyses.load(&entry.id, &GetOptions::default()).await,
            Ok(Loaded::Document(_))
        ));
    }
}

#[tokio::test]
async fn a_lost_id_record_is_restored_from_the_index_exactly() {
    let store = Store::new();
    let first = store.save("study-1", ONE).await;
    store.clock.advance(Duration::from_hours(30));
    let second = store.save("study-1", TWO).await;
    store.remove("/metadata/ids/").await;
    assert_eq!(store.damage().await, [Damage::NoIdRecord]);
    store.heal().await;
    assert_eq!(store.list().await, [Entry { created_at: first.created_at, ..second }]);
}

#[tokio::test]
async fn entries_where_their_id_does_not_belong_are_removed() {
    let store = Store::new();
    let entry = store.save("study-1", ONE).await;
    let uuid = store.save(UUID7, ONE).await;
    for entry in [entry, uuid] {
        let shifted = analysis_storage::CreatedAt::from_millis(entry.created_at.millis() - 1).unwrap();
        let stray = Layout::new("").entry(&Entry { created_at: shifted, ..entry });
        store.put(stray.as_str(), "", &[]).await;
    }
    assert_eq!(store.list().await.len(), 4);
    assert_eq!(store.damage().await, [Damage::Stale, Damage::Stale]);
    store.heal().await;
    assert_eq!(store.list().await.len(), 2);
}

#[tokio::test]
async fn an_entry_where_its_id_does_not_belong_does_not_count() {
    let store = Store::new();
    let entry = store.save("study-1", ONE).await;
    let shifted = analysis_storage::CreatedAt::from_millis(entry.created_at.millis() - 1).unwrap();
    store.remove("/index/").await;
    store.put(Layout::new("").entry(&Entry { created_at: shifted, ..entry.clone() }).as_str(), "", &[]).await;
    assert_eq!(store.damage().await, [Damage::Orphan, Damage::Stale]);
    store.heal().await;
    assert_eq!(store.list().await, [entry]);
}

#[tokio::test]
async fn entries_that_go_on_behind_what_was_read_ahead_are_seen() {
    let store = Store::new();
    let entry = store.save("a", ONE).await;
    let layout = Layout::new("");
    let stale = Entry { saved_at: SavedAt::from_micros(entry.saved_at.micros() + 1), ..entry.clone() };
    store.put(layout.entry(&stale).as_str(), "", &[]).await;
    for n in 1..4000 {
        let id = store.id(&format!("newer-{n}"));
        let created_at = analysis_storage::CreatedAt::from_millis(entry.created_at.millis() + n).unwrap();
        store.put(layout.entry(&Entry { id, created_at, ..entry.clone() }).as_str(), "", &[]).await;
    }
    let damage = store.damage().await;
    assert_eq!((damage.len(), damage[3998..].to_vec()), (4000, vec![Damage::Phantom, Damage::Stale]));
    store.heal().await;
    assert_eq!(store.list().await, [entry]);
}

#[tokio::test]
async fn an_id_that_was_never_saved_needs_no_repair() {
    let store = Store::new();
    for id in ["study-1", UUID7] {
        store.analyses.repair(&store.id(id)).await.unwrap();
    }
    assert!(store.keys().await.is_empty());
}

#[tokio::test]
async fn forgotten_totals_are_derived_anew() {
    let store = Store::new();
    store.save("study-1", ONE).await;
    store.put("metadata/storage-stats.json", "{}", &[]).await;
    store.analyses.discard_totals().await.unwrap();
    assert!(store.keys().await.iter().all(|key| !key.ends_with("storage-stats.json")));
    assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 1);
}
