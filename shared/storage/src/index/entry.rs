//! Index entries: empty objects whose key is the whole summary of one analysis, so that one LIST answers for
//! a thousand of them.

use std::fmt;

use jiff::Timestamp;

use crate::document::Summary;
use crate::id::AnalysisId;
use crate::label::{Label, LabelKind};
use crate::layout::Inverted;
use crate::time::{CreatedAt, SavedAt};
use crate::token::ContentToken;

const SEPARATOR: char = '!';

/// The version of the entries that this crate writes. Entries without one are from before there were versions.
const VERSION: &str = "2";

/// What the index says of one save of one analysis.
///
/// As text, `{inv5}/{inv8}!{id}!2!{saved_at}!{token}!{implementation}!{status}!{size}!{timestamp}!{exec_ms}`: the last
/// two path parts of its key. Numbers behind the version are in base 36; the last part stays under 255 bytes, the limit
/// of file systems. Later versions may add parts at the end, which readers pass over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The analysis.
    pub id: AnalysisId,
    /// When the id was first saved.
    pub created_at: CreatedAt,
    /// The save that the entry stands for. It is *current* when its document carries the same time.
    pub saved_at: SavedAt,
    /// What tells the content of its document from others.
    pub token: ContentToken,
    /// What the document says of itself.
    pub summary: Summary,
    /// The document's size in bytes.
    pub size: u64,
}

/// What a key below the index is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IndexKey {
    /// An entry.
    Entry(Entry),
    /// An entry from before entries had versions.
    Legacy(LegacyEntry),
    /// An entry of a version that this crate does not know.
    Newer,
    /// Nothing that this software wrote.
    Unrelated,
}

/// What an entry from before entries had versions says: all but the token of the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LegacyEntry {
    pub(crate) id: AnalysisId,
    pub(crate) created_at: CreatedAt,
    pub(crate) saved_at: SavedAt,
    pub(crate) summary: Summary,
    pub(crate) size: u64,
}

impl LegacyEntry {
    /// The present entry that says the same of this content.
    pub(crate) fn with_token(&self, token: ContentToken) -> Entry {
        let Self { id, created_at, saved_at, summary, size } = self.clone();
        Entry { id, created_at, saved_at, token, summary, size }
    }
}

impl IndexKey {
    /// What the text behind the index's prefix is.
    pub(crate) fn parse(text: &str) -> Self {
        match text.split_once(SEPARATOR) {
            Some((inverted, rest)) if inverted.contains('/') => match Entry::parse(text) {
                Some(entry) => Self::Entry(entry),
                None if is_newer(inverted, rest) => Self::Newer,
                None => Self::Unrelated,
            },
            Some((inverted, rest)) => legacy(inverted, rest).map_or(Self::Unrelated, Self::Legacy),
            None => Self::Unrelated,
        }
    }
}

/// Whether an entry that cannot be read has the version of a later format.
fn is_newer(inverted: &str, rest: &str) -> bool {
    let version = rest.split(SEPARATOR).nth(1).and_then(|version| version.parse::<u32>().ok());
    Inverted::parse_path(inverted).is_some() && version.is_some_and(|version| version > 2)
}

/// `{inv13}!{id}!{saved_at}!{implementation}!{status}!{size}!{timestamp}!{exec_ms}`.
fn legacy(inverted: &str, rest: &str) -> Option<LegacyEntry> {
    let created_at = Inverted::parse(inverted)?;
    let mut parts = rest.split(SEPARATOR);
    let id = AnalysisId::from_stored(parts.next()?).ok()?;
    let saved_at = SavedAt::from_micros(from_base36(parts.next()?)?);
    let (summary, size) = summary(&mut parts)?;
    parts.next().is_none().then_some(LegacyEntry { id, created_at, saved_at, summary, size })
}

/// `{implementation}!{status}!{size}!{timestamp}!{exec_ms}`.
fn summary<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<(Summary, u64)> {
    let implementation = Label::parse(LabelKind::Implementation, parts.next()?).ok()?;
    let status = Label::parse(LabelKind::Status, parts.next()?).ok()?;
    let size = u64::try_from(from_base36(parts.next()?)?).ok()?;
    let timestamp = optional(parts.next()?, |t| Timestamp::from_millisecond(from_base36(t)?).ok())?;
    let execution_ms = optional(parts.next()?, |t| u64::try_from(from_base36(t)?).ok())?;
    Some((Summary { implementation, status, timestamp, execution_ms }, size))
}

