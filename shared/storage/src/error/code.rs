//! The kinds of error as words, alike in HTTP answers, in reports of transfers and behind exit codes.

use serde::{Serialize, Serializer};

use super::Error;

crate::words! {
    /// The kind of an [`Error`]: a stable word that programs may rely on.
    pub enum ErrorCode {
        /// The id breaks a rule.
        InvalidId = "invalid_id",
        /// The body is not JSON.
        MalformedDocument = "malformed_document",
        /// The body is JSON, but cannot be indexed.
        InvalidDocument = "invalid_document",
        /// The document is larger than this installation takes.
        DocumentTooLarge = "document_too_large",
        /// A query parameter has no usable value.
        InvalidQuery = "invalid_query",
        /// An argument of an operation or a command has no usable value.
        InvalidArgument = "invalid_argument",
        /// There is no such analysis, or no such version of it.
        NotFound = "not_found",
        /// The caller's condition does not hold.
        PreconditionFailed = "precondition_failed",
        /// The analysis is just being saved for the first time.
        SaveInFlight = "save_in_flight",
        /// Others changed the same thing each time this call tried to.
        Contended = "contended",
        /// So much is being done that there is no room for this.
        Busy = "busy",
        /// The document lies in an archive storage class.
        Archived = "archived",
        /// The document has none of the bytes that were asked for.
        RangeNotSatisfiable = "range_not_satisfiable",
        /// The configured storage cannot do this at all.
        NotSupported = "not_supported",
        /// The storage does not answer, or refuses for the moment.
        StorageUnavailable = "storage_unavailable",
        /// There is no room left where analyses are kept.
        StorageFull = "storage_full",
        /// Credentials, permissions or settings are wrong.
        Misconfigured = "misconfigured",
        /// A stored object is not what this crate writes.
        Corrupt = "corrupt",
    }
}

impl ErrorCode {
    /// Whether the same call may succeed if it is made again later.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::SaveInFlight | Self::Contended | Self::Busy | Self::StorageUnavailable => true,
            Self::InvalidId
            | Self::MalformedDocument
            | Self::InvalidDocument
            | Self::DocumentTooLarge
            | Self::InvalidQuery
            | Self::InvalidArgument
            | Self::NotFound
            | Self::PreconditionFailed
            | Self::Archived
            | Self::RangeNotSatisfiable
            | Self::NotSupported
            | Self::StorageFull
            | Self::Misconfigured
            | Self::Corrupt => false,
        }
    }

    /// Whether the word alone says that no analysis was changed. Of an error at hand,
    /// [`Error::had_no_effect`] knows more.
    #[must_use]
    pub const fn had_no_effect(self) -> bool {
        match self {
            Self::InvalidId
            | Self::MalformedDocument
            | Self::InvalidDocument
            | Self::DocumentTooLarge
            | Self::InvalidQuery
            | Self::InvalidArgument
            | Self::NotFound
            | Self::PreconditionFailed
            | Self::SaveInFlight
            | Self::Contended
            | Self::Busy
            | Self::Archived
            | Self::RangeNotSatisfiable
            | Self::NotSupported => true,
            // Any of the requests of a save may fail so, its last one included.
            Self::StorageUnavailable | Self::StorageFull | Self::Misconfigured | Self::Corrupt => false,
        }
    }

    /// Whether it concerns one document only, so that work on others may go on.
    #[must_use]
    pub const fn is_of_one_document(self) -> bool {
        match self {
            Self::InvalidId
            | Self::MalformedDocument
            | Self::InvalidDocument
            | Self::DocumentTooLarge
            | Self::NotFound
            | Self::PreconditionFailed
            | Self::SaveInFlight
            | Self::Contended
            | Self::Archived
            | Self::Corrupt => true,
            Self::InvalidQuery
            | Self::InvalidArgument
            | Self::Busy
            | Self::RangeNotSatisfiable
            | Self::NotSupported
            | Self::StorageUnavailable
            | Self::StorageFull
            | Self::Misconfigured => false,
        }
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Error {
    /// The kind of the error, as a stable word.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidId(_) => ErrorCode::InvalidId,
            Self::MalformedDocument(_) => ErrorCode::MalformedDocument,
            Self::InvalidDocument(_) => ErrorCode::InvalidDocument,
            Self::TooLarge { .. } => ErrorCode::DocumentTooLarge,
            Self::InvalidQuery { .. } => ErrorCode::InvalidQuery,
            Self::InvalidArgument { .. } => ErrorCode::InvalidArgument,
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::PreconditionFailed(_) => ErrorCode::PreconditionFailed,
            Self::SaveInFlight(_) => ErrorCode::SaveInFlight,
            Self::Contended { .. } => ErrorCode::Contended,
            Self::Busy { .. } => ErrorCode::Busy,
            Self::Archived(_) => ErrorCode::Archived,
            Self::RangeNotSatisfiable => ErrorCode::RangeNotSatisfiable,
            Self::Unsupported(_) => ErrorCode::NotSupported,
            Self::Refused { .. } | Self::NoAnswer { .. } => ErrorCode::StorageUnavailable,
            Self::StorageFull { .. } => ErrorCode::StorageFull,
            Self::Misconfigured { .. } => ErrorCode::Misconfigured,
            Self::Corrupt { .. } => ErrorCode::Corrupt,
        }
    }

    /// Whether the same call may succeed if it is made again later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        self.code().is_retryable()
    }

    /// Whether it is certain that no analysis was changed. A `false` says that one may have been.
    #[must_use]
    pub const fn had_no_effect(&self) -> bool {
        matches!(self, Self::Refused { .. }) || self.code().had_no_effect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_distinct_and_serialized_as_they_are() {
        let words: std::collections::BTreeSet<&str> =
            ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.to_string());
        }
    }

    #[test]
    fn only_a_refused_request_is_unavailable_storage_that_did_nothing() {
        let refused = || Error::refused("save", "503");
        assert!(refused().had_no_effect() && refused().is_retryable());
        let half_done = refused().half_done();
        assert!(!half_done.had_no_effect() && half_done.is_retryable(), "{half_done:?}");
        assert_eq!(half_done.code(), refused().code());
    }

    #[test]
    fn contention_behind_a_part_of_a_change_may_have_had_an_effect() {
        let contended = Error::Contended { operation: "the save".to_owned() };
        assert!(contended.had_no_effect());
        assert!(!contended.half_done().had_no_effect());
    }
}
