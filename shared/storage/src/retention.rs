//! How long analyses are kept.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::time::SavedAt;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The number of days after which the bucket's lifecycle rules remove what was saved; none: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Retention(Option<u32>);

impl Retention {
    /// Keeps analyses this many days; 0 is forever.
    #[must_use]
    pub fn days(days: u32) -> Self {
        Self((days > 0).then_some(days))
    }

    /// The number of days; none: forever.
    #[must_use]
    pub fn in_days(self) -> Option<u32> {
        self.0
    }

    /// Whether nothing is ever over.
    #[must_use]
    pub(crate) fn is_forever(self) -> bool {
        self.0.is_none()
    }

    /// Whether everything that the other keeps is kept under this one, too.
    #[must_use]
    pub(crate) fn is_at_least(self, other: Self) -> bool {
        match (self.0, other.0) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => own >= other,
        }
    }

    /// Whether something saved then is over by now: at the midnight (UTC) that follows its last day, which
    /// is when S3 counts an object as expired, though it may remove it later.
    ///
    /// Source: Amazon S3 User Guide, "Lifecycle configuration elements", "Lifecycle rules: Based on an
    /// object's age".
    #[must_use]
    pub fn is_over(self, saved_at: SavedAt, now: Timestamp) -> bool {
        self.0.is_some_and(|days| {
            let last_day = saved_at.micros().div_euclid(MICROS_PER_DAY).saturating_add(days.into());
            now.as_microsecond().div_euclid(MICROS_PER_DAY) > last_day
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_analysis_is_over_at_the_midnight_after_its_last_day() {
        let saved_at: SavedAt = "2024-01-15T10:30:00Z".parse::<Timestamp>().unwrap().into();
        let last: Timestamp = "2024-01-25T23:59:59.999999Z".parse().unwrap();
        let over: Timestamp = "2024-01-26T00:00:00Z".parse().unwrap();
        assert!(!Retention::days(10).is_over(saved_at, last));
        assert!(Retention::days(10).is_over(saved_at, over));
        assert!(!Retention::days(0).is_over(saved_at, over));
        assert!(!Retention::days(u32::MAX).is_over(SavedAt::from_micros(i64::MAX), over));
    }
}
