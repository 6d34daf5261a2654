//! JSON answers: compact for programs, indented for people who ask for it.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::Problem;

/// How JSON is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JsonStyle {
    /// Without any blanks.
    #[default]
    Compact,
    /// Indented, a field a line: `?pretty=true`.
    Pretty,
}

impl JsonStyle {
    /// The parameter that chooses it.
    pub const PARAMETER: &'static str = "pretty";

    /// The style that a query asks for, whatever else it says: for answers that do not look at it.
    #[must_use]
    pub fn of_query(query: Option<&str>) -> Self {
        let mut parameters = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let is_pretty = parameters.any(|(name, value)| name == Self::PARAMETER && value == "true");
        if is_pretty { Self::Pretty } else { Self::Compact }
    }

    /// The text of a value.
    pub(crate) fn body(self, value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Self::Compact => serde_json::to_vec(value),
            Self::Pretty => {
                let mut body = serde_json::to_vec_pretty(value)?;
                body.push(b'\n');
                Ok(body)
            }
        }
    }

    /// A value as an answer.
    #[must_use]
    pub fn answer(self, value: &impl Serialize) -> Response {
        match self.body(value) {
            Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
            Err(_) => Problem::internal().into_response(),
        }
    }
}
