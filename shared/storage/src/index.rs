//! Index entries: empty objects whose key is the whole summary of one analysis, so that one LIST answers for
//! a thousand of them.

use std::fmt;

use jiff::Timestamp;

use crate::document::Summary;
use crate::id::AnalysisId;
use crate::label::{Label, LabelKind};
use crate::layout::Inverted;
use crate::time::{CreatedAt, SavedAt};

const SEPARATOR: char = '!';

/// What the index says of one save of one analysis.
///
/// As text, `{inv}!{id}!{saved_at}!{implementation}!{status}!{size}!{timestamp}!{exec_ms}`: the last path
/// part of its key. Numbers behind the id are in base 36; the whole stays under 255 bytes, the limit of file
/// systems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The analysis.
    pub id: AnalysisId,
    /// When the id was first saved.
    pub created_at: CreatedAt,
    /// Which save this is. The entry is *current* when its document carries the same token.
    pub saved_at: SavedAt,
    /// What the document says of itself.
    pub summary: Summary,
    /// The document's size in bytes.
    pub size: u64,
}

impl Entry {
    /// The entry that [`Display`](fmt::Display) wrote, or `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(SEPARATOR).collect();
        let [inverted, id, saved_at, implementation, status, size, timestamp, execution] = parts[..] else {
            return None;
        };
        Some(Self {
            created_at: Inverted::parse(inverted)?,
            id: AnalysisId::from_stored(id).ok()?,
            saved_at: SavedAt::from_micros(from_base36(saved_at)?),
            size: u64::try_from(from_base36(size)?).ok()?,
            summary: Summary {
                implementation: Label::parse(LabelKind::Implementation, implementation).ok()?,
                status: Label::parse(LabelKind::Status, status).ok()?,
                timestamp: optional(timestamp, |t| Timestamp::from_millisecond(from_base36(t)?).ok())?,
                execution_ms: optional(execution, |t| u64::try_from(from_base36(t)?).ok())?,
            },
        })
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, created_at, saved_at, summary, size } = self;
        let number = |n: Option<i128>| n.map(to_base36).unwrap_or_default();
        write!(
            f,
            "{}!{id}!{}!{}!{}!{}!{}!{}",
            Inverted(*created_at),
            to_base36(saved_at.micros().into()),
            summary.implementation,
            summary.status,
            to_base36((*size).into()),
            number(summary.timestamp.map(|t| t.as_millisecond().into())),
            number(summary.execution_ms.map(Into::into)),
        )
    }
}

#[expect(clippy::option_option, reason = "outer: is it well formed; inner: is there a value")]
fn optional<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { parse(text).map(Some) }
}

fn from_base36(text: &str) -> Option<i64> {
    i64::from_str_radix(text, 36).ok().filter(|n| to_base36((*n).into()) == text)
}

fn to_base36(number: i128) -> String {
    let mut rest = number.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(rest % 36).unwrap_or_default();
        digits.push(char::from_digit(digit, 36).unwrap_or_default());
        rest /= 36;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        digits.push('-');
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str) -> Entry {
        Entry {
            id: AnalysisId::from_stored(id).unwrap(),
            created_at: CreatedAt::from_millis(1_704_067_200_000).unwrap(),
            saved_at: SavedAt::from_micros(1_704_067_200_123_456),
            summary: Summary {
                implementation: Label::parse(LabelKind::Implementation, "hybrid").unwrap(),
                status: Label::parse(LabelKind::Status, "success").unwrap(),
                timestamp: Some("2023-12-31T23:59:59.5Z".parse().unwrap()),
                execution_ms: Some(41_830),
            },
            size: 51_200,
        }
    }

    #[test]
    fn an_entry_survives_its_key() {
        let full = entry("study-1");
        assert_eq!(full.to_string(), "8295932799999!study-1!gs1hnx8pxc!hybrid!success!13i8!lqu5m2a4!w9y");
        assert_eq!(Entry::parse(&full.to_string()), Some(full.clone()));

        let mut bare = full;
        bare.summary = Summary {
            implementation: Label::unknown(),
            status: Label::unknown(),
            timestamp: Some("1969-07-20T20:17:40Z".parse().unwrap()),
            execution_ms: None,
        };
        assert_eq!(Entry::parse(&bare.to_string()), Some(bare));
    }

    #[test]
    fn the_longest_entry_fits_a_file_name() {
        let mut longest = entry(&"x".repeat(128));
        longest.created_at = CreatedAt::MIN;
        longest.saved_at = SavedAt::from_micros(CreatedAt::MAX.millis() * 1000);
        longest.summary.implementation = Label::parse(LabelKind::Implementation, &"i".repeat(32)).unwrap();
        longest.summary.status = Label::parse(LabelKind::Status, &"s".repeat(20)).unwrap();
        longest.summary.timestamp = Some(Timestamp::MIN);
        longest.summary.execution_ms = Some(crate::document::MAX_EXECUTION_MS);
        longest.size = 50 << 40;
        assert!(longest.to_string().len() < 255, "{}", longest.to_string().len());
    }

    #[test]
    fn foreign_keys_are_not_entries() {
        let good = entry("a").to_string();
        for bad in [
            "",
            "x",
            &good[1..],
            &format!("{good}!"),
            &good.replace("!a!", "!a b!"),
            &good.replace("13i8", "013i8"),
        ] {
            assert_eq!(Entry::parse(bad), None, "{bad}");
        }
    }
}
