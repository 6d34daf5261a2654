//! The answer to who asks for totals.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::sums::{Counts, Periods, Sums};
use crate::analyses::StorageType;
use crate::month::Month;
use crate::time::CreatedAt;

/// What is stored altogether.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// When this was counted.
    pub as_of: String,
    /// How many analyses there are.
    pub total_analyses: u64,
    /// The size of their documents together, in bytes.
    pub total_size_bytes: u64,
    /// The size of their documents together, in MB of 1,048,576 bytes, rounded to two places.
    pub total_size_mb: f64,
    /// How many analyses each implementation made: the hundred most frequent, and the rest under `(other)`.
    pub implementations_used: BTreeMap<String, u64>,
    /// How many analyses have each status: the hundred most frequent, and the rest under `(other)`.
    pub statuses: BTreeMap<String, u64>,
    /// The mean of `execution_time` in seconds over the analyses that state it, rounded to milliseconds.
    pub average_execution_time: Option<f64>,
    /// How many analyses were created in each month (UTC), as `2024-01`.
    pub by_month: BTreeMap<String, u64>,
    /// When the oldest analysis was created.
    pub oldest: Option<String>,
    /// When the newest analysis was created.
    pub newest: Option<String>,
    /// Where the analyses are kept.
    pub storage_type: StorageType,
}

impl Stats {
    /// The sum of some periods.
    #[expect(clippy::cast_precision_loss, reason = "rounded figures for people")]
    pub(super) fn from_periods(periods: &Periods, as_of: Timestamp, storage_type: StorageType) -> Self {
        let mut totals = Sums::default();
        let mut by_month = BTreeMap::new();
        for (period, sums) in periods.iter().filter(|(_, sums)| sums.analyses > 0) {
            totals.merge(sums);
            *by_month.entry(Month::containing(period.start()).to_string()).or_default() += sums.analyses;
        }
        let mean = (totals.execution_ms as f64 / totals.timed as f64).round() / 1000.0;
        let instant = |millis: Option<i64>| millis.and_then(CreatedAt::from_millis).map(|at| at.to_string());
        let bounded = |counts: &Counts| counts.folded(&counts.most_frequent()).0;
        Self {
            as_of: format!("{as_of:.3}"),
            total_analyses: totals.analyses,
            total_size_bytes: totals.size_bytes,
            total_size_mb: (totals.size_bytes as f64 / 1_048_576.0 * 100.0).round() / 100.0,
            implementations_used: bounded(&totals.implementations),
            statuses: bounded(&totals.statuses),
            average_execution_time: (totals.timed > 0).then_some(mean),
            by_month,
            oldest: instant(totals.oldest_created_ms),
            newest: instant(totals.newest_created_ms),
            storage_type,
        }
    }
}
