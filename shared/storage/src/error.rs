//! The one error type of the crate. Each kind says what the caller should do; the HTTP status of each is
//! decided in one place, the `problem` module of `analysis-http`.

use std::error::Error as StdError;

/// A private cause, kept for the log and never shown to API callers.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// The result of every storage operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The id breaks a rule of [`AnalysisId`](crate::AnalysisId). Send another id.
    #[error("{0}")]
    InvalidId(String),
    /// The body is not JSON text. Mend the document; the message names line and column.
    #[error("{0}")]
    MalformedDocument(String),
    /// The body is JSON, but not an analysis we can index. Mend the named field.
    #[error("{0}")]
    InvalidDocument(String),
    /// The document is larger than this installation takes.
    #[error("the document is larger than the limit of {limit} bytes (MAX_DOCUMENT_BYTES)")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// A query parameter has no usable value.
    #[error("query parameter `{parameter}`: {reason}")]
    InvalidQuery {
        /// The parameter as it is spelt in the URL.
        parameter: &'static str,
        /// What is wrong with it and what to send.
        reason: String,
    },
    /// Nothing is stored under that name.
    #[error("there is no {0}")]
    NotFound(String),
    /// The condition the caller set (`If-Match`, `If-None-Match`) does not hold. Load again and decide.
    #[error("{0}")]
    PreconditionFailed(String),
    /// A save of this id is running right now. Try again shortly.
    #[error("a save of analysis `{0}` is still in flight; try again in a few seconds")]
    SaveInFlight(String),
    /// The document lies in an archive storage class and must be restored before it can be read.
    #[error("{0} is archived; restore it before reading it")]
    Archived(String),
    /// The configured bucket cannot do this at all.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The bucket refused a request for the moment (throttled, in conflict, never sent): it had no effect. Try again
    /// later.
    #[error("storage is unavailable: {operation}")]
    Refused {
        /// What was attempted.
        operation: String,
        /// Why it failed.
        #[source]
        source: Cause,
    },
    /// There is no answer, or none that tells: the request may or may not have taken effect. Try again later.
    #[error("storage is unavailable: {operation}")]
    NoAnswer {
        /// What was attempted.
        operation: String,
        /// Why it failed.
        #[source]
        source: Cause,
    },
    /// The configuration, credentials or permissions are wrong. An operator has to act; the message says how.
    #[error("{advice}")]
    Misconfigured {
        /// One line that says what to set.
        advice: String,
        /// Why it failed, where there is a cause beneath.
        #[source]
        source: Option<Cause>,
    },
    /// Something stored under our keys is not what this crate writes.
    #[error("object `{key}` is not usable: {reason}")]
    Corrupt {
        /// The object's key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    pub(crate) fn misconfigured(advice: impl Into<String>) -> Self {
        Self::Misconfigured { advice: advice.into(), source: None }
    }

    /// A request that had no effect.
    pub(crate) fn refused(operation: impl Into<String>, source: impl Into<Cause>) -> Self {
        Self::Refused { operation: operation.into(), source: source.into() }
    }

    /// A request that may have had its effect.
    pub(crate) fn no_answer(operation: impl Into<String>, source: impl Into<Cause>) -> Self {
        Self::NoAnswer { operation: operation.into(), source: source.into() }
    }

    /// Whether it fails for the moment, so that trying again later may help.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::NoAnswer { .. })
    }

    /// The same failure of an operation that has had part of its effect by now.
    pub(crate) fn half_done(self) -> Self {
        match self {
            Self::Refused { operation, source } => Self::NoAnswer { operation, source },
            other => other,
        }
    }

    pub(crate) fn query(parameter: &'static str, reason: impl Into<String>) -> Self {
        Self::InvalidQuery { parameter, reason: reason.into() }
    }

    pub(crate) fn corrupt(key: &impl ToString, reason: impl Into<String>) -> Self {
        Self::Corrupt { key: key.to_string(), reason: reason.into() }
    }
}
