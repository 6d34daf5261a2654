//! Entries of the earlier format are recognised, and taken over by a repair.

use std::time::Duration;

use analysis_storage::query::ListQuery;
use analysis_storage::repair::{Damage, Mode};
use analysis_storage::testing::Operation;
use analysis_storage::{Clock, Entry, Error, Layout, Month};

use crate::store::{ONE, Store, TWO, UUID7, document, maintain, steps};

/// The key, without the store's prefix, that an entry had before entries had versions.
fn legacy_key(entry: &Entry) -> String {
    let key = Layout::new("").entry(entry).to_string();
    let key = key.strip_prefix("metadata/index/").unwrap();
    let parts: Vec<&str> = key.split('!').collect();
    assert_eq!(parts[2], "2", "the version");
    let (inverted, id, saved_at) = (parts[0].replace('/', ""), parts[1], parts[3]);
    format!("metadata/index/{inverted}!{id}!{saved_at}!{}", parts[5..].join("!"))
}

/// Puts the entry of the earlier format in the place of this one.
pub(crate) async fn age(store: &Store, entry: &Entry) {
    store.remove(Layout::new("t").entry(entry).as_str()).await;
    store.put(&legacy_key(entry), "", &[]).await;
}

fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    entries
}

/// A repair takes everything over: afterwards list and totals are just these, and nothing is found.
async fn takes_over(store: &Store, expected: Vec<Entry>) {
    store.heal().await;
    let size: u64 = expected.iter().map(|entry| entry.size).sum();
    let stats = store.analyses.stats().await.unwrap();
    assert_eq!((stats.total_analyses, stats.total_size_bytes), (expected.len() as u64, size));
    assert_eq!(sorted(store.list().await), sorted(expected));
}

#[tokio::test]
async fn a_store_that_has_them_says_so() {
    let store = Store::new();
    let entry = store.save("study-1", ONE).await;
    store.save("study-2", ONE).await;
    age(&store, &entry).await;
    let refused =
        |error: &Error| matches!(error, Error::Misconfigured { advice, .. } if advice.contains("repair"));
    assert!(refused(&store.analyses.list(&ListQuery::default()).await.unwrap_err()));
    assert!(refused(&store.analyses.stats().await.unwrap_err()));
    assert!(refused(&store.analyses.recount().await.unwrap_err()));
}

#[tokio::test]
async fn entries_of_the_earlier_format_are_reported_once_each_and_taken_over() {
    for store in Store::each().await {
        let mut entries = Vec::new();
        for id in ["study-1", "a.b", UUID7] {
            entries.push(store.save(id, TWO).await);
            store.clock.advance(Duration::from_mins(1));
        }
        for entry in &entries {
            age(&store, entry).await;
        }
        assert_eq!(store.damage().await, [Damage::Legacy; 3]);
        takes_over(&store, entries).await;
    }
}

#[tokio::test]
async fn in_a_store_of_both_formats_only_the_earlier_is_touched() {
    for store in Store::each().await {
        let mut entries = Vec::new();
        for n in 0..6 {
            entries.push(store.save(&format!("study-{n}"), ONE).await);
            store.clock.advance(Duration::from_hours(14));
        }
        let mut aged = Vec::new();
        for entry in entries.iter().step_by(2) {
            age(&store, entry).await;
            aged.push(format!("t/{}", legacy_key(entry)));
        }
        let mut found: Vec<String> =
            store.check().await.iter().map(|finding| finding.key.to_string()).collect();
        found.sort();
        aged.sort();
        assert_eq!(found, aged);
        takes_over(&store, entries).await;
    }
}

#[tokio::test]
async fn entries_of_the_earlier_format_beside_a_present_one_leave_that() {
    for store in Store::each().await {
        let old = store.save("study-1", ONE).await;
        store.clock.advance(Duration::from_hours(1));
        let new = store.save("study-1", TWO).await;
        store.put(&legacy_key(&old), "", &[]).await;
        store.put(&legacy_key(&new), "", &[]).await;
        assert_eq!(store.damage().await, [Damage::Legacy; 2]);
        takes_over(&store, vec![new]).await;
    }
}

