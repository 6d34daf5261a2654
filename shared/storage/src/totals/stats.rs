//! Totals: the operation, and its answer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::sums::{Counts, Periods, Sums};
use crate::Analyses;
use crate::analyses::StorageType;
use crate::error::Result;
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

impl Analyses {
    /// Totals over all analyses, every acknowledged save included.
    ///
    /// 1. LIST the markers.
    /// 2. *Then* GET the snapshot and LIST the index of what cannot be sealed yet.
    /// 3. LIST the index of what is sealed but in doubt: marked, or past its retention in part.
    /// 4. If an hour more is over, or changes that were marked have landed, PUT the next snapshot, where the stored one is
    ///    still that of step 2. This is the commit point of sealing; the answer is the same without it.
    /// 5. DELETE the markers that it accounts for, if they are still those of step 1.
    ///
    /// Three requests, and one more: for each thousand analyses of the last two hours, for each span of time whose
    /// analyses have changed in the last quarter of an hour (neighbouring ones with few analyses together), and to store
    /// the totals of an hour that is over.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn stats(&self) -> Result<Stats> {
        let view = self.view().await?;
        if view.is_outdated(self.retention) {
            // The answer is exact either way: the next reader tries again.
            if let Err(error) = self.seal(&view.basis, &view.periods, view.as_of).await {
                tracing::warn!(%error, "the totals of past periods were not stored");
            }
        }
        Ok(Stats::from_periods(&view.periods, view.as_of, self.storage_type))
    }

    /// Totals over all analyses as [`stats`](Self::stats) gives them, by its steps 1 to 3: nothing is written.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn stats_unsealed(&self) -> Result<Stats> {
        let view = self.view().await?;
        Ok(Stats::from_periods(&view.periods, view.as_of, self.storage_type))
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::totals::Period;

    fn stats(sums: Sums) -> Stats {
        let at = |millis| Period::hour(CreatedAt::from_millis(millis).unwrap());
        let periods = [(at(1_704_067_200_000), sums), (at(1_714_067_200_000), Sums::default())].into();
        Stats::from_periods(&periods, Timestamp::UNIX_EPOCH, StorageType::Memory)
    }

    #[test]
    fn figures_for_people_are_rounded_and_months_without_analyses_left_out() {
        let mut sums = Sums::default();
        (sums.analyses, sums.size_bytes, sums.execution_ms, sums.timed) = (7, 1_600_000, 10_000, 3);
        let stats = stats(sums);
        assert_eq!((stats.total_size_mb, stats.average_execution_time), (1.53, Some(3.333)));
        assert_eq!(stats.by_month, [("2024-01".to_owned(), 7)].into());
    }

    #[test]
    fn analyses_that_state_no_time_have_no_mean() {
        let mut sums = Sums::default();
        sums.analyses = 1;
        assert_eq!(stats(sums).average_execution_time, None);
    }
}
