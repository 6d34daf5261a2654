//! Totals over all analyses.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{Analyses, StorageType};
use crate::error::Result;
use crate::index::Entry;
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

impl Analyses {
    /// Totals over all analyses, every acknowledged save included.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn stats(&self) -> Result<Stats> {
        let groups = self.scan_all().await?;
        let entries = self.resolve(groups).await?;
        let mut totals = Totals::default();
        for entry in &entries {
            totals.add(entry);
        }
        Ok(totals.into_stats(self.clock.now(), self.storage_type))
    }
}

#[derive(Debug, Default)]
struct Totals {
    count: u64,
    size: u64,
    execution_ms: u64,
    timed: u64,
    implementations: BTreeMap<String, u64>,
    statuses: BTreeMap<String, u64>,
    months: BTreeMap<String, u64>,
    oldest: Option<CreatedAt>,
    newest: Option<CreatedAt>,
}

impl Totals {
    fn add(&mut self, entry: &Entry) {
        let Entry { created_at, summary, size, .. } = entry;
        self.count += 1;
        self.size += size;
        if let Some(ms) = summary.execution_ms {
            self.execution_ms += ms;
            self.timed += 1;
        }
        *self.implementations.entry(summary.implementation.to_string()).or_default() += 1;
        *self.statuses.entry(summary.status.to_string()).or_default() += 1;
        let date = created_at.date();
        *self.months.entry(format!("{:04}-{:02}", date.year(), date.month())).or_default() += 1;
        self.oldest = Some(self.oldest.map_or(*created_at, |oldest| oldest.min(*created_at)));
        self.newest = Some(self.newest.map_or(*created_at, |newest| newest.max(*created_at)));
    }

    #[expect(clippy::cast_precision_loss, reason = "rounded figures for people")]
    fn into_stats(self, as_of: Timestamp, storage_type: StorageType) -> Stats {
        let mean = (self.timed > 0).then(|| (self.execution_ms as f64 / self.timed as f64).round() / 1000.0);
        Stats {
            as_of: format!("{as_of:.3}"),
            total_analyses: self.count,
            total_size_bytes: self.size,
            total_size_mb: (self.size as f64 / 1_048_576.0 * 100.0).round() / 100.0,
            implementations_used: self.implementations,
            statuses: self.statuses,
            average_execution_time: mean,
            by_month: self.months,
            oldest: self.oldest.map(|at| at.to_string()),
            newest: self.newest.map(|at| at.to_string()),
            storage_type,
        }
    }
}
