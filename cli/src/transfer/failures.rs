//! Failures to read one document: of the document, or of the store.

use std::error::Error as _;
use std::sync::atomic::{AtomicU32, Ordering};

use analysis_storage::Error;

use super::{Problem, TransferError, TransferKind};

/// How many documents in a row cannot be read when it is the store that fails.
const STORE_FAILS: u32 = 8;

/// Tells the one from the other.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    in_a_row: AtomicU32,
}

impl Failures {
    /// The store has answered.
    pub(crate) fn none(&self) {
        self.in_a_row.store(0, Ordering::Relaxed);
    }

    /// The problem that an error is, unless it has become one of the store, which ends the transfer.
    pub(crate) fn problem(&self, error: Error, subject: &str) -> Result<Problem, TransferError> {
        match Problem::from_error(error, subject) {
            Err(TransferError::Failed(error))
                if self.in_a_row.fetch_add(1, Ordering::Relaxed) + 1 < STORE_FAILS =>
            {
                let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                Ok(Problem::new(TransferKind::Unreadable, subject, format!("{error}{cause}")))
            }
            other => other,
        }
    }
}
