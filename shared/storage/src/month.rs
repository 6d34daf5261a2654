//! Calendar months in UTC: the folders that documents lie in.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::error::{Error, Result};
use crate::instant;
use crate::time::CreatedAt;

/// One month of one year, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(Date);

impl Month {
    /// The month as people write it: `2024-01`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for anything else, and for months before 2000 or after November 2286, in which
    /// nothing can have been created.
    pub fn parse(text: &str) -> Result<Self> {
        Self::read(text).ok_or_else(|| Error::InvalidArgument {
            argument: "month",
            reason: format!("{text:?} is not a month, such as 2024-01"),
        })
    }

    /// The month in a text such as `2024-01`, or `None` for what is not a month.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (first, _) = instant::parse_period(text).filter(|_| text.len() == "2024-01".len())?;
        let month = Self::containing(first);
        (Self::from(CreatedAt::MIN)..=Self::from(CreatedAt::MAX)).contains(&month).then_some(month)
    }

    /// The month of this instant.
    #[must_use]
    pub fn containing(at: Timestamp) -> Self {
        Self(Offset::UTC.to_datetime(at).date().first_of_month())
    }

    /// The month before this one.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.yesterday().unwrap_or(self.0).first_of_month())
    }

    /// The month after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.last_of_month().tomorrow().unwrap_or(self.0))
    }

    /// The earliest and the latest time at which something in this month can have been created.
    pub(crate) fn bounds(self) -> (CreatedAt, CreatedAt) {
        let midnight = |date: Date| Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX);
        let end = CreatedAt::clamped(midnight(self.next().0));
        let last = if Self::from(end) == self { end } else { end.before() };
        (CreatedAt::clamped(midnight(self.0)), last)
    }

    /// The time in this month that is nearest to an instant.
    pub(crate) fn clamp(self, at: Timestamp) -> CreatedAt {
        let (first, last) = self.bounds();
        CreatedAt::clamped(at).clamp(first, last)
    }
}

impl From<CreatedAt> for Month {
    fn from(created_at: CreatedAt) -> Self {
        Self::containing(created_at.timestamp())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_knows_its_bounds_and_its_neighbours() {
        let december = Month::parse("2024-12").unwrap();
        let (first, last) = december.bounds();
        assert_eq!(first.to_string(), "2024-12-01T00:00:00.000Z");
        assert_eq!(last.to_string(), "2024-12-31T23:59:59.999Z");
        assert_eq!([december.previous(), december.next()].map(|m| m.to_string()), ["2024-11", "2025-01"]);
        assert_eq!(december.next().previous(), december);
        assert_eq!(Month::parse("2286-11").unwrap().bounds().1, CreatedAt::MAX);
        assert_eq!(Month::parse("2000-01").unwrap().bounds().0, CreatedAt::MIN);
    }

    #[test]
    fn instants_are_moved_into_the_month() {
        let month = Month::parse("2024-02").unwrap();
        for (at, nearest) in [
            ("2023-01-01T00:00:00Z", "2024-02-01T00:00:00.000Z"),
            ("2024-02-10T10:00:00.1234Z", "2024-02-10T10:00:00.123Z"),
            ("2024-03-01T00:00:00Z", "2024-02-29T23:59:59.999Z"),
            ("9000-03-01T00:00:00Z", "2024-02-29T23:59:59.999Z"),
        ] {
            assert_eq!(month.clamp(at.parse().unwrap()).to_string(), nearest, "{at}");
        }
    }

    #[test]
    fn other_texts_are_not_months() {
        for text in
            ["", "2024", "2024-13", "2024-1", "2024-01-01", "1999-12", "2286-12", "2287-01", "2024-+1"]
        {
            assert!(Month::parse(text).is_err(), "{text}");
        }
    }
}
