//! The periods that totals are kept of.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::durations::{HOURLY_FOR, signed};
use crate::time::CreatedAt;

const MILLIS_PER_HOUR: i64 = 3_600_000;
const HOURS_PER_DAY: i64 = 24;

/// An hour or a day of creation times, in UTC. As text `2026-01-15T12` or `2026-01-15`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Period {
    /// Its first hour, counted from the Unix epoch.
    first: i64,
    hours: i64,
}

impl Period {
    /// The hour of this time.
    pub(crate) fn hour(at: CreatedAt) -> Self {
        Self { first: at.millis().div_euclid(MILLIS_PER_HOUR), hours: 1 }
    }

    /// The period that totals of this time are kept by now: hours of the last two days, days of what is older.
    pub(crate) fn containing(at: CreatedAt, now: Timestamp) -> Self {
        Self::hour(at).coarsened(now)
    }

    /// The period that takes the place of this one by now.
    pub(crate) fn coarsened(self, now: Timestamp) -> Self {
        let day = self.day();
        let ended = now.duration_since(day.end());
        if ended >= signed(HOURLY_FOR) { day } else { self }
    }

    /// The day that it is, or is in.
    pub(crate) fn day(self) -> Self {
        Self { first: self.first.div_euclid(HOURS_PER_DAY) * HOURS_PER_DAY, hours: HOURS_PER_DAY }
    }

    /// Where it begins.
    pub(crate) fn start(self) -> Timestamp {
        Timestamp::from_millisecond(self.first * MILLIS_PER_HOUR).unwrap_or(Timestamp::MIN)
    }

    /// Where the next begins.
    pub(crate) fn end(self) -> Timestamp {
        Timestamp::from_millisecond((self.first + self.hours) * MILLIS_PER_HOUR).unwrap_or(Timestamp::MAX)
    }

    /// What [`Display`](fmt::Display) wrote, or `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (date, hour) = text.split_once('T').map_or((text, None), |(date, hour)| (date, Some(hour)));
        let start: Timestamp = format!("{date}T{}:00:00Z", hour.unwrap_or("00")).parse().ok()?;
        let hours = if hour.is_some() { 1 } else { HOURS_PER_DAY };
        let period = Self { first: start.as_millisecond().div_euclid(MILLIS_PER_HOUR), hours };
        Some(period).filter(|period| period.to_string() == text)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = if self.hours == 1 { "2026-01-15T12".len() } else { "2026-01-15".len() };
        f.write_str(self.start().to_string().get(..length).unwrap_or_default())
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is no hour and no day"))
    }
}

/// The beginning of the hour of an instant.
pub(crate) fn floor_to_hour(at: Timestamp) -> Timestamp {
    let hour = at.as_millisecond().div_euclid(MILLIS_PER_HOUR);
    Timestamp::from_millisecond(hour * MILLIS_PER_HOUR).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn periods_are_hours_for_two_days_and_days_from_then_on() {
        let noon = CreatedAt::clamped(at("2026-01-15T12:34:56Z"));
        for (now, period, start, end) in [
            ("2026-01-15T13:00:00Z", "2026-01-15T12", "2026-01-15T12:00:00Z", "2026-01-15T13:00:00Z"),
            ("2026-01-17T23:59:59Z", "2026-01-15T12", "2026-01-15T12:00:00Z", "2026-01-15T13:00:00Z"),
            ("2026-01-18T00:00:00Z", "2026-01-15", "2026-01-15T00:00:00Z", "2026-01-16T00:00:00Z"),
        ] {
            let found = Period::containing(noon, at(now));
            assert_eq!(
                (found.to_string().as_str(), found.start(), found.end()),
                (period, at(start), at(end))
            );
            assert_eq!(Period::parse(period), Some(found));
        }
    }

    #[test]
    fn other_texts_are_not_periods() {
        for text in
            ["", "2026", "2026-01", "2026-1-15", "2026-01-15T", "2026-01-15T24", "2026-01-15T1", "2026-02-30"]
        {
            assert_eq!(Period::parse(text), None, "{text}");
        }
    }
}
