//! Ids of analyses.

use std::fmt;

use jiff::Timestamp;
use uuid::{Uuid, Variant};

use crate::error::{Error, Result};
use crate::time::CreatedAt;

const MAX_LENGTH: usize = 128;
/// How far ahead of our clock a client's clock may run.
const MAX_FUTURE_MILLIS: i64 = 5 * 60 * 1000;

/// The name of one analysis: 1 to 128 characters of `A-Z a-z 0-9 . _ -`, case-sensitive, not `.` or `..`.
///
/// A canonical lower-case `UUIDv7` (RFC 9562, section 5.7) carries its creation time, so its place in the
/// bucket follows from the id alone. Any other id is *named*: an id record holds its creation time.
/// A UUID in upper or mixed case is refused, because most software holds it equal to its lower-case form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnalysisId {
    text: String,
    created_at: Option<CreatedAt>,
}

impl AnalysisId {
    /// Checks an id that a caller sent; `now` judges whether a `UUIDv7` comes from the future.
    ///
    /// # Errors
    /// [`Error::InvalidId`] names the rule that is broken.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self> {
        let id = Self::from_stored(text)?;
        if let Some(created_at) = id.created_at
            && created_at.millis() > now.as_millisecond().saturating_add(MAX_FUTURE_MILLIS)
        {
            return Err(invalid(
                text,
                &format!("is a UUIDv7 of {created_at}, more than five minutes in the future"),
            ));
        }
        Ok(id)
    }

    /// Checks an id read back from a key: the rules of [`parse`](Self::parse) without the clock's.
    ///
    /// # Errors
    /// [`Error::InvalidId`] names the rule that is broken.
    pub fn from_stored(text: &str) -> Result<Self> {
        if text.is_empty() || text.len() > MAX_LENGTH {
            return Err(invalid(
                text,
                &format!("has {} characters; 1 to {MAX_LENGTH} are allowed", text.len()),
            ));
        }
        if let Some(bad) = text.chars().find(|c| !is_id_char(*c)) {
            return Err(invalid(text, &format!("contains {bad:?}; allowed are A-Z a-z 0-9 . _ -")));
        }
        if text == "." || text == ".." {
            return Err(invalid(text, "is a directory name"));
        }
        Ok(Self { text: text.to_owned(), created_at: uuid7_time(text)? })
    }

    /// A new `UUIDv7` of that instant.
    #[must_use]
    pub fn generate(created_at: CreatedAt, random: [u64; 2]) -> Self {
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&random[0].to_be_bytes());
        bytes[8..].copy_from_slice(&random[1].to_be_bytes()[..2]);
        let uuid =
            uuid::Builder::from_unix_timestamp_millis(created_at.millis().unsigned_abs(), &bytes).into_uuid();
        Self { text: uuid.to_string(), created_at: Some(created_at) }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The creation time that a `UUIDv7` carries; `None` for a named id.
    #[must_use]
    pub fn created_at(&self) -> Option<CreatedAt> {
        self.created_at
    }
}

impl fmt::Display for AnalysisId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_id_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

fn uuid7_time(text: &str) -> Result<Option<CreatedAt>> {
    let Some(uuid) = Uuid::try_parse(text).ok().filter(|_| text.len() == 36) else { return Ok(None) };
    if uuid.to_string() != text {
        return Err(invalid(text, &format!("is a UUID that is not in canonical lower case; send `{uuid}`")));
    }
    if uuid.get_version_num() != 7 || uuid.get_variant() != Variant::RFC4122 {
        return Ok(None);
    }
    let millis = i64::try_from(uuid.as_u128() >> 80).unwrap_or(i64::MAX);
    match CreatedAt::from_millis(millis) {
        Some(created_at) => Ok(Some(created_at)),
        None if millis < CreatedAt::MIN.millis() => {
            Err(invalid(text, "is a UUIDv7 from before the year 2000"))
        }
        None => Err(invalid(text, "is a UUIDv7 from the far future")),
    }
}

fn invalid(text: &str, what: &str) -> Error {
    let shown: String = text.chars().take(MAX_LENGTH).collect();
    Error::InvalidId(format!("id {shown:?} {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn reason(text: &str) -> String {
        AnalysisId::parse(text, now()).unwrap_err().to_string()
    }

    #[test]
    fn a_canonical_uuid7_carries_its_creation_time() {
        let id = AnalysisId::parse("018cc251-f400-7000-8000-000000000000", now()).unwrap();
        assert_eq!(id.created_at().unwrap().to_string(), "2024-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_generated_id_parses_back_to_its_own_time() {
        let created_at = CreatedAt::from_millis(1_735_689_600_123).unwrap();
        let id = AnalysisId::generate(created_at, [u64::MAX, u64::MAX]);
        assert_eq!(AnalysisId::parse(id.as_str(), now()).unwrap(), id);
        assert_eq!(id.created_at(), Some(created_at));
    }

    #[test]
    fn other_ids_are_named() {
        let uuid4 = "6f9619ff-8b86-4d01-b42d-00c04fc964ff";
        let longest = "x".repeat(128);
        for text in ["a", "Study.2024_v1-final", "...", uuid4, "018cc251f40070008000000000000000", &longest] {
            assert_eq!(AnalysisId::parse(text, now()).unwrap().created_at(), None, "{text}");
        }
    }

    #[test]
    fn bad_ids_are_refused_with_the_rule_they_break() {
        for (text, rule) in [
            ("", "has 0 characters"),
            (&*"x".repeat(129), "has 129 characters"),
            ("a/b", "contains '/'"),
            ("a b", "contains ' '"),
            ("a\0b", "contains '\\0'"),
            ("é", "contains 'é'"),
            (".", "directory name"),
            ("..", "directory name"),
            ("018CC251-F400-7000-8000-000000000000", "canonical lower case"),
            ("019eb5a0-0000-7000-8000-000000000000", "more than five minutes in the future"),
            ("00000000-0000-7000-8000-000000000000", "before the year 2000"),
            ("ffffffff-ffff-7fff-bfff-ffffffffffff", "far future"),
        ] {
            assert!(reason(text).contains(rule), "{text:?}: {}", reason(text));
        }
    }
}
