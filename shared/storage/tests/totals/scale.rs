//! Totals of very many analyses and changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{Bucket, GetOptions, Got, Precondition, Put};
use analysis_storage::testing::{CountingBucket, ManualClock, Operation};
use analysis_storage::{
    Analyses, AnalysisId, Clock as _, ContentToken, CreatedAt, Entry, Key, Label, LabelKind, Layout, SavedAt,
    StorageType,
};

use crate::store::document;

struct Large {
    bucket: Arc<CountingBucket<MemoryBucket>>,
    clock: Arc<ManualClock>,
    analyses: Analyses,
}

impl Large {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-15T12:00:00Z", 7));
        let bucket = Arc::new(CountingBucket::new(MemoryBucket::new(clock.clone())));
        let shared: Arc<dyn Bucket> = bucket.clone();
        let analyses = Analyses::new(shared, StorageType::Memory, Layout::new(""), clock.clone());
        Self { bucket, clock, analyses }
    }

    /// An entry alone: totals read no document.
    async fn add(&self, age: i64, n: u64, implementation: &str) {
        let created_at = CreatedAt::from_millis(self.clock.now().as_millisecond() - age).unwrap();
        let mut summary = document("{}").summary().clone();
        summary.implementation = Label::parse(LabelKind::Implementation, implementation).unwrap();
        let entry = Entry {
            id: AnalysisId::generate(created_at, [n; 2]),
            created_at,
            saved_at: SavedAt::from_micros(created_at.millis() * 1000),
            token: ContentToken::of_content(b"{}"),
            summary,
            size: 2,
        };
        self.put(Layout::new("").entry(&entry)).await;
    }

    async fn put(&self, key: Key) {
        let (body, saved_at, metadata) = (bytes::Bytes::new(), SavedAt::from_micros(1), Vec::new());
        let precondition = Precondition::None;
        self.bucket.put(Put { key, body, saved_at, metadata, precondition }).await.unwrap();
    }

    async fn total(&self) -> (u64, BTreeMap<Operation, usize>) {
        let _ = self.bucket.take();
        let total = self.analyses.stats().await.unwrap().total_analyses;
        (total, self.bucket.take())
    }
}

const DAY_MS: i64 = 24 * 3_600_000;

#[tokio::test]
async fn more_than_a_page_of_one_millisecond_at_the_edge_of_what_is_sealed_is_counted() {
    let store = Large::new();
    // At noon, what was created until ten or eleven o'clock is sealed.
    for hours in 1..=3 {
        for n in 0..1_200 {
            store.add(hours * 3_600_000, n, "hybrid").await;
        }
    }
    for _ in 0..3 {
        assert_eq!(store.total().await.0, 3_600);
    }
}

/// An import that touches a thousand past days left 20,000 markers, each of them a listing for each reader.
#[tokio::test]
async fn a_thousand_changed_days_cost_a_few_listings_and_are_accounted_for_by_a_few_readers() {
    let store = Large::new();
    for day in 0..1000 {
        for n in 0..3 {
            store.add((4 + day) * DAY_MS, n, "hybrid").await;
        }
    }
    store.total().await;
    for day in 0..1000 {
        let at = store.clock.now() - jiff::SignedDuration::from_millis((4 + day) * DAY_MS);
        let id = AnalysisId::generate(CreatedAt::clamped(at), [99; 2]);
        store.analyses.save(&id, &document("{}"), &analysis_storage::Condition::None).await.unwrap();
    }
    let markers = store.bucket.list("metadata/dirty/", None, 1000).await.unwrap();
    assert_eq!((markers.objects.len(), markers.truncated), (1000, false), "one for each day");
    let (total, spent) = store.total().await;
    assert_eq!(total, 4000);
    // One of markers, one of the last hours, and those of 4,000 analyses in spans of up to a thousand each.
    assert!(spent[&Operation::List] <= 2 + 8, "{spent:?}");

    store.clock.advance(Duration::from_mins(16));
    let mut readers = 0;
    while !store.bucket.list("metadata/dirty/", None, 1).await.unwrap().objects.is_empty() {
        let (total, spent) = store.total().await;
        assert_eq!(total, 4000);
        assert!(spent.values().sum::<usize>() <= 520, "{spent:?}");
        readers += 1;
    }
    assert_eq!(readers, 2);
    assert_eq!(store.total().await.1.values().sum::<usize>(), 3);
}

/// However they are spread over the two hours.
#[tokio::test]
async fn a_quarter_of_a_million_unsealed_analyses_are_counted_in_parts() {
    const TOTAL: i64 = 250_000;
    const HOURS_MS: i64 = 7_199_000;
    let spreads: [fn(i64) -> i64; 4] = [
        |n| n * HOURS_MS / TOTAL,
        // Most of them in one minute, the latest or the first.
        |n| if n < TOTAL * 9 / 10 { n * 60_000 / TOTAL } else { n * HOURS_MS / TOTAL },
        |n| HOURS_MS - if n < TOTAL * 9 / 10 { n * 60_000 / TOTAL } else { n * HOURS_MS / TOTAL },
        // All of one millisecond.
        |_| 3_600_000,
    ];
    for (case, spread) in spreads.into_iter().enumerate() {
        let store = Large::new();
        for n in 0..TOTAL {
            store.add(spread(n), n.unsigned_abs(), "hybrid").await;
        }
        let (total, spent) = store.total().await;
        assert_eq!(total, TOTAL.unsigned_abs(), "spread {case}");
        let requests = spent.values().sum::<usize>();
        // What may be sealed and what may not are counted apart, each in up to 64 stretches, whose ends cost a page.
        assert!(requests <= 4 + usize::try_from(TOTAL).unwrap() / 999 + 2 * 64, "spread {case}: {spent:?}");
    }
}

