//! Figures as people read and write them.

use std::time::Duration;

use jiff::SignedDuration;

pub(crate) use analysis_storage::config::parse_size;

const UNITS: [&str; 5] = ["KB", "MB", "GB", "TB", "PB"];

/// A size in bytes, with one decimal: `2.2 KB`. One KB is 1,024 bytes.
pub(crate) fn size(bytes: u64) -> String {
    let mut unit = 0;
    let mut divisor = 1024_u128;
    // What would round to 1,024.0 is shown in the next unit.
    while tenths(bytes, divisor) >= 10_240 && unit + 1 < UNITS.len() {
        divisor *= 1024;
        unit += 1;
    }
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let tenths = tenths(bytes, divisor);
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

fn tenths(bytes: u64, divisor: u128) -> u128 {
    (u128::from(bytes) * 10 + divisor / 2) / divisor
}

/// Reads `30d`, `12h` or `8w`.
pub(crate) fn parse_age(text: &str) -> Result<SignedDuration, String> {
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let hours = match unit {
        "h" => 1,
        "d" => 24,
        "w" => 7 * 24,
        _ => 0,
    };
    let is_digits = number.bytes().all(|byte| byte.is_ascii_digit()) && number.len() <= 6;
    let number = number.parse::<i64>().ok().filter(|number| is_digits && *number > 0 && hours > 0);
    number
        .map(|number| SignedDuration::from_hours(number * hours))
        .ok_or_else(|| format!("{text:?} is no length of time such as 12h, 30d or 8w (hours, days or weeks)"))
}

/// A span of time in its two largest units: `45 s`, `2 min 5 s`, `3 h 20 min`.
pub(crate) fn duration(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A count with separators: `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    group(&number.to_string())
}

/// Digits with a comma before each three.
pub(crate) fn group(digits: &str) -> String {
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// RFC 3339 in UTC, to the second: `2026-01-15 10:30:00`.
pub(crate) fn time(rfc3339: &str) -> String {
    rfc3339.get(.."2026-01-15T10:30:00".len()).unwrap_or(rfc3339).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KB"),
            (2252, "2.2 KB"),
            (51_200, "50.0 KB"),
            (1_048_575, "1.0 MB"),
            (3_221_225_472, "3.0 GB"),
            (u64::MAX, "16384.0 PB"),
        ] {
            assert_eq!(size(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn ages_are_whole_hours_days_or_weeks() {
        for (text, hours) in [("12h", 12), ("30d", 720), ("8w", 1344), ("1d", 24)] {
            assert_eq!(parse_age(text), Ok(SignedDuration::from_hours(hours)), "{text}");
        }
        for text in ["", "d", "30", "30 d", "-1d", "+1d", "0d", "1.5d", "30m", "1y", "9999999d", "1é"] {
            assert!(parse_age(text).unwrap_err().contains("is no length of time such as"), "{text}");
        }
    }

    #[test]
    fn counts_have_separators() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn spans_have_two_units() {
        for (seconds, text) in
            [(0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (125, "2 min 5 s"), (12_059, "3 h 20 min")]
        {
            assert_eq!(duration(Duration::from_millis(seconds * 1000 + 999)), text);
        }
    }

    #[test]
    fn times_end_with_the_second() {
        assert_eq!(time("2026-11-24T03:23:12.605Z"), "2026-11-24 03:23:12");
    }
}
