//! What a bucket may answer instead of doing what it was asked.

use std::error::Error as _;
use std::iter::successors;

use super::Key;
use crate::error::Cause;

/// The result of every request to a bucket.
pub type Result<T, E = BucketError> = std::result::Result<T, E>;

/// Why a request to a bucket did not succeed. The protocol above decides what that means to its callers.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// The request's condition does not hold for the object under this key; it had no effect.
    #[error("the condition on `{0}` does not hold")]
    PreconditionFailed(String),
    /// The object under this key must be restored from an archive before it can be read.
    #[error("{0} is archived; restore it before reading it")]
    Archived(String),
    /// The object under this key has none of the bytes that were asked for.
    #[error("{0} has none of the bytes that were asked for")]
    RangeNotSatisfiable(String),
    /// This bucket cannot do that at all.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The request was refused for the moment (throttled, in conflict, never sent): it had no effect.
    #[error("storage is unavailable: {operation}")]
    Refused {
        /// What was attempted.
        operation: String,
        /// Why it failed.
        #[source]
        source: Cause,
    },
    /// There is no answer, or none that tells: the request may have taken effect, or may do so later.
    #[error("storage is unavailable: {operation}")]
    NoAnswer {
        /// What was attempted.
        operation: String,
        /// Why it failed.
        #[source]
        source: Cause,
    },
    /// The configuration, credentials or permissions are wrong. The message says what to set.
    #[error("{advice}")]
    Misconfigured {
        /// One line that says what to set.
        advice: String,
        /// Why it failed, where there is a cause beneath.
        #[source]
        source: Option<Cause>,
    },
    /// There is no room left for what was to be written. The message says what to do.
    #[error("{advice}")]
    StorageFull {
        /// One line that says what to do.
        advice: String,
        /// Why it failed.
        #[source]
        source: Cause,
    },
    /// The object is larger than any that is read; nothing of it was.
    #[error("object `{key}` has {size} bytes, more than the {limit} that are read")]
    TooLarge {
        /// The key.
        key: String,
        /// Its size, in bytes.
        size: u64,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// The content does not fit into what is left of the memory for contents; nothing of it was read.
    #[error("no memory is left for the {0} bytes of the document")]
    NoRoom(u64),
    /// This bucket can hold no object under such a key.
    #[error("object `{key}` is not usable: {reason}")]
    BadKey {
        /// The key.
        key: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl BucketError {
    /// A request that had no effect.
    pub(crate) fn refused(operation: impl Into<String>, source: impl Into<Cause>) -> Self {
        Self::Refused { operation: operation.into(), source: source.into() }
    }

    /// A request that may have had its effect.
    pub(crate) fn no_answer(operation: impl Into<String>, source: impl Into<Cause>) -> Self {
        Self::NoAnswer { operation: operation.into(), source: source.into() }
    }

    /// Refuses an object that is larger than what is read at most.
    pub(crate) fn unless_too_large(key: &Key, size: u64, limit: u64) -> Result<()> {
        if size > limit { Err(Self::TooLarge { key: key.to_string(), size, limit }) } else { Ok(()) }
    }

    pub(crate) fn bad_key(key: &Key, reason: &'static str) -> Self {
        Self::BadKey { key: key.to_string(), reason }
    }

    pub(crate) fn misconfigured(advice: impl Into<String>) -> Self {
        Self::Misconfigured { advice: advice.into(), source: None }
    }

    /// The error, and what lies deepest beneath it.
    #[must_use]
    pub fn with_cause(&self) -> String {
        let deepest = successors(self.source(), |&cause| cause.source()).last();
        deepest.map_or_else(|| self.to_string(), |cause| format!("{self}: {cause}"))
    }

    /// Whether this identity may not do it: the store has it forbidden by 401 or 403.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        match self {
            Self::Misconfigured { source: Some(cause), .. } => super::s3::is_denial(cause),
            _ => false,
        }
    }

    /// Whether it fails for the moment, so that the same request may succeed later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::NoAnswer { .. })
    }
}
