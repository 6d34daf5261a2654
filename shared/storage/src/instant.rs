//! Dates and times as callers write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

use crate::time::midnight;

/// An RFC 3339 date and time; without an offset it is taken as UTC, as pipelines write it.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = text.parse() {
        return Some(instant);
    }
    // A civil time that jiff reads from a text with an offset would silently lose that offset.
    let has_offset = text.get(10..).is_some_and(|time| time.contains(['+', '-', 'Z', 'z', '[']));
    let civil: DateTime = text.parse().ok().filter(|_| !has_offset)?;
    Offset::UTC.to_timestamp(civil).ok()
}

/// The first instant of a calendar period and the first one behind it.
pub(crate) fn parse_period(text: &str) -> Option<(Timestamp, Timestamp)> {
    let (first, next) = match text.split('-').collect::<Vec<_>>()[..] {
        [year, month] => {
            let first = Date::new(digits(year, 4)?, digits(month, 2)?.try_into().ok()?, 1).ok()?;
            (first, first.last_of_month().tomorrow().unwrap_or(Date::MAX))
        }
        [year, month, day] => {
            let (month, day) = (digits(month, 2)?.try_into().ok()?, digits(day, 2)?.try_into().ok()?);
            let first = Date::new(digits(year, 4)?, month, day).ok()?;
            (first, first.tomorrow().unwrap_or(Date::MAX))
        }
        _ => return None,
    };
    let instant = |day| midnight(day).unwrap_or(Timestamp::MAX);
    Some((instant(first), instant(next)))
}

fn digits(text: &str, count: usize) -> Option<i16> {
    let all = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_with_and_without_offset() {
        for (text, utc) in [
            ("2024-01-15T10:30:00Z", "2024-01-15T10:30:00Z"),
            ("2024-01-15T10:30:00.123456+05:30", "2024-01-15T05:00:00.123456Z"),
            ("2024-01-15T10:30:00.123456", "2024-01-15T10:30:00.123456Z"),
            ("2024-01-15 10:30:00", "2024-01-15T10:30:00Z"),
            ("2024-01-15", "2024-01-15T00:00:00Z"),
        ] {
            assert_eq!(parse(text).map(|t| t.to_string()).as_deref(), Some(utc), "{text}");
        }
        for bad in
            ["", "yesterday", "2024-13-01T00:00:00Z", "2024-01-15T10:30:00+99:00", "15.01.2024", "1700000000"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn periods_end_where_the_next_begins() {
        for (text, first, next) in [
            ("2024-12", "2024-12-01T00:00:00Z", "2025-01-01T00:00:00Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"),
        ] {
            let (a, b) = parse_period(text).unwrap();
            assert_eq!((a.to_string().as_str(), b.to_string().as_str()), (first, next));
        }
        for bad in ["2024", "2024-13", "2023-02-29", "24-01", "2024-1", "2024-01-01-01", "2024-+1"] {
            assert_eq!(parse_period(bad), None, "{bad}");
        }
    }
}
