//! Sums over some analyses.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Period;
use crate::index::Entry;
use crate::retention::Retention;
use crate::time::SavedAt;

/// How many labels of a kind are told apart. A pipeline has a handful; what makes up thousands must not make the
/// totals too large to be read.
pub(super) const MAX_LABELS: usize = 100;

/// What stands for all other labels: no label has parentheses.
pub(super) const OTHER: &str = "(other)";

/// Sums over some analyses.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Sums {
    pub(super) analyses: u64,
    pub(super) size_bytes: u64,
    pub(super) execution_ms: u64,
    /// How many state an execution time.
    pub(super) timed: u64,
    pub(super) implementations: Counts,
    pub(super) statuses: Counts,
    pub(super) oldest_created_ms: Option<i64>,
    pub(super) newest_created_ms: Option<i64>,
    oldest_saved_us: Option<i64>,
}

/// How many analyses have each label.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Counts(pub(super) BTreeMap<String, u64>);

/// The sums of each period; one that is not listed has no analyses.
pub(crate) type Periods = BTreeMap<Period, Sums>;

impl Sums {
    pub(super) fn add(&mut self, entry: &Entry) {
        let Entry { created_at, saved_at, summary, size, .. } = entry;
        self.analyses += 1;
        self.size_bytes += size;
        self.execution_ms += summary.execution_ms.unwrap_or_default();
        self.timed += u64::from(summary.execution_ms.is_some());
        self.implementations.add(summary.implementation.as_str(), 1);
        self.statuses.add(summary.status.as_str(), 1);
        self.oldest_created_ms = least(self.oldest_created_ms, Some(created_at.millis()));
        self.newest_created_ms = self.newest_created_ms.max(Some(created_at.millis()));
        self.oldest_saved_us = least(self.oldest_saved_us, Some(saved_at.micros()));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.analyses += other.analyses;
        self.size_bytes += other.size_bytes;
        self.execution_ms += other.execution_ms;
        self.timed += other.timed;
        self.implementations.merge(&other.implementations);
        self.statuses.merge(&other.statuses);
        self.oldest_created_ms = least(self.oldest_created_ms, other.oldest_created_ms);
        self.newest_created_ms = self.newest_created_ms.max(other.newest_created_ms);
        self.oldest_saved_us = least(self.oldest_saved_us, other.oldest_saved_us);
    }

    /// Whether some of these analyses are past their retention by now, so that the sums no longer hold.
    pub(super) fn is_outlived(&self, retention: Retention, now: Timestamp) -> bool {
        self.oldest_saved_us.is_some_and(|micros| retention.is_over(SavedAt::from_micros(micros), now))
    }
}

fn least(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    [a, b].into_iter().flatten().min()
}

impl Counts {
    fn add(&mut self, label: &str, count: u64) {
        match self.0.get_mut(label) {
            Some(sum) => *sum += count,
            None => {
                self.0.insert(label.to_owned(), count);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(label, count)| self.add(label, *count));
    }

    /// The most frequent labels, as many as are told apart; of equally frequent ones the first by name.
    pub(super) fn most_frequent(&self) -> Vec<String> {
        let mut labels: Vec<_> = self.0.iter().filter(|(label, _)| *label != OTHER).collect();
        labels.sort_by(|(a, many), (b, more)| more.cmp(many).then_with(|| a.cmp(b)));
        labels.into_iter().take(MAX_LABELS).map(|(label, _)| label.clone()).collect()
    }

    /// These counts, with all labels but those told apart under [`OTHER`].
    pub(super) fn folded(&self, told_apart: &[String]) -> Self {
        let mut folded = Self::default();
        for (label, count) in &self.0 {
            let label = if told_apart.contains(label) { label } else { OTHER };
            folded.add(label, *count);
        }
        folded
    }
}

/// The sum of all periods.
pub(super) fn total(periods: &Periods) -> Sums {
    let mut sum = Sums::default();
    for of_period in periods.values() {
        sum.merge(of_period);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_labels_are_counted_together_and_none_is_lost() {
        let mut counts = Counts::default();
        for n in 0..300_u64 {
            counts.add(&format!("label-{n:03}"), 1 + n % 150);
        }
        let sum: u64 = counts.0.values().sum();
        let folded = counts.folded(&counts.most_frequent());
        assert_eq!((folded.0.len(), folded.0.values().sum::<u64>()), (MAX_LABELS + 1, sum));
        assert!(folded.0.contains_key("label-149") && !folded.0.contains_key("label-000"));
        assert_eq!(folded.folded(&folded.most_frequent()), folded, "what was folded stays so");
    }
}