#[tokio::test]
async fn entries_of_the_earlier_format_without_a_document_are_removed() {
    for store in Store::each().await {
        let kept = store.save("kept", ONE).await;
        for id in ["gone", UUID7] {
            let entry = store.save(id, ONE).await;
            store.analyses.delete(&entry.id, None).await.unwrap();
            store.put(&legacy_key(&entry), "", &[]).await;
        }
        takes_over(&store, vec![kept]).await;
    }
}

#[tokio::test]
async fn an_entry_of_the_earlier_format_restores_a_lost_id_record_exactly() {
    for store in Store::each().await {
        let entry = store.save("study-1", ONE).await;
        age(&store, &entry).await;
        store.remove("/ids/").await;
        takes_over(&store, vec![entry]).await;
    }
}

#[tokio::test]
async fn replaced_documents_are_taken_over_as_they_are() {
    for store in Store::each().await {
        let old = store.save("study-1", ONE).await;
        store.clock.advance(Duration::from_hours(1));
        let new = store.save("study-1", TWO).await;
        store.remove("/index/").await;
        store.put(&legacy_key(&old), "", &[]).await;
        takes_over(&store, vec![new]).await;
    }
}

/// Every way to have present and earlier entries on both sides of a border between folders of the index or months.
#[tokio::test]
async fn nothing_is_missed_at_the_borders_of_folders_and_months() {
    let folder = "2025-11-22T05:20:00Z".parse::<jiff::Timestamp>().unwrap();
    let borders = [folder, "2025-12-01T00:00:00Z".parse().unwrap()];
    for border in borders {
        let millisecond = jiff::SignedDuration::from_millis(1);
        let hour = jiff::SignedDuration::from_hours(1);
        let times = [border - hour, border - millisecond, border, border + hour];
        for formats in 0..16_u32 {
            let store = Store::new();
            let mut entries = Vec::new();
            for (n, at) in times.into_iter().enumerate() {
                store.clock.set(at);
                entries.push(store.save(&format!("study-{n}"), ONE).await);
            }
            store.clock.set(border + hour * 48);
            for (n, entry) in entries.iter().enumerate() {
                if formats & 1 << n > 0 {
                    age(&store, entry).await;
                }
            }
            let aged = formats.count_ones() as usize;
            assert_eq!(store.damage().await, vec![Damage::Legacy; aged], "{border} {formats:04b}");
            takes_over(&store, entries).await;
        }
    }
}

/// The months are found by the index alone: all documents are gone.
#[tokio::test]
async fn the_months_of_earlier_entries_are_found_without_documents() {
    let border: jiff::Timestamp = "2025-12-01T00:00:00Z".parse().unwrap();
    let hours = [-26, -1, 0, 1, 20];
    for formats in 0..1 << hours.len() {
        let store = Store::new();
        for (n, hour) in hours.into_iter().enumerate() {
            store.clock.set(border + jiff::SignedDuration::from_hours(hour));
            let entry = store.save(&format!("study-{n}"), ONE).await;
            if formats & 1 << n > 0 {
                age(&store, &entry).await;
            }
        }
        store.remove("/analysis/").await;
        store.clock.advance(Duration::from_hours(48));
        let months = ["2025-11", "2025-12"].map(|month| Month::parse(month).unwrap());
        assert_eq!(store.analyses.months().await.unwrap(), months, "{formats:05b}");
        takes_over(&store, Vec::new()).await;
    }
}

