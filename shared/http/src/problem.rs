//! Errors as HTTP says them: RFC 9457 problem details. The one place where a storage error gets its status.

use std::sync::Arc;

use analysis_storage::Error;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// What kind of problem it is: the stable name that programs may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is described by its title")]
pub enum Code {
    InvalidId,
    MalformedDocument,
    InvalidDocument,
    DocumentTooLarge,
    InvalidQuery,
    InvalidHeader,
    UnsupportedMediaType,
    RequestTimeout,
    Unauthorized,
    NotFound,
    UnknownRoute,
    MethodNotAllowed,
    PreconditionFailed,
    SaveInFlight,
    Archived,
    ResponseTooLarge,
    NotSupported,
    StorageUnavailable,
    Misconfigured,
    Corrupt,
    Internal,
}

impl Code {
    fn status(self) -> StatusCode {
        match self {
            Self::MalformedDocument | Self::InvalidQuery | Self::InvalidHeader => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound | Self::UnknownRoute => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::SaveInFlight | Self::Archived => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::DocumentTooLarge | Self::ResponseTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidId | Self::InvalidDocument => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Misconfigured | Self::Corrupt | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotSupported => StatusCode::NOT_IMPLEMENTED,
            Self::StorageUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::InvalidId => "The id cannot be used",
            Self::MalformedDocument => "The body is not JSON",
            Self::InvalidDocument => "The body is not an analysis that can be stored",
            Self::DocumentTooLarge => "The document is too large",
            Self::InvalidQuery => "A query parameter cannot be used",
            Self::InvalidHeader => "A request header cannot be used",
            Self::UnsupportedMediaType => "The body must be sent as JSON",
            Self::RequestTimeout => "The request body did not arrive in time",
            Self::Unauthorized => "A bearer token is required",
            Self::NotFound => "There is no such analysis",
            Self::UnknownRoute => "There is nothing at this path",
            Self::MethodNotAllowed => "The path does not support this method",
            Self::PreconditionFailed => "The condition of the request does not hold",
            Self::SaveInFlight => "The analysis is just being saved",
            Self::Archived => "The analysis is archived",
            Self::ResponseTooLarge => "The document does not fit into a response",
            Self::NotSupported => "This storage cannot do that",
            Self::StorageUnavailable => "The storage does not answer",
            Self::Misconfigured => "The service is not configured correctly",
            Self::Corrupt => "A stored object is damaged",
            Self::Internal => "The service failed",
        }
    }

    /// Seconds after which to try again, where that may help.
    fn retry_after(self) -> Option<u16> {
        match self {
            Self::SaveInFlight => Some(5),
            Self::StorageUnavailable => Some(2),
            _ => None,
        }
    }
}

/// One failed request.
///
/// As a response it carries no body yet: [`finish`](crate::finish) adds it together with the request's id,
/// and logs what must not be shown.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: Option<String>,
    header: Option<(HeaderName, HeaderValue)>,
    cause: Option<Arc<Error>>,
}

/// RFC 9457, section 3.1, and our `code` and `request_id`.
#[derive(Serialize)]
struct Details<'a> {
    r#type: String,
    code: Code,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    request_id: &'a str,
}

impl Problem {
    /// A problem of the caller's, with what is wrong and what to do.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: Some(detail.into()), header: None, cause: None }
    }

    /// A problem of ours: callers learn its kind and nothing more.
    #[must_use]
    pub fn internal() -> Self {
        Self { code: Code::Internal, detail: None, header: None, cause: None }
    }

    /// 401, and how to do better (RFC 6750, section 3).
    #[must_use]
    pub fn unauthorized(detail: &str) -> Self {
        let challenge = (WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        Self { header: Some(challenge), ..Self::new(Code::Unauthorized, detail) }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.code.status()
    }

    /// The response for the request with this id.
    pub(crate) fn render(&self, request_id: &str) -> Response {
        let code = serde_json::to_value(self.code).unwrap_or_default();
        let details = Details {
            r#type: format!("urn:design-analysis:problem:{}", code.as_str().unwrap_or_default()),
            code: self.code,
            title: self.code.title(),
            status: self.status().as_u16(),
            detail: self.detail.as_deref(),
            request_id,
        };
        let body = serde_json::to_vec(&details).unwrap_or_default();
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
        match self.code {
            Code::StorageUnavailable => tracing::warn!(code = ?self.code, cause, "storage unavailable"),
            Code::Misconfigured | Code::Corrupt | Code::Internal => {
                tracing::error!(code = ?self.code, cause, "request failed");
            }
            _ => {}
        }
    }
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
        let code = match &error {
            Error::InvalidId(_) => Code::InvalidId,
            Error::MalformedDocument(_) => Code::MalformedDocument,
            Error::InvalidDocument(_) => Code::InvalidDocument,
            Error::TooLarge { .. } => Code::DocumentTooLarge,
            Error::InvalidQuery { .. } => Code::InvalidQuery,
            Error::NotFound(_) => Code::NotFound,
            Error::PreconditionFailed(_) => Code::PreconditionFailed,
            Error::SaveInFlight(_) => Code::SaveInFlight,
            Error::Archived(_) => Code::Archived,
            Error::Unsupported(_) => Code::NotSupported,
            Error::Refused { .. } | Error::NoAnswer { .. } => Code::StorageUnavailable,
            Error::Misconfigured { .. } => Code::Misconfigured,
            Error::Corrupt { .. } => Code::Corrupt,
        };
        // A 5xx names its kind only; its detail goes to the log. That the storage lacks a feature is no secret.
        let is_public = code.status().is_client_error() || code == Code::NotSupported;
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
