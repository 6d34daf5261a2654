//! Why operations fail. Each kind of [`Error`] says what the caller should do, and [`ErrorCode`] is its word; the HTTP
//! status of each word is decided in one place, `problem/status.rs` of `analysis-http`. What a bucket answers is a
//! [`BucketError`](crate::bucket::BucketError).

mod code;

use std::error::Error as StdError;

pub use self::code::ErrorCode;
use crate::bucket::BucketError;
use crate::id::AnalysisId;

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
    /// An argument of an operation has no usable value. Send another.
    #[error("{reason}")]
    InvalidArgument {
        /// The argument's name.
        argument: &'static str,
        /// What is wrong with it and what to send.
        reason: String,
    },
    /// There is no such analysis, or no such version of it.
    #[error("there is no {}", what(id, version.as_deref()))]
    NotFound {
        /// The id that was asked for.
        id: AnalysisId,
        /// The version that was asked for, if not the current one.
        version: Option<String>,
    },
    /// The condition the caller set (`If-Match`, `If-None-Match`) does not hold. Load again and decide.
    #[error("{0}")]
    PreconditionFailed(String),
    /// A save of this id is running right now. Try again shortly.
    #[error("a save of analysis `{0}` is still in flight; try again in a few seconds")]
    SaveInFlight(String),
    /// Others were faster each time this call tried, until its time was up: it had no effect. Try again.
    #[error("{operation} was outrun by others again and again; try again")]
    Contended {
        /// What was attempted, such as "the save of analysis `study-1`".
        operation: String,
    },
    /// The document lies in an archive storage class and must be restored before it can be read.
    #[error("{0} is archived; restore it before reading it")]
    Archived(String),
    /// The document has none of the bytes that were asked for. Ask how long it is.
    #[error("the document has none of the bytes of that range")]
    RangeNotSatisfiable,
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
    /// There is no memory left for a document of this size. Nothing was done.
    #[error("no memory is left for the {size} bytes of the document (MEMORY_BUDGET)")]
    Busy {
        /// The size in bytes.
        size: u64,
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
    /// There is no room left where analyses are kept. Make some, or have it made; the message says where.
    #[error("{advice}")]
    StorageFull {
        /// One line that says what to do.
        advice: String,
        /// Why it failed.
        #[source]
        source: Cause,
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

    /// This failure of an operation that has had part of its effect by now.
    pub(crate) fn half_done(self) -> Self {
        match self {
            Self::Refused { operation, source } => Self::NoAnswer { operation, source },
            contended @ Self::Contended { .. } => {
                Self::NoAnswer { operation: "the rest of a change".to_owned(), source: Box::new(contended) }
            }
            other => other,
        }
    }

    /// An operation on an analysis in which others were faster each time.
    pub(crate) fn contended(operation: &str, id: &AnalysisId) -> Self {
        Self::Contended { operation: format!("the {operation} of analysis `{id}`") }
    }

    pub(crate) fn query(parameter: &'static str, reason: impl Into<String>) -> Self {
        Self::InvalidQuery { parameter, reason: reason.into() }
    }

    pub(crate) fn corrupt(key: &impl ToString, reason: impl Into<String>) -> Self {
        Self::Corrupt { key: key.to_string(), reason: reason.into() }
    }
}

/// What was asked for, in words.
fn what(id: &AnalysisId, version: Option<&str>) -> String {
    match version {
        Some(version) => format!("version {version:?} of analysis `{id}`"),
        None => format!("analysis `{id}`"),
    }
}

impl From<BucketError> for Error {
    fn from(error: BucketError) -> Self {
        match error {
            BucketError::PreconditionFailed(_) => Self::PreconditionFailed(error.to_string()),
            BucketError::Archived(key) => Self::Archived(key),
            BucketError::RangeNotSatisfiable(_) => Self::RangeNotSatisfiable,
            BucketError::Unsupported(what) => Self::Unsupported(what),
            BucketError::Refused { operation, source } => Self::Refused { operation, source },
            BucketError::NoAnswer { operation, source } => Self::NoAnswer { operation, source },
            BucketError::Misconfigured { advice, source } => Self::Misconfigured { advice, source },
            BucketError::StorageFull { advice, source } => Self::StorageFull { advice, source },
            BucketError::TooLarge { key, size, limit } => Self::Corrupt {
                key,
                reason: format!(
                    "it has {size} bytes, and no document has more than {limit}; raise MAX_DOCUMENT_BYTES if it is one"
                ),
            },
            BucketError::NoRoom(size) => Self::Busy { size },
            BucketError::BadKey { key, reason } => Self::Corrupt { key, reason: reason.to_owned() },
        }
    }
}
