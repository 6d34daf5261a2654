//! The snapshot: the sums of all sealed periods.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Period;
use super::sums::{Periods, Sums, total};
use crate::retention::Retention;
use crate::time::{CreatedAt, SavedAt};

/// `metadata/storage-stats.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// Which write this is, in microseconds. It makes every snapshot's entity tag unlike all others, so that `If-Match`
    /// cannot mistake a later snapshot of equal content for the one that was read.
    written_us: i64,
    /// The retention that the sums were counted under.
    pub(super) retention: Retention,
    /// All periods that end by then are sealed.
    pub(super) sealed_until: Timestamp,
    /// Over all listed periods, for people who read the file.
    totals: Sums,
    /// Each sealed period with analyses.
    pub(super) periods: Periods,
}

impl Snapshot {
    /// Nothing is sealed.
    pub(super) fn empty(retention: Retention) -> Self {
        Self {
            written_us: 0,
            retention,
            sealed_until: CreatedAt::MIN.timestamp(),
            totals: Sums::default(),
            periods: Periods::new(),
        }
    }

    /// What is to be stored of these periods: those that are sealed, by hours and days as of now, and no more labels
    /// than are told apart.
    pub(super) fn sealing(
        periods: &Periods,
        sealed_until: Timestamp,
        retention: Retention,
        now: Timestamp,
    ) -> Self {
        let mut sealed = Periods::new();
        for (period, sums) in periods.iter().filter(|(period, _)| period.end() <= sealed_until) {
            sealed.entry(period.coarsened(now)).or_default().merge(sums);
        }
        let mut totals = total(&sealed);
        let (implementations, statuses) =
            (totals.implementations.most_frequent(), totals.statuses.most_frequent());
        for sums in sealed.values_mut().chain([&mut totals]) {
            sums.implementations = sums.implementations.folded(&implementations);
            sums.statuses = sums.statuses.folded(&statuses);
        }
        Self { written_us: 0, retention, sealed_until, totals, periods: sealed }
    }

    /// The file, written at this time.
    pub(super) fn to_json(&self, written: SavedAt) -> Vec<u8> {
        let stamped = Self { written_us: written.micros(), ..self.clone() };
        // Cannot fail; and a file that cannot be read back is derived anew.
        serde_json::to_vec(&stamped).unwrap_or_default()
    }

    /// The listed periods whose sums no longer hold because some of their analyses are past their retention.
    pub(super) fn outlived(&self, retention: Retention, now: Timestamp) -> impl Iterator<Item = Period> {
        self.periods
            .iter()
            .filter(move |(_, sums)| sums.is_outlived(retention, now))
            .map(|(period, _)| *period)
    }
}
