//! Picks the indexed fields out of the JSON text, checks the rest, and builds no tree.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::Document;
use crate::error::{Error, Result};

/// The top-level fields that the index is made of.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) request_id: Scalar,
    pub(super) implementation: Scalar,
    pub(super) status: Scalar,
    pub(super) timestamp: Scalar,
    pub(super) execution_time: Scalar,
}

/// A JSON value, as far as it matters for a field that should be scalar.
#[derive(Debug, Default)]
pub(super) enum Scalar {
    #[default]
    Null,
    Bool,
    Number(f64),
    Text(String),
    Array,
    Object,
    /// A number that is too large for any machine, as it is written.
    Infinite(String),
    /// A string in which half of a surrogate pair stands alone (RFC 8259, section 8.2).
    Unpaired,
}

impl Scalar {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number(_) | Self::Infinite(_) => "a number",
            Self::Text(_) | Self::Unpaired => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }

    /// The value of text that fits the grammar of JSON.
    fn of_json(text: &str) -> Self {
        match text.trim_ascii_start().as_bytes().first() {
            Some(b'"') => serde_json::from_str(text).map_or(Self::Unpaired, Self::Text),
            Some(b'[') => Self::Array,
            Some(b'{') => Self::Object,
            Some(b't' | b'f') => Self::Bool,
            Some(b'n') | None => Self::Null,
            Some(_) => {
                serde_json::from_str(text).map_or_else(|_| Self::Infinite(text.to_owned()), Self::Number)
            }
        }
    }
}

pub(super) fn fields(bytes: &[u8]) -> Result<Fields> {
    let malformed = |what: String| Err(Error::MalformedDocument(what));
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => {
            let at = e.valid_up_to();
            return malformed(format!("the body is not valid UTF-8 at byte {at} ({})", place(&bytes[..at])));
        }
    };
    if text.starts_with('\u{feff}') {
        return malformed("the body begins with a byte order mark; send UTF-8 without one".into());
    }
    if text.trim_ascii().is_empty() {
        return malformed("the body is empty; send the analysis as a JSON object".into());
    }
    let scanned = scan(text);
    let fields = scanned.map_err(|e| not_json(&e, text))?;
    if let Some(at) = first_too_deep(bytes) {
        let (max, place) = (Document::MAX_DEPTH, place(&bytes[..at]));
        return Err(Error::InvalidDocument(format!("the body nests more than {max} levels deep at {place}")));
    }
    fields.ok_or_else(|| {
        let kind = Scalar::of_json(text).kind();
        Error::InvalidDocument(format!("the body must be a JSON object, not {kind}"))
    })
}

/// The fields of the document, if it is an object.
///
/// All that is inside them, and every field that nobody asks for, is checked against the grammar of JSON and nothing
/// more: a number too large for any machine, or half a surrogate pair, is stored as it is.
fn scan(text: &str) -> Result<Option<Fields>, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let fields = if text.trim_ascii_start().starts_with('{') {
        Some(json.deserialize_map(Picking)?)
    } else {
        IgnoredAny::deserialize(&mut json)?;
        None
    };
    json.end()?;
    Ok(fields)
}

/// The line and column behind these bytes.
fn place(before: &[u8]) -> String {
    let (line, last) = before.split(|byte| *byte == b'\n').enumerate().last().unwrap_or_default();
    format!("line {} column {}", line + 1, last.len() + 1)
}

/// Where valid JSON first nests too deep. The parser does not care: what it ignores, it ignores without recursion.
fn first_too_deep(json: &[u8]) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0, false, false);
    for (at, byte) in json.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
        if depth > Document::MAX_DEPTH {
            return Some(at);
        }
    }
    None
}

/// What Python and JavaScript write for numbers that JSON does not have.
const NO_NUMBERS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

fn not_json(error: &serde_json::Error, text: &str) -> Error {
    match error.classify() {
        Category::Data => Error::InvalidDocument(error.to_string()),
        Category::Syntax | Category::Eof | Category::Io => {
            let advice = no_number(error, text).map(|word| {
                format!(
                    ": `{word}` is no number of JSON; write null or leave the field out (Python's json.dumps refuses it \
                     with allow_nan=False)"
                )
            });
            let advice = advice.unwrap_or_default();
            Error::MalformedDocument(format!("the body is not valid JSON: {error}{advice}"))
        }
    }
}

/// The number that JSON does not have, if that is what the parser stumbled over: it stops in it or just before.
fn no_number(error: &serde_json::Error, text: &str) -> Option<&'static str> {
    let line = text.split('\n').nth(error.line().checked_sub(1)?)?.as_bytes();
    let near = error.column().saturating_sub(2)..=error.column();
    let mut starts = near.filter_map(|start| line.get(start..));
    starts.find_map(|rest| NO_NUMBERS.into_iter().rev().find(|word| rest.starts_with(word.as_bytes())))
}

/// The document itself: picks its fields.
struct Picking;

impl<'de> Visitor<'de> for Picking {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        let mut seen = Vec::new();
        while let Some(name) = map.next_key::<&RawValue>()? {
            // A name that is no text is none of ours.
            let name = serde_json::from_str(name.get()).unwrap_or(Name::Other);
            let Some((text, field)) = fields.named(name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if seen.contains(&name) {
                return Err(A::Error::custom(format_args!("field `{text}` appears twice")));
            }
            seen.push(name);
            *field = Scalar::of_json(map.next_value::<&RawValue>()?.get());
        }
        Ok(fields)
    }
}

/// The name of a top-level field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Name {
    RequestId,
    Implementation,
    Status,
    Timestamp,
    ExecutionTime,
    #[serde(other)]
    Other,
}

impl Fields {
    fn named(&mut self, name: Name) -> Option<(&'static str, &mut Scalar)> {
        match name {
            Name::RequestId => Some(("request_id", &mut self.request_id)),
            Name::Implementation => Some(("implementation", &mut self.implementation)),
            Name::Status => Some(("status", &mut self.status)),
            Name::Timestamp => Some(("timestamp", &mut self.timestamp)),
            Name::ExecutionTime => Some(("execution_time", &mut self.execution_time)),
            Name::Other => None,
        }
    }
}
