//! What crashes and losses leave behind is found and healed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::GetOptions;
use analysis_storage::repair::{Damage, Mode};
use analysis_storage::testing::{Fault, FaultyBucket, Operation};
use analysis_storage::{Clock, Condition, Entry, Layout, Loaded, SavedAt};

use crate::store::{ONE, Store, TWO, UUID7, analyses, document, maintain};

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
    let objects = async || {
        let is_kept = |key: &str| !key.contains("/dirty/") && !key.ends_with("/storage-stats.json");
        let all = store.objects().await.into_iter();
        all.filter(|object| is_kept(object.key.as_str())).collect::<Vec<_>>()
    };
    let before = objects().await;
    let report = store.heal().await;
    assert_eq!((report.entries, report.documents), (2, 2));
    assert_eq!(objects().await, before);
}

#[tokio::test]
async fn a_crash_after_the_document_leaves_an_orphan() {
    let stores = async |id| Store::each().await.map(|store| (store, id));
    for (store, id) in [stores("study-1").await, stores(UUID7).await].into_iter().flatten() {
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
    let crashes = [(Operation::Put, Damage::Orphan), (Operation::List, Damage::Stale)];
    let stores = async |crash| Store::each().await.map(|store| (store, crash));
    for (store, (operation, damage)) in
        [stores(crashes[0]).await, stores(crashes[1]).await].into_iter().flatten()
    {
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
    let stores = async |id| Store::each().await.map(|store| (store, id));
    for (store, id) in [stores("study-1").await, stores(UUID7).await].into_iter().flatten() {
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
        assert_eq!(store.damage().await, [Damage::DanglingEntry], "{id}");
        store.heal().await;
        assert_eq!(store.list().await, []);
    }
}

#[tokio::test]
async fn everything_is_derived_anew_when_all_metadata_are_lost() {
    for store in Store::each().await {
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
}

#[tokio::test]
async fn a_lost_id_record_is_restored_from_the_index_exactly() {
    for store in Store::each().await {
        let first = store.save("study-1", ONE).await;
        store.clock.advance(Duration::from_hours(30));
        let second = store.save("study-1", TWO).await;
        store.remove("/metadata/ids/").await;
        assert_eq!(store.damage().await, [Damage::NoIdRecord]);
        store.heal().await;
        assert_eq!(store.list().await, [Entry { created_at: first.created_at, ..second }]);
    }
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
    assert_eq!((damage.len(), damage[3998..].to_vec()), (4000, vec![Damage::DanglingEntry, Damage::Stale]));
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
async fn a_crashed_replace_of_an_old_analysis_is_found_in_its_month() {
    for store in Store::each().await {
        let now = store.clock.now();
        for months in [40, 13, 2] {
            store.clock.set(now - jiff::SignedDuration::from_hours(months * 24 * 30));
            store.save(&format!("study-{months}"), ONE).await;
            store.analyses.save_new(&document(ONE)).await.unwrap();
        }
        store.clock.set(now);
        let newest = store.list().await.remove(0).id;
        let crashing = store.crashing(Operation::Put, "/index/");
        for id in [newest, store.id("study-13")] {
            crashing.save(&id, &document(TWO), &Condition::None).await.unwrap_err();
        }
        let findings = store.check().await;
        assert_eq!(findings.iter().map(|finding| finding.damage).collect::<Vec<_>>(), [Damage::Orphan; 2]);
        assert!(findings[0].key.as_str().ends_with("/study-13.json"), "{findings:?}");
        store.heal().await;
        let twos = store.list().await.into_iter().filter(|entry| entry.summary.status.as_str() == "two");
        assert_eq!(twos.count(), 2);
    }
}

#[tokio::test]
async fn the_very_bytes_saved_again_by_a_save_that_crashed_are_found() {
    for store in Store::each().await {
        let first = store.save("study-1", ONE).await;
        store.clock.advance(Duration::from_hours(1));
        let crashing = store.crashing(Operation::Put, "/index/");
        crashing.save(&store.id("study-1"), &document(ONE), &Condition::None).await.unwrap_err();
        assert_eq!(store.damage().await, [Damage::Orphan]);
        store.heal().await;
        let [entry] = &store.list().await[..] else { panic!("one entry") };
        assert_eq!((entry.token, entry.saved_at > first.saved_at), (first.token, true));
    }
}

#[tokio::test]
async fn id_records_that_are_lost_or_wrong_or_junk_are_told_apart() {
    for store in Store::each().await {
        for id in ["lost", "wrong", "junk", "sound"] {
            store.save(id, ONE).await;
        }
        store.remove("/ids/lost").await;
        store.put("metadata/ids/wrong", r#"{"created_at":"2024-01-15T10:30:00Z"}"#, &[]).await;
        store.put("metadata/ids/junk", "junk", &[]).await;
        let damage = [Damage::Stale, Damage::NoIdRecord, Damage::Misplaced, Damage::BadIdRecord];
        assert_eq!(store.damage().await, damage);
        let report = maintain(&store.analyses, None, Mode::REPAIR).await;
        let (repaired, left): (Vec<_>, Vec<_>) = report.findings.into_iter().partition(|f| f.repaired);
        assert_eq!(
            repaired.iter().map(|f| f.damage).collect::<Vec<_>>(),
            [Damage::BadIdRecord, Damage::NoIdRecord, Damage::Stale]
        );
        assert_eq!(left.iter().map(|f| f.damage).collect::<Vec<_>>(), [Damage::Misplaced]);
        assert_eq!(store.check().await, left, "what needs a hand is reported every time");
        let mut ids: Vec<String> = store.list().await.iter().map(|entry| entry.id.to_string()).collect();
        ids.sort();
        assert_eq!(ids, ["junk", "lost", "sound"], "no id leads to what was saved as `wrong`");
    }
}

#[tokio::test]
async fn an_id_record_that_cannot_be_read_is_written_anew_as_the_entries_tell() {
    for store in Store::each().await {
        let entry = store.save("study-1", ONE).await;
        store.clock.advance(Duration::from_hours(30));
        store.put("metadata/ids/study-1", "junk", &[]).await;
        assert_eq!(store.damage().await, [Damage::BadIdRecord]);
        store.heal().await;
        let again = store.save("study-1", TWO).await;
        assert_eq!(again.created_at, entry.created_at);
    }
}

#[tokio::test]
async fn objects_in_the_index_that_are_no_entries_are_reported_once_and_left() {
    for store in Store::each().await {
        for month in ["2025-11", "2025-12", "2026-01"] {
            store.clock.set(format!("{month}-15T12:00:00Z").parse().unwrap());
            let entry = store.save(&format!("study-{month}"), ONE).await;
            let key = Layout::new("").entry(&entry);
            store.put(&format!("{}/junk", key.as_str().rsplit_once('/').unwrap().0), "", &[]).await;
        }
        store.put("metadata/index/README", "", &[]).await;
        for mode in [Mode::REPAIR, Mode::CHECK] {
            let findings = maintain(&store.analyses, None, mode).await.findings;
            assert_eq!(findings.iter().map(|f| f.damage).collect::<Vec<_>>(), [Damage::NoEntry; 4]);
            assert!(findings.iter().all(|finding| !finding.repaired && finding.advice.is_some()));
        }
        assert_eq!(store.list().await.len(), 3);
    }
}
