//! Documents: checked in one pass, never re-serialised.

mod scan;

use bytes::Bytes;
use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::instant;
use crate::label::{Label, LabelKind};
use scan::{Fields, Scalar};

/// The longest `execution_time` we index: a billion seconds.
pub(crate) const MAX_EXECUTION_MS: u64 = 1_000_000_000_000;

/// What a document says of itself, as far as the index keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Field `implementation`, or `unknown`.
    pub implementation: Label,
    /// Field `status`, or `unknown`.
    pub status: Label,
    /// Field `timestamp`, to the millisecond; without an offset it is taken as UTC.
    pub timestamp: Option<Timestamp>,
    /// Field `execution_time`, in milliseconds.
    pub execution_ms: Option<u64>,
}

/// A design analysis that may be stored: the very bytes that were sent, and what they say of themselves.
///
/// ```
/// use analysis_storage::{Document, Error};
///
/// let sent = r#"{"status": "success", "execution_time": 11.37, "requirements": ["..."]}"#;
/// let document = Document::parse(sent.into())?;
/// assert_eq!(document.bytes(), sent);
/// assert_eq!(document.summary().implementation.as_str(), "unknown");
/// assert_eq!(document.summary().execution_ms, Some(11_370));
///
/// let refused = Document::parse(r#"{"execution_time": "long"}"#.into());
/// assert!(matches!(refused, Err(Error::InvalidDocument(_))));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Document {
    bytes: Bytes,
    summary: Summary,
    request_id: Option<String>,
}

impl Document {
    /// The deepest nesting of arrays and objects that is accepted.
    pub const MAX_DEPTH: usize = 100;

    /// Checks that the bytes are one JSON object in UTF-8 whose indexed fields can be used.
    ///
    /// # Errors
    /// [`Error::MalformedDocument`] with line and column if it is not JSON (RFC 8259), and
    /// [`Error::InvalidDocument`] naming the field if it is not an analysis we can index.
    pub fn parse(bytes: Bytes) -> Result<Self> {
        let Fields { request_id, implementation, status, timestamp, execution_time } = scan::fields(&bytes)?;
        Ok(Self {
            request_id: text("request_id", request_id)?,
            summary: Summary {
                implementation: label(LabelKind::Implementation, implementation)?,
                status: label(LabelKind::Status, status)?,
                timestamp: text("timestamp", timestamp)?.map(|t| parse_timestamp(&t)).transpose()?,
                execution_ms: execution_ms(execution_time)?,
            },
            bytes,
        })
    }

    /// What another program stored, and is no analysis: kept byte for byte, and indexed by this summary.
    #[must_use]
    pub fn unindexable(bytes: Bytes, summary: Summary) -> Self {
        Self { bytes, summary, request_id: None }
    }

