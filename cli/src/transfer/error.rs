//! Why a transfer does not end well.

use std::io;
use std::path::PathBuf;

use analysis_storage::Error;

use super::report;
use crate::exit::{FAILED, FOUND, Failure};
use crate::signals::Interrupted;

/// Why a transfer does not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransferError {
    #[error(transparent)]
    Storage(#[from] Error),
    #[error("stopped by a failure; the same command goes on where it was")]
    Failed(#[source] Error),
    #[error("interrupted; the same command goes on where it was")]
    Interrupted,
    #[error("cannot {what} {}", path.display())]
    File { what: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "cannot use a temporary file; set TMPDIR to a directory with space for some hundred bytes per analysis"
    )]
    Temporary(#[source] io::Error),
    #[error("cannot report")]
    Output(#[from] io::Error),
    #[error("{0}")]
    Unusable(String),
    #[error("{}; see above", report::counted(*.0))]
    Found(u64),
}

impl TransferError {
    /// Whether it has ended what was under way, so that something may have been done before it.
    pub(super) fn is_on_the_way(&self) -> bool {
        match self {
            Self::Failed(_) | Self::Interrupted | Self::File { .. } | Self::Temporary(_) => true,
            Self::Storage(_) | Self::Output(_) | Self::Unusable(_) | Self::Found(_) => false,
        }
    }
}

impl From<Interrupted> for TransferError {
    fn from(Interrupted: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl Failure for TransferError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Found(_) => FOUND,
            Self::Storage(_)
            | Self::Failed(_)
            | Self::Interrupted
            | Self::File { .. }
            | Self::Temporary(_)
            | Self::Output(_)
            | Self::Unusable(_) => FAILED,
        }
    }
}