#[tokio::test]
async fn a_repair_of_one_month_leaves_the_earlier_entries_of_others() {
    let store = Store::new();
    for at in ["2025-11-30T23:59:59.999Z", "2025-12-01T00:00:00Z"] {
        store.clock.set(at.parse().unwrap());
        let entry = store.save(&format!("study-{}", &at[5..7]), ONE).await;
        age(&store, &entry).await;
    }
    let december = store.month();
    let pages = steps(&store.analyses, december, Mode::REPAIR).await;
    assert_eq!(pages.iter().map(|page| page.findings.len()).sum::<usize>(), 1);
    assert_eq!(store.damage().await, [Damage::Legacy]);
}

#[tokio::test]
async fn documents_are_not_read_where_the_storage_tells_their_tokens() {
    let store = Store::new();
    let entries = aged_entries(&store).await;
    assert!(entries[0].summary.execution_ms.is_some(), "what an archived document's metadata do not tell");
    let archived = store.crashing(Operation::Get, "/analysis/");
    let damage = repair_months(&archived, store.clock.now()).await;
    assert_eq!(damage, [Damage::Legacy; 2]);
    takes_over(&store, entries).await;
}

#[tokio::test]
async fn a_take_over_that_crashes_is_taken_up_again() {
    let store = Store::new();
    let entries = aged_entries(&store).await;
    let crashing = store.crashing(Operation::Delete, "/index/");
    let report = repair_months(&crashing, store.clock.now()).await;
    assert_eq!(report, [Damage::Unreadable; 2], "they are still there, and said to be");
    takes_over(&store, entries).await;
}

/// The entries of two analyses, each in the format of an earlier version.
async fn aged_entries(store: &Store) -> Vec<Entry> {
    let mut entries = Vec::new();
    for id in ["study-1", UUID7] {
        let entry = store.save(id, ONE).await;
        age(store, &entry).await;
        entries.push(entry);
    }
    entries
}

async fn repair_months(analyses: &analysis_storage::Analyses, now: jiff::Timestamp) -> Vec<Damage> {
    let mut damage = Vec::new();
    for month in analyses.months().await.unwrap() {
        assert!(month <= Month::containing(now));
        let pages = steps(analyses, month, Mode::REPAIR).await;
        damage.extend(pages.into_iter().flat_map(|page| page.findings).map(|finding| finding.damage));
    }
    damage
}

#[tokio::test]
async fn an_index_of_a_later_version_is_left_alone() {
    let store = Store::new();
    let entry = store.save("study-1", ONE).await;
    let key = Layout::new("").entry(&entry).to_string();
    store.remove("/index/").await;
    store.put(&key.replace("!study-1!2!", "!study-1!3!more!"), "", &[]).await;
    let before = store.objects().await;
    let refused = |error: &Error| matches!(error, Error::Misconfigured { advice, .. } if advice.contains("later version"));
    assert!(refused(&store.analyses.months().await.unwrap_err()));
    for mode in [Mode::CHECK, Mode::REPAIR] {
        assert!(refused(&store.analyses.repair_month(store.month(), mode).step().await.unwrap_err()));
    }
    assert_eq!(store.objects().await, before);
    // What follows the parts that are known is passed over.
    store.remove("/index/").await;
    store.put(&format!("{key}!more"), "", &[]).await;
    assert_eq!(store.list().await, [entry]);
    assert_eq!(maintain(&store.analyses, None, Mode::REPAIR).await.findings, []);
    assert_eq!(store.analyses.save_new(&document(ONE)).await.unwrap().entry.size, ONE.len() as u64);
}

#[tokio::test]
async fn markers_of_the_earlier_version_stand_in_nobodys_way() {
    for store in Store::each().await {
        for written in ["1", "2"] {
            store.put(&format!("metadata/dirty/2024-01-01/{written}"), "", &[]).await;
        }
        // One is left: its day is that of the id.
        store.remove("/dirty/2024-01-01/2").await;
        let entry = store.save(UUID7, ONE).await;
        takes_over(&store, vec![entry]).await;
    }
}
