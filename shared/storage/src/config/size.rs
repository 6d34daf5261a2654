//! Sizes as people write them.

/// Reads `50KB`, `1.5 MB`, `64MiB` or `2048` as a number of bytes. One KB is 1,024 bytes, as one KiB is.
///
/// # Errors
/// A sentence that says what a size looks like.
pub fn parse_size(text: &str) -> Result<u64, String> {
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
    let is_digits =
        |part: &str, most| (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole, 10) || !is_digits(fraction, 9) {
        return None;
    }
    let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    let parts = u128::from(whole.parse::<u64>().ok()?) * u128::from(scale)
        + u128::from(fraction.parse::<u64>().ok()?);
    u64::try_from(parts * u128::from(unit) / u128::from(scale)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        for (text, bytes) in [
            ("2048", 2048),
            ("5368709120", 5 << 30),
            ("50KB", 51_200),
            ("50 kib", 51_200),
            ("64MiB", 64 << 20),
            ("100MB", 100 << 20),
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
}
