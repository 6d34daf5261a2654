//! Figures as people read and write them.

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

/// Reads `50KB`, `1.5 MB` or `2048` as a number of bytes.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let upper = text.trim().to_ascii_uppercase();
    let number = upper.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &upper[number.len()..] {
        "" | "B" => Some(1),
        "K" | "KB" | "KIB" => Some(1 << 10),
        "M" | "MB" | "MIB" => Some(1 << 20),
        "G" | "GB" | "GIB" => Some(1 << 30),
        _ => None,
    };
    unit.and_then(|unit| scaled(number.trim(), unit))
        .ok_or_else(|| format!("{text:?} is not a size such as 2048, 50KB or 1.5MB (1 KB = 1,024 bytes)"))
}

/// A decimal number of units, in bytes.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |part: &str| (1..=9).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    let parts = u128::from(whole.parse::<u64>().ok()?) * u128::from(scale)
        + u128::from(fraction.parse::<u64>().ok()?);
    u64::try_from(parts * u128::from(unit) / u128::from(scale)).ok()
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
    fn sizes_are_read_with_and_without_units() {
        for (text, bytes) in [
            ("2048", 2048),
            ("50KB", 51_200),
            ("50 kib", 51_200),
            ("1.5MB", 1_572_864),
            ("0.5k", 512),
            ("2G", 2 << 30),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "KB", "-1", "1e3", "1.KB", ".5KB", "50 XB", "1,000", "99999999999", "é"] {
            assert!(parse_size(text).unwrap_err().contains("is not a size such as"), "{text}");
        }
    }

    #[test]
    fn counts_have_separators() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn times_end_with_the_second() {
        assert_eq!(time("2026-11-24T03:23:12.605Z"), "2026-11-24 03:23:12");
    }
}
