//! Errors as HTTP says them: RFC 9457 problem details.

mod status;

use std::sync::Arc;

use analysis_storage::{Error, ErrorCode};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

pub use self::status::{HttpCode, ProblemCode};
use crate::json::JsonStyle;

/// All that a URN spells out (RFC 8141, section 2): neither `unreserved` nor `sub-delims` (RFC 3986, section 2), nor
/// one of `:`, `@` and `/`.
const NOT_IN_A_URN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// One failed request.
///
/// As a response it carries no body yet: [`finish`](crate::finish) adds it together with the request's id,
/// and logs what must not be shown.
#[derive(Debug, Clone)]
pub struct Problem {
    code: ProblemCode,
    detail: Option<String>,
    header: Option<(HeaderName, HeaderValue)>,
    cause: Option<Arc<Error>>,
}

/// RFC 9457, section 3.1, and our `code`.
#[derive(Serialize)]
struct Details<'a> {
    r#type: String,
    code: &'a str,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// Which request it was: a URI, as section 3.1.5 has it.
    instance: String,
}

impl Problem {
    /// A problem of the caller's, with what is wrong and what to do.
    #[must_use]
    pub fn new(code: impl Into<ProblemCode>, detail: impl Into<String>) -> Self {
        Self { code: code.into(), detail: Some(detail.into()), header: None, cause: None }
    }

    /// A problem of ours: callers learn its kind and nothing more.
    #[must_use]
    pub fn internal() -> Self {
        Self { code: HttpCode::Internal.into(), detail: None, header: None, cause: None }
    }

    /// 401, and how to do better (RFC 6750, section 3).
    #[must_use]
    pub fn unauthorized(detail: &str) -> Self {
        let challenge = (WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        Self::new(HttpCode::Unauthorized, detail).with_header(Some(challenge))
    }

    /// The same with this header.
    pub(crate) fn with_header(self, header: Option<(HeaderName, HeaderValue)>) -> Self {
        Self { header, ..self }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.code.status()
    }

    /// The response for the request with this id, in this style.
    pub(crate) fn render(&self, request_id: &str, style: JsonStyle) -> Response {
        let code = self.code.as_str();
        let details = Details {
            r#type: format!("urn:design-analysis:problem:{code}"),
            code,
            title: self.code.title(),
            status: self.status().as_u16(),
            detail: self.detail.as_deref(),
            instance: instance(request_id),
        };
        let body = style.body(&details).unwrap_or_default();
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.extend(self.header.clone());
        headers.extend(self.code.retry_after().map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))));
        response
    }

    /// Writes what callers must not see to the log, once.
    pub(crate) fn log(&self) {
        let cause = self.cause.as_deref().map(|error| chain(error)).unwrap_or_default();
        let code = self.code.as_str();
        match self.code {
            ProblemCode::Storage(ErrorCode::StorageUnavailable) => {
                tracing::warn!(code, cause, "storage unavailable");
            }
            ProblemCode::Storage(ErrorCode::Contended) => tracing::warn!(code, cause, "contended"),
            ProblemCode::Storage(ErrorCode::StorageFull | ErrorCode::Misconfigured | ErrorCode::Corrupt)
            | ProblemCode::Http(HttpCode::Internal) => {
                tracing::error!(code, cause, "request failed");
            }
            _ => {}
        }
    }
}

/// The request with this id, as a URI.
fn instance(request_id: &str) -> String {
    format!("urn:design-analysis:request:{}", utf8_percent_encode(request_id, NOT_IN_A_URN))
}

/// An error and everything beneath it, in one line.
#[must_use]
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.dedup();
    causes.join(": ")
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = ProblemCode::from(error.code());
        // A 5xx names its kind only; its detail goes to the log. That the storage lacks a feature, or memory is short, is no secret.
        let is_public = code.status().is_client_error()
            || matches!(error.code(), ErrorCode::NotSupported | ErrorCode::Busy);
        Self {
            code,
            detail: is_public.then(|| error.to_string()),
            header: None,
            cause: Some(Arc::new(error)),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_a_urn_whatever_the_request_id() {
        for (id, expected) in [
            ("57394ebc-5b82-4c8f-b0f9-e0f89a564c20", "57394ebc-5b82-4c8f-b0f9-e0f89a564c20"),
            ("Root=1-67891233;a/b", "Root=1-67891233;a/b"),
            (r#"a%b#c?d"<e>[f]"#, "a%25b%23c%3Fd%22%3Ce%3E%5Bf%5D"),
        ] {
            assert_eq!(instance(id), format!("urn:design-analysis:request:{expected}"));
        }
    }
}