    /// The document, byte for byte as it was sent.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The document's size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// What the document says of itself.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Field `request_id`, unchecked.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

fn invalid(field: &str, reason: impl std::fmt::Display) -> Error {
    Error::InvalidDocument(format!("field `{field}` {reason}"))
}

fn text(field: &str, value: Scalar) -> Result<Option<String>> {
    match value {
        Scalar::Null => Ok(None),
        Scalar::Text(text) => Ok(Some(text)),
        Scalar::Unpaired => Err(invalid(
            field,
            "holds half of a surrogate pair (\\ud800 to \\udfff alone), which is no character",
        )),
        other => Err(invalid(field, format_args!("must be a string, not {}", other.kind()))),
    }
}

fn label(kind: LabelKind, value: Scalar) -> Result<Label> {
    match text(kind.name(), value)? {
        Some(text) => Label::parse(kind, &text).map_err(|reason| invalid(kind.name(), reason)),
        None => Ok(Label::unknown()),
    }
}

fn parse_timestamp(text: &str) -> Result<Timestamp> {
    instant::parse(text).ok_or_else(|| {
        let shown: String = text.chars().take(64).collect();
        let form = "is not a date and time; send RFC 3339, such as 2024-01-15T10:30:00Z";
        invalid("timestamp", format_args!("{shown:?} {form}"))
    })
}

fn execution_ms(value: Scalar) -> Result<Option<u64>> {
    let seconds = match value {
        Scalar::Null => return Ok(None),
        Scalar::Number(seconds) => seconds,
        Scalar::Infinite(number) => return Err(out_of_range(number)),
        other => {
            return Err(invalid(
                "execution_time",
                format_args!("must be a number of seconds, not {}", other.kind()),
            ));
        }
    };
    let millis = (seconds * 1000.0).round();
    #[expect(clippy::cast_precision_loss, reason = "the limit is far below 2^53")]
    let in_range = seconds >= 0.0 && millis <= MAX_EXECUTION_MS as f64;
    if !in_range {
        return Err(out_of_range(seconds));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just above")]
    Ok(Some(millis as u64))
}

fn out_of_range(seconds: impl std::fmt::Display) -> Error {
    let shown: String = seconds.to_string().chars().take(64).collect();
    invalid("execution_time", format_args!("is {shown}; 0 to 1000000000 seconds are allowed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Document> {
        Document::parse(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn a_document_is_summarised_and_kept_byte_for_byte() {
        let text = " {\"implementation\" : \"openai\",\"status\":\"error\", \"timestamp\":\"2024-01-15T10:30:00.5+02:00\",\
                     \"execution_time\":1.2345,\"request_id\":\"a\",\"chunks\":[{\"text\":\"\u{201e}Ja\u{201c}\"}]}\n";
        let document = parse(text).unwrap();
        assert_eq!(document.bytes(), text.as_bytes());
        assert_eq!(document.request_id(), Some("a"));
        let summary = document.summary();
        assert_eq!((summary.implementation.as_str(), summary.status.as_str()), ("openai", "error"));
        assert_eq!(summary.timestamp.unwrap().to_string(), "2024-01-15T08:30:00.5Z");
        assert_eq!(summary.execution_ms, Some(1235));
    }

    #[test]
    fn absent_and_null_fields_are_unknown() {
        for text in [
            "{}",
            r#"{"implementation":null,"status":null,"timestamp":null,"execution_time":null,"request_id":null}"#,
        ] {
            let document = parse(text).unwrap();
            assert_eq!(document.summary().implementation, Label::unknown());
            assert_eq!(document.summary().status, Label::unknown());
            assert_eq!((document.summary().timestamp, document.summary().execution_ms), (None, None));
            assert_eq!(document.request_id(), None);
        }
    }

    #[test]
    fn text_that_is_not_json_is_malformed_and_says_where() {
        for (text, place) in [
            ("", "the body is empty"),
            ("  \n ", "the body is empty"),
            ("{\n  \"a\": }", "line 2 column 8"),
            ("{\"a\":1", "line 1 column 6"),
            ("{} {}", "trailing characters at line 1 column 4"),
            ("{\"a\":1,}", "trailing comma at line 1 column 8"),
            ("{'a':1}", "line 1 column 2"),
            ("{\"a\":NaN}", "line 1 column 6"),
        ] {
            match parse(text) {
                Err(Error::MalformedDocument(message)) => {
                    assert!(message.contains(place), "{text:?}: {message}");
                }
                other => panic!("{text:?}: {other:?}"),
            }
        }
        match Document::parse(Bytes::from_static(b"{\"a\":\n \"\xff\"}")) {
            Err(Error::MalformedDocument(message)) => {
                assert_eq!(message, "the body is not valid UTF-8 at byte 8 (line 2 column 3)");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn json_that_cannot_be_indexed_is_invalid_and_names_the_field() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100), "]".repeat(100));
        for (text, what) in [
            ("[]", "must be a JSON object, not an array"),
            ("\"text\"", "must be a JSON object, not a string"),
            ("1", "must be a JSON object, not a number"),
            (&*deep, "more than 100 levels deep at line 1 column"),
            (r#"{"implementation":1}"#, "field `implementation` must be a string, not a number"),
            (r#"{"implementation":["a"]}"#, "field `implementation` must be a string, not an array"),
            (r#"{"implementation":""}"#, "field `implementation` has 0 characters"),
            (r#"{"implementation":"a b"}"#, "field `implementation` contains ' '"),
            (
                &format!(r#"{{"implementation":"{}"}}"#, "x".repeat(33)),
                "field `implementation` has 33 characters",
            ),
            (&format!(r#"{{"status":"{}"}}"#, "x".repeat(21)), "field `status` has 21 characters"),
            (r#"{"timestamp":"yesterday"}"#, "field `timestamp` \"yesterday\" is not a date and time"),
            (r#"{"timestamp":1700000000}"#, "field `timestamp` must be a string, not a number"),
            (
                r#"{"execution_time":"3s"}"#,
                "field `execution_time` must be a number of seconds, not a string",
            ),
            (r#"{"execution_time":-1}"#, "field `execution_time` is -1"),
            (r#"{"execution_time":1e400}"#, "field `execution_time` is 1e400; 0 to 1000000000"),
            (r#"{"execution_time":-1e400}"#, "field `execution_time` is -1e400"),
            (r#"{"status":1e400}"#, "field `status` must be a string, not a number"),
            (r#"{"status":"\ud83d"}"#, "field `status` holds half of a surrogate pair"),
            (r#"{"request_id":"a\udfff"}"#, "field `request_id` holds half of a surrogate pair"),
            (r#"{"implementation":"\ud83d\ud83d"}"#, "field `implementation` holds half"),
            (r#"{"timestamp":"\ud83d"}"#, "field `timestamp` holds half"),
            (r#"{"execution_time":"\ud83d"}"#, "must be a number of seconds, not a string"),
            (r#""\ud83d""#, "must be a JSON object, not a string"),
            ("1e400", "must be a JSON object, not a number"),
            (r#"{"request_id":{}}"#, "field `request_id` must be a string, not an object"),
            (r#"{"request_id":"a","request_id":"b"}"#, "field `request_id` appears twice at line 1 column"),
        ] {
            match parse(text) {
                Err(Error::InvalidDocument(message)) => assert!(message.contains(what), "{text}: {message}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn numbers_that_json_does_not_have_are_named_with_what_to_write() {
        for (text, word) in [
            (r#"{"a":NaN}"#, "NaN"),
            (r#"{"a": Infinity}"#, "Infinity"),
            (r#"{"a":-Infinity}"#, "-Infinity"),
            ("{\n \"a\": [1, {\"\u{e4}\": [0, -Infinity]}]}", "-Infinity"),
            ("{\n \"a\": [1, {\"\u{e4}\": [0, NaN]}]}", "NaN"),
            (r#"{"execution_time":NaN}"#, "NaN"),
            (r#"{"status":Infinity}"#, "Infinity"),
            ("NaN", "NaN"),
            ("-Infinity", "-Infinity"),
        ] {
            let Err(Error::MalformedDocument(message)) = parse(text) else { panic!("{text}") };
            let advice = format!(": `{word}` is no number of JSON; write null or leave the field out");
            assert!(message.contains(&advice) && message.contains("allow_nan=False"), "{text}: {message}");
        }
        for text in [r#"{"a":nan}"#, r#"{"a":"NaN",}"#, r#"{"NaN":}"#, r#"{"a":-}"#, "{\"a\":"] {
            let Err(Error::MalformedDocument(message)) = parse(text) else { panic!("{text}") };
            assert!(!message.contains("is no number"), "{text}: {message}");
        }
    }

    #[test]
    fn names_are_known_however_they_are_spelt() {
        let document =
            parse(r#"{"stat\u0075s" : "a" , "execution_time" : 1.5 , "timestamp" : null }"#).unwrap();
        assert_eq!(document.summary().status.as_str(), "a");
        assert_eq!(document.summary().execution_ms, Some(1500));
        assert!(parse(r#"{"status":"a","stat\u0075s":"a"}"#).is_err());
    }

    #[test]
    fn what_nobody_asks_for_is_checked_as_json_and_no_further() {
        for text in [
            r#"{"\ud83d":1}"#,
            r#"{"a":{"\ud83d":1}}"#,
            r#"{"a":1e400}"#,
            r#"{"a":"\ud83d"}"#,
            r#"{"a":[{"b":"cut off \ud83d"}]}"#,
        ] {
            assert_eq!(parse(text).unwrap().bytes(), text.as_bytes());
        }
        let brackets = format!(r#"{{"a":"\"{}"}}"#, "[".repeat(500));
        assert!(parse(&brackets).is_ok(), "brackets in a string are no nesting");
    }

    #[test]
    fn nesting_up_to_the_limit_is_accepted() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(99), "]".repeat(99));
        assert!(parse(&deep).is_ok());
    }
}
