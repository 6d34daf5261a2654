//! Entries of other creation times than their ids have.

use analysis_storage::repair::Damage;
use analysis_storage::{CreatedAt, Entry, Layout};

use crate::store::{ONE, Store, UUID7};

/// Puts an entry beside this one, created so many milliseconds earlier.
async fn stray(store: &Store, entry: &Entry, earlier: i64) {
    let shifted = CreatedAt::from_millis(entry.created_at.millis() - earlier).unwrap();
    let stray = Layout::new("").entry(&Entry { created_at: shifted, ..entry.clone() });
    store.put(stray.as_str(), "", &[]).await;
}

const A_DAY: i64 = 86_400_000;

#[tokio::test]
async fn entries_where_their_id_does_not_belong_are_removed() {
    // Beside the right one, in another folder of the index, and in other months.
    for earlier in [1, 2 * A_DAY, 40 * A_DAY, -40 * A_DAY] {
        for store in Store::each().await {
            for id in ["study-1", UUID7] {
                let entry = store.save(id, ONE).await;
                stray(&store, &entry, earlier).await;
            }
            assert_eq!(store.list().await.len(), 4);
            assert_eq!(store.damage().await, [Damage::Stale, Damage::Stale], "{earlier}");
            store.heal().await;
            assert_eq!(store.list().await.len(), 2);
        }
    }
}

#[tokio::test]
async fn several_strays_of_one_id_are_removed_in_one_run() {
    for store in Store::each().await {
        let entry = store.save("study-1", ONE).await;
        for earlier in [1, 2, A_DAY] {
            stray(&store, &entry, earlier).await;
        }
        store.heal().await;
        assert_eq!(store.list().await, [entry]);
    }
}

#[tokio::test]
async fn an_entry_where_its_id_does_not_belong_does_not_count() {
    for store in Store::each().await {
        for id in ["study-1", UUID7] {
            let entry = store.save(id, ONE).await;
            store.remove(&format!("!{id}!")).await;
            stray(&store, &entry, 1).await;
        }
        assert_eq!(store.damage().await, [Damage::Orphan, Damage::Orphan, Damage::Stale, Damage::Stale]);
        store.heal().await;
        assert_eq!(store.list().await.len(), 2);
    }
}
