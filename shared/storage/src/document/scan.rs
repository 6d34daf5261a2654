//! Picks the indexed fields out of the JSON text, checks the rest, and builds no tree.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

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
    Object(Box<Fields>),
}

impl Scalar {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array => "an array",
            Self::Object(_) => "an object",
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
    let mut json = serde_json::Deserializer::from_str(text);
    let document = Value::Document.deserialize(&mut json).map_err(|e| not_json(&e))?;
    json.end().map_err(|e| not_json(&e))?;
    if let Some(at) = first_too_deep(bytes) {
        let (max, place) = (Document::MAX_DEPTH, place(&bytes[..at]));
        return Err(Error::InvalidDocument(format!("the body nests more than {max} levels deep at {place}")));
    }
    match document {
        Scalar::Object(fields) => Ok(*fields),
        other => Err(Error::InvalidDocument(format!("the body must be a JSON object, not {}", other.kind()))),
    }
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

fn not_json(error: &serde_json::Error) -> Error {
    match error.classify() {
        Category::Data => Error::InvalidDocument(error.to_string()),
        Category::Syntax | Category::Eof | Category::Io => {
            Error::MalformedDocument(format!("the body is not valid JSON: {error}"))
        }
    }
}

/// A value of which only the kind matters, or the scalar content.
///
/// All that is inside it, and every field that nobody asks for, is checked against the grammar of JSON and nothing
/// more: a number too large for any machine, or half a surrogate pair, is stored as it is.
#[derive(Clone, Copy)]
enum Value {
    /// The document: pick its fields.
    Document,
    /// An indexed field: keep it if it is scalar.
    Field,
}

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Scalar;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool)
    }

    #[expect(clippy::cast_precision_loss, reason = "only the milliseconds of an execution time are kept")]
    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "only the milliseconds of an execution time are kept")]
    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        if let Self::Document = self {
            return pick_fields(&mut map);
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Object(Box::default()))
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

fn pick_fields<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Scalar, A::Error> {
    let mut fields = Box::<Fields>::default();
    let mut seen = Vec::new();
    while let Some(name) = map.next_key()? {
        let Some((text, field)) = fields.named(name) else {
            map.next_value::<IgnoredAny>()?;
            continue;
        };
        if seen.contains(&name) {
            return Err(A::Error::custom(format_args!("field `{text}` appears twice")));
        }
        seen.push(name);
        *field = map.next_value_seed(Value::Field)?;
    }
    Ok(Scalar::Object(fields))
}
