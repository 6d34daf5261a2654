//! The kinds of problem: those of the storage, and those that only HTTP knows. The one place where each gets its status.

use analysis_storage::{ErrorCode, words};
use axum::http::StatusCode;

words! {
    /// The kinds of problem that no [`ErrorCode`] is: they are over before the storage is asked, or come after it.
    pub enum HttpCode {
        /// A request header cannot be used.
        InvalidHeader = "invalid_header",
        /// The body is not declared as JSON.
        UnsupportedMediaType = "unsupported_media_type",
        /// The body did not arrive in time.
        RequestTimeout = "request_timeout",
        /// The request target is longer than any of ours.
        TargetTooLong = "target_too_long",
        /// The request has too many headers, or too long ones.
        HeadersTooLarge = "headers_too_large",
        /// A server without a token was asked under a name that is not its own.
        HostNotAllowed = "host_not_allowed",
        /// A web page of another site has sent the request to a server without a token.
        CrossSite = "cross_site",
        /// The bearer token is missing or wrong.
        Unauthorized = "unauthorized",
        /// There is nothing at this path.
        UnknownRoute = "unknown_route",
        /// The path does not support this method.
        MethodNotAllowed = "method_not_allowed",
        /// The document does not fit into a response.
        ResponseTooLarge = "response_too_large",
        /// A fault of the service.
        Internal = "internal",
    }
}

/// The kind of a problem: the stable word that programs may rely on, with the status that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemCode {
    /// The storage has said so, or what was sent could never have been stored.
    Storage(ErrorCode),
    /// The request or its response cannot be served over HTTP.
    Http(HttpCode),
}

impl From<ErrorCode> for ProblemCode {
    fn from(code: ErrorCode) -> Self {
        Self::Storage(code)
    }
}

impl From<HttpCode> for ProblemCode {
    fn from(code: HttpCode) -> Self {
        Self::Http(code)
    }
}

impl ProblemCode {
    /// Every code that an answer may hold.
    pub fn all() -> impl Iterator<Item = Self> {
        let of_storage = ErrorCode::ALL.iter().copied().map(Self::from);
        of_storage.chain(HttpCode::ALL.iter().copied().map(Self::from))
    }

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Storage(code) => code.as_str(),
            Self::Http(code) => code.as_str(),
        }
    }

    /// The HTTP status of each kind.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        use ErrorCode as S;
        use HttpCode as H;
        match self {
            Self::Storage(S::MalformedDocument | S::InvalidQuery | S::InvalidArgument)
            | Self::Http(H::InvalidHeader) => StatusCode::BAD_REQUEST,
            Self::Http(H::Unauthorized) => StatusCode::UNAUTHORIZED,
            Self::Storage(S::NotFound) | Self::Http(H::UnknownRoute) => StatusCode::NOT_FOUND,
            Self::Http(H::CrossSite) => StatusCode::FORBIDDEN,
            Self::Http(H::HostNotAllowed) => StatusCode::MISDIRECTED_REQUEST,
            Self::Http(H::TargetTooLong) => StatusCode::URI_TOO_LONG,
            Self::Http(H::HeadersTooLarge) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Http(H::MethodNotAllowed) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Http(H::RequestTimeout) => StatusCode::REQUEST_TIMEOUT,
            Self::Storage(S::SaveInFlight | S::Archived) => StatusCode::CONFLICT,
            Self::Storage(S::PreconditionFailed) => StatusCode::PRECONDITION_FAILED,
            Self::Storage(S::DocumentTooLarge) | Self::Http(H::ResponseTooLarge) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Storage(S::RangeNotSatisfiable) => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Http(H::UnsupportedMediaType) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Storage(S::InvalidId | S::InvalidDocument) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Storage(S::Misconfigured | S::Corrupt) | Self::Http(H::Internal) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::Storage(S::NotSupported) => StatusCode::NOT_IMPLEMENTED,
            Self::Storage(S::StorageFull) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Storage(S::StorageUnavailable | S::Contended | S::Busy) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What the kind means, in words for people (RFC 9457, section 3.1.3).
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Storage(code) => title_of_storage(code),
            Self::Http(code) => match code {
                HttpCode::InvalidHeader => "A request header cannot be used",
                HttpCode::UnsupportedMediaType => "The body must be sent as JSON",
                HttpCode::RequestTimeout => "The request body did not arrive in time",
                HttpCode::TargetTooLong => "The path and query are too long",
                HttpCode::HeadersTooLarge => "The request headers are too large",
                HttpCode::HostNotAllowed => "The server is not known under this name",
                HttpCode::CrossSite => "Web pages of other sites may not use this server",
                HttpCode::Unauthorized => "A bearer token is required",
                HttpCode::UnknownRoute => "There is nothing at this path",
                HttpCode::MethodNotAllowed => "The path does not support this method",
                HttpCode::ResponseTooLarge => "The document does not fit into a response",
                HttpCode::Internal => "The service failed",
            },
        }
    }

    /// Seconds after which to try again, where that may help.
    pub(super) const fn retry_after(self) -> Option<u16> {
        match self {
            Self::Storage(ErrorCode::SaveInFlight) => Some(5),
            Self::Storage(ErrorCode::StorageUnavailable) => Some(2),
            Self::Storage(ErrorCode::Contended | ErrorCode::Busy) => Some(1),
            Self::Storage(_) | Self::Http(_) => None,
        }
    }
}

const fn title_of_storage(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::InvalidId => "The id cannot be used",
        ErrorCode::MalformedDocument => "The body is not JSON",
        ErrorCode::InvalidDocument => "The body is not an analysis that can be stored",
        ErrorCode::DocumentTooLarge => "The document is too large",
        ErrorCode::InvalidQuery => "A query parameter cannot be used",
        ErrorCode::InvalidArgument => "An argument cannot be used",
        ErrorCode::NotFound => "There is no such analysis",
        ErrorCode::PreconditionFailed => "The condition of the request does not hold",
        ErrorCode::SaveInFlight => "The analysis is just being saved",
        ErrorCode::Contended => "Others change the analysis all the time",
        ErrorCode::Busy => "The server has no room for this request",
        ErrorCode::Archived => "The analysis is archived",
        ErrorCode::RangeNotSatisfiable => "The document has no such bytes",
        ErrorCode::NotSupported => "This storage cannot do that",
        ErrorCode::StorageUnavailable => "The storage does not answer",
        ErrorCode::StorageFull => "The storage is full",
        ErrorCode::Misconfigured => "The service is not configured correctly",
        ErrorCode::Corrupt => "A stored object is damaged",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_word_is_of_two_kinds() {
        let words: BTreeSet<&str> = ProblemCode::all().map(ProblemCode::as_str).collect();
        assert_eq!(words.len(), ProblemCode::all().count());
    }

    #[test]
    fn a_full_storage_is_507_and_asks_nobody_to_try_again() {
        let full = ProblemCode::from(ErrorCode::StorageFull);
        assert_eq!((full.as_str(), full.status().as_u16()), ("storage_full", 507));
        assert_eq!(full.retry_after(), None);
    }

    #[test]
    fn what_may_succeed_later_says_when_to_try_again() {
        for code in ErrorCode::ALL {
            let seconds = ProblemCode::from(*code).retry_after();
            assert_eq!(seconds.is_some(), code.is_retryable(), "{code}");
        }
    }
}