/// A count is divided where that is worth it, and only there. Twenty pages hold them, and each part ends with one of its
/// own; where they lie closer than the pages before them suggested, many parts turn out empty.
#[tokio::test]
async fn twenty_thousand_unsealed_analyses_are_counted_in_a_few_parts() {
    const TOTAL: i64 = 20_000;
    const HOUR_MS: i64 = 3_600_000;
    for (expected, spread) in [
        // Evenly over the hour that no snapshot has.
        (23, (|n| n * (HOUR_MS - 1000) / TOTAL) as fn(i64) -> i64),
        // Nearly all in its last minute.
        (50, |n| if n < TOTAL * 9 / 10 { n * 60_000 / TOTAL } else { n * (HOUR_MS - 1000) / TOTAL }),
        // Nearly all in its first minute.
        (23, |n| {
            HOUR_MS
                - 1000
                - if n < TOTAL * 9 / 10 { n * 60_000 / TOTAL } else { n * (HOUR_MS - 1000) / TOTAL }
        }),
        // All in one millisecond.
        (82, |_| HOUR_MS / 2),
    ] {
        let store = Large::new();
        // Sealed, so that one count remains.
        store.add(DAY_MS, 0, "hybrid").await;
        store.total().await;
        for n in 1..TOTAL {
            store.add(spread(n), n.unsigned_abs(), "hybrid").await;
        }
        let (total, spent) = store.total().await;
        assert_eq!(total, TOTAL.unsigned_abs());
        assert_eq!(spent[&Operation::List], expected);
    }
}

impl Large {
    async fn mark(&self, period: &str) {
        self.put(Key::new(format!("metadata/dirty/{period}.mark"))).await;
    }
}

#[tokio::test]
async fn changes_far_apart_are_counted_apart_and_what_lies_between_is_not() {
    let store = Large::new();
    for (day, analyses) in [(4, 1), (5, 3500), (6, 1)] {
        for n in 0..analyses {
            store.add(day * DAY_MS, n, "hybrid").await;
        }
    }
    store.total().await;
    store.mark("2026-01-11").await;
    store.mark("2026-01-09").await;
    let (total, spent) = store.total().await;
    assert_eq!((total, spent[&Operation::List]), (3502, 4), "markers, the last hour, and the two days");
}

#[tokio::test]
async fn a_day_that_several_markers_doubt_is_counted_once() {
    let store = Large::new();
    for n in 0..1500 {
        store.add(5 * DAY_MS, n, "hybrid").await;
    }
    store.total().await;
    for period in ["2026-01-10", "2026-01-10T12", "2026-01-10T13"] {
        store.mark(period).await;
    }
    let (total, spent) = store.total().await;
    assert_eq!(
        (total, spent[&Operation::List]),
        (1500, 4),
        "markers, the last hour, and two pages of the day"
    );
}

#[tokio::test]
async fn a_marker_of_what_is_not_sealed_yet_costs_nothing() {
    let store = Large::new();
    store.add(DAY_MS, 0, "hybrid").await;
    store.clock.advance(Duration::from_mins(40));
    store.total().await;
    store.mark("2026-01-15T11").await;
    store.add(3_600_000, 1, "hybrid").await;
    let (total, spent) = store.total().await;
    assert_eq!((total, spent[&Operation::List]), (2, 2), "markers, and the last hours");
}

/// Both the answer and what is stored stay small, and the sums stay exact.
#[tokio::test]
async fn thirty_thousand_labels_are_told_apart_up_to_a_hundred() {
    let store = Large::new();
    for n in 0..30_000 {
        // Over ten days, and the last hour.
        let age = if n % 2 == 0 { n % 10 * DAY_MS + 3 * DAY_MS } else { 60_000 };
        store.add(age, n.unsigned_abs(), &format!("label-{n}")).await;
        store.add(age, n.unsigned_abs() + 1_000_000, "frequent").await;
    }
    for _ in 0..3 {
        let stats = store.analyses.stats().await.unwrap();
        assert_eq!(stats.total_analyses, 60_000);
        assert_eq!(stats.implementations_used.len(), 101);
        assert_eq!(stats.implementations_used.values().sum::<u64>(), 60_000);
        assert_eq!(stats.implementations_used["frequent"], 30_000);
        assert_eq!(stats.implementations_used["(other)"], 30_000 - 99);
        let Got::Found(snapshot) =
            store.bucket.get(&Key::new("metadata/storage-stats.json"), GetOptions::default()).await.unwrap()
        else {
            unreachable!("it was sealed");
        };
        let value: serde_json::Value = serde_json::from_slice(&snapshot.body).unwrap();
        let labels = |sums: &serde_json::Value| sums["implementations"].as_object().unwrap().len();
        assert!(labels(&value["totals"]) <= 101);
        assert!(value["periods"].as_object().unwrap().values().all(|sums| labels(sums) <= 101));
        assert!(snapshot.body.len() < 50_000, "{}", snapshot.body.len());
        store.clock.advance(Duration::from_hours(3));
    }
}
