//! Which bytes of an object to read.

use std::fmt;
use std::ops::Range;

/// One range of bytes (RFC 9110, section 14.1.2). Its text is what `Range` says behind `bytes=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// From the first of these to the last, both included, or to the end of the object.
    FromTo(u64, u64),
    /// From this one to the end.
    From(u64),
    /// So many at the end, or all there are.
    Last(u64),
}

impl ByteRange {
    /// Reads `0-499`, `500-` or `-500`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-')?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // What is too large for a number is beyond any object.
        let number = |text: &str| is_number(text).then(|| text.parse().unwrap_or(u64::MAX));
        match (first, last) {
            ("", last) => number(last).map(Self::Last),
            (first, "") => number(first).map(Self::From),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::FromTo(first, last))
            }
        }
    }

    /// Which bytes these are of an object of this size; `None` if it has none of them.
    #[must_use]
    pub fn within(self, size: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::FromTo(first, last) => first..last.saturating_add(1).min(size),
            Self::From(first) => first..size,
            Self::Last(count) => size.saturating_sub(count)..size,
        };
        (range.start < range.end).then_some(range)
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FromTo(first, last) => write!(f, "{first}-{last}"),
            Self::From(first) => write!(f, "{first}-"),
            Self::Last(count) => write!(f, "-{count}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_its_text_says() {
        for text in ["0-0", "0-499", "500-", "-500", "-0"] {
            assert_eq!(ByteRange::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "-", "5", "5-4", "a-", "-a", "+1-2", " 1-2", "1 -2", "1-2-3", "0x1-2", "1-2,3-4"] {
            assert_eq!(ByteRange::parse(text), None, "{text}");
        }
        let beyond = "0-99999999999999999999999";
        assert_eq!(ByteRange::parse(beyond), Some(ByteRange::FromTo(0, u64::MAX)));
    }

    #[test]
    fn a_range_ends_with_the_object() {
        for (text, size, part) in [
            ("0-0", 10, Some(0..1)),
            ("0-9", 10, Some(0..10)),
            ("9-100", 10, Some(9..10)),
            ("10-", 10, None),
            ("9-", 10, Some(9..10)),
            ("-3", 10, Some(7..10)),
            ("-30", 10, Some(0..10)),
            ("-0", 10, None),
            ("0-", 0, None),
            ("-1", 0, None),
            ("0-18446744073709551615", 10, Some(0..10)),
        ] {
            assert_eq!(ByteRange::parse(text).unwrap().within(size), part, "{text} of {size}");
        }
    }
}