impl Entry {
    /// The entry that [`Display`](fmt::Display) wrote, or `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(SEPARATOR);
        let mut next = || parts.next();
        let (inverted, id, VERSION) = (next()?, next()?, next()?) else { return None };
        let created_at = Inverted::parse_path(inverted)?;
        let id = AnalysisId::from_stored(id).ok()?;
        let saved_at = SavedAt::from_micros(from_base36(next()?)?);
        let token = ContentToken::parse(next()?)?;
        let (summary, size) = summary(&mut parts)?;
        Some(Self { id, created_at, saved_at, token, summary, size })
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, created_at, saved_at, token, summary, size } = self;
        let number = |n: Option<i128>| n.map(to_base36).unwrap_or_default();
        write!(
            f,
            "{}!{id}!{VERSION}!{}!{token}!{}!{}!{}!{}!{}",
            Inverted(*created_at).path(),
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
            token: ContentToken::of_content(b"{}"),
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
        assert_eq!(
            full.to_string(),
            "82959/32799999!study-1!2!gs1hnx8pxc!mZFLkyvTelA!hybrid!success!13i8!lqu5m2a4!w9y"
        );
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
        let text = longest.to_string();
        let name = text.rsplit('/').next().unwrap();
        assert!(name.len() < 255, "{}", name.len());
    }

    /// Keys that each format so far has given the same two entries, the oldest format first. Buckets are full of such
    /// keys: a new format adds a row, and no row is ever changed.
    const WRITTEN: [[&str; 2]; 2] = [
        [
            "8295932799999!study-1!gs1hnx8pxc!hybrid!success!13i8!lqu5m2a4!w9y",
            "8295932799999!study-1!gs1hnx8pxc!unknown!unknown!13i8!!",
        ],
        [
            "82959/32799999!study-1!2!gs1hnx8pxc!mZFLkyvTelA!hybrid!success!13i8!lqu5m2a4!w9y",
            "82959/32799999!study-1!2!gs1hnx8pxc!mZFLkyvTelA!unknown!unknown!13i8!!",
        ],
    ];

    #[test]
    fn keys_of_every_format_so_far_are_read() {
        let full = entry("study-1");
        let (unknown, token) = (Label::unknown(), full.token);
        let nothing =
            Summary { implementation: unknown.clone(), status: unknown, timestamp: None, execution_ms: None };
        let expected = [full.clone(), Entry { summary: nothing, ..full }];
        for keys in WRITTEN {
            let read = keys.map(|key| match IndexKey::parse(key) {
                IndexKey::Entry(entry) => entry,
                IndexKey::Legacy(entry) => entry.with_token(token),
                other => panic!("{key}: {other:?}"),
            });
            assert_eq!(read, expected);
        }
        let newest = expected.map(|entry| entry.to_string());
        assert_eq!(WRITTEN.last().unwrap(), &newest, "what is written is the last format of the table");
    }

    #[test]
    fn parts_that_a_later_version_adds_are_passed_over() {
        let entry = entry("a");
        assert_eq!(Entry::parse(&format!("{entry}!new!parts")), Some(entry));
    }

    #[test]
    fn entries_of_other_versions_are_recognised() {
        let newer = entry("a").to_string().replace("!2!", "!3!");
        assert_eq!(IndexKey::parse(&newer), IndexKey::Newer);
        let [[legacy, _], _] = WRITTEN;
        assert!(matches!(IndexKey::parse(legacy), IndexKey::Legacy(_)));
        for other in [&legacy[1..], "README.txt", "0!", "9999999999999!x!y", "8230000000000!a!b!c!d!e!f!G"] {
            assert_eq!(IndexKey::parse(other), IndexKey::Unrelated, "{other}");
        }
    }

    #[test]
    fn numbers_are_spelt_in_base_36() {
        for (number, text) in [(0, "0"), (35, "z"), (36, "10"), (-36, "-10")] {
            assert_eq!(to_base36(number), text);
            assert_eq!(from_base36(text), i64::try_from(number).ok());
        }
    }

    #[test]
    fn damaged_entries_are_not_taken_for_those_of_a_later_version() {
        let good = entry("a").to_string();
        let later = good.replace("!2!", "!3!");
        for damaged in [
            good.replace("!2!gs1", "!2!G"),
            good.replace("!2!", "!1!"),
            format!("x{later}"),
            "82959/3!a".into(),
        ] {
            assert_eq!(IndexKey::parse(&damaged), IndexKey::Unrelated, "{damaged}");
        }
    }

    #[test]
    fn unrelated_keys_are_not_entries() {
        let good = entry("a").to_string();
        for bad in ["", "x", &good[1..], &good.replace("!a!", "!a b!"), &good.replace("13i8", "013i8")] {
            assert_eq!(Entry::parse(bad), None, "{bad}");
        }
    }
}
