//! What the URL says.

use analysis_storage::{AnalysisId, ErrorCode};
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::app::App;
use crate::json::JsonStyle;
use crate::problem::Problem;

/// The `{id}` of the path.
#[derive(Debug, Clone)]
pub struct IdPath(pub AnalysisId);

impl FromRequestParts<App> for IdPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, app)
            .await
            .map_err(|_| Problem::new(ErrorCode::InvalidId, "the id in the path is not UTF-8 text"))?;
        Ok(Self(AnalysisId::parse(&text, app.analyses().clock().now())?))
    }
}

/// The query string: each parameter once.
#[derive(Debug, Clone)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Checks that there are no parameters but these: a misspelt filter must not silently show everything.
    ///
    /// # Errors
    /// A problem that names the parameter.
    pub fn only(self, known: &[&str]) -> Result<Self, Problem> {
        for (position, (name, _)) in self.0.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let detail = format!("query parameter {name:?} is unknown here; known: {known}");
                return Err(Problem::new(ErrorCode::InvalidQuery, detail));
            }
            if self.0[..position].iter().any(|(earlier, _)| earlier == name) {
                return Err(Problem::new(
                    ErrorCode::InvalidQuery,
                    format!("query parameter {name:?} appears twice"),
                ));
            }
        }
        Ok(self)
    }

    /// How the JSON of the answer is to be written.
    ///
    /// # Errors
    /// A problem if `pretty` is neither `true` nor `false`.
    pub fn style(&self) -> Result<JsonStyle, Problem> {
        match self.get(JsonStyle::PARAMETER) {
            None | Some("false") => Ok(JsonStyle::Compact),
            Some("true") => Ok(JsonStyle::Pretty),
            Some(other) => {
                let detail = format!("`pretty`: {other:?} is neither true nor false");
                Err(Problem::new(ErrorCode::InvalidQuery, detail))
            }
        }
    }

    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect()))
    }
}
