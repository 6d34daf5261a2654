//! Totals: of a day, of all days, and the snapshot that keeps those of the days that are over.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::analyses::StorageType;
use crate::index::Entry;
use crate::retention::Retention;
use crate::time::{CreatedAt, SavedAt};

/// Totals over some analyses.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    analyses: u64,
    size_bytes: u64,
    execution_ms: u64,
    /// How many state an execution time.
    timed: u64,
    implementations: BTreeMap<String, u64>,
    statuses: BTreeMap<String, u64>,
    oldest_created_ms: Option<i64>,
    newest_created_ms: Option<i64>,
    oldest_saved_us: Option<i64>,
}

impl Totals {
    pub(crate) fn add(&mut self, entry: &Entry) {
        let Entry { created_at, saved_at, summary, size, .. } = entry;
        let one = |label: &str| BTreeMap::from([(label.to_owned(), 1)]);
        self.merge(&Self {
            analyses: 1,
            size_bytes: *size,
            execution_ms: summary.execution_ms.unwrap_or_default(),
            timed: summary.execution_ms.is_some().into(),
            implementations: one(summary.implementation.as_str()),
            statuses: one(summary.status.as_str()),
            oldest_created_ms: Some(created_at.millis()),
            newest_created_ms: Some(created_at.millis()),
            oldest_saved_us: Some(saved_at.micros()),
        });
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.analyses += other.analyses;
        self.size_bytes += other.size_bytes;
        self.execution_ms += other.execution_ms;
        self.timed += other.timed;
        merge_counts(&mut self.implementations, &other.implementations);
        merge_counts(&mut self.statuses, &other.statuses);
        self.oldest_created_ms =
            [self.oldest_created_ms, other.oldest_created_ms].into_iter().flatten().min();
        self.newest_created_ms = self.newest_created_ms.max(other.newest_created_ms);
        self.oldest_saved_us = [self.oldest_saved_us, other.oldest_saved_us].into_iter().flatten().min();
    }

    /// Whether some of these analyses are past their retention by now, so that the totals no longer hold.
    fn is_outlived(&self, retention: Retention, now: Timestamp) -> bool {
        self.oldest_saved_us.is_some_and(|micros| retention.is_over(SavedAt::from_micros(micros), now))
    }
}

fn merge_counts(into: &mut BTreeMap<String, u64>, from: &BTreeMap<String, u64>) {
    for (label, count) in from {
        *into.entry(label.clone()).or_default() += count;
    }
}

/// Totals of each created-day (UTC).
pub(crate) type Days = BTreeMap<Date, Totals>;

/// `metadata/storage-stats.json`: the totals of every sealed day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// Which write this is, in microseconds. It makes every snapshot's entity tag unlike all others, so that
    /// `If-Match` cannot mistake a later snapshot of equal content for the one that was read.
    pub(crate) written_us: i64,
    /// The retention that the totals were counted under.
    pub(crate) retention: Retention,
    /// All days before this one are sealed; one that is not listed has no analyses.
    pub(crate) unsealed_from: Date,
    /// Over all listed days, for people who read the file.
    pub(crate) totals: Totals,
    /// Each sealed day.
    pub(crate) days: Days,
}

impl Snapshot {
    /// Nothing is sealed.
    pub(crate) fn empty(retention: Retention) -> Self {
        Self {
            written_us: 0,
            retention,
            unsealed_from: CreatedAt::MIN.date(),
            totals: Totals::default(),
            days: Days::new(),
        }
    }

    /// The file, written at this time.
    pub(crate) fn to_json(&self, written: SavedAt) -> Vec<u8> {
        let stamped = Self { written_us: written.micros(), ..self.clone() };
        // Cannot fail; and a file that cannot be read back is derived anew.
        serde_json::to_vec_pretty(&stamped).unwrap_or_default()
    }

    /// The listed days whose totals no longer hold because some of their analyses are past their retention.
    pub(crate) fn outlived(&self, retention: Retention, now: Timestamp) -> impl Iterator<Item = Date> {
        self.days.iter().filter(move |(_, totals)| totals.is_outlived(retention, now)).map(|(day, _)| *day)
    }
}

/// What is stored altogether.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// When this was counted.
    pub as_of: String,
    /// How many analyses there are.
    pub total_analyses: u64,
    /// The size of their documents together, in bytes.
    pub total_size_bytes: u64,
    /// The same in MB of 1,048,576 bytes, rounded to two places.
    pub total_size_mb: f64,
    /// How many analyses each implementation made.
    pub implementations_used: BTreeMap<String, u64>,
    /// How many analyses have each status.
    pub statuses: BTreeMap<String, u64>,
    /// The mean of `execution_time` in seconds over the analyses that state it, rounded to milliseconds.
    pub average_execution_time: Option<f64>,
    /// How many analyses were created in each month (UTC), as `2024-01`.
    pub by_month: BTreeMap<String, u64>,
    /// When the oldest analysis was created.
    pub oldest: Option<String>,
    /// When the newest analysis was created.
    pub newest: Option<String>,
    /// Where they are kept.
    pub storage_type: StorageType,
}

impl Stats {
    /// The sum of some days.
    #[expect(clippy::cast_precision_loss, reason = "rounded figures for people")]
    pub(crate) fn of(days: &Days, as_of: Timestamp, storage_type: StorageType) -> Self {
        let mut totals = Totals::default();
        let mut by_month = BTreeMap::new();
        for (day, of_day) in days.iter().filter(|(_, of_day)| of_day.analyses > 0) {
            totals.merge(of_day);
            *by_month.entry(format!("{:04}-{:02}", day.year(), day.month())).or_default() += of_day.analyses;
        }
        let mean = (totals.execution_ms as f64 / totals.timed as f64).round() / 1000.0;
        let instant = |millis: Option<i64>| millis.and_then(CreatedAt::from_millis).map(|at| at.to_string());
        Self {
            as_of: format!("{as_of:.3}"),
            total_analyses: totals.analyses,
            total_size_bytes: totals.size_bytes,
            total_size_mb: (totals.size_bytes as f64 / 1_048_576.0 * 100.0).round() / 100.0,
            implementations_used: totals.implementations,
            statuses: totals.statuses,
            average_execution_time: (totals.timed > 0).then_some(mean),
            by_month,
            oldest: instant(totals.oldest_created_ms),
            newest: instant(totals.newest_created_ms),
            storage_type,
        }
    }
}
