//! How the everyday commands fail.

use std::io;
use std::path::PathBuf;

use analysis_storage::Error;

use crate::exit::{FAILED, FOUND, Failure};

/// Why a command did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Storage(#[from] Error),
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Refused(String),
    #[error("cannot read or write {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("cannot print")]
    Output(#[source] io::Error),
    #[error("cannot watch for signals")]
    Signals(#[source] io::Error),
}

impl Failure for CommandError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Storage(error) if error.code().is_of_one_document() => FOUND,
            Self::Refused(_) => FOUND,
            Self::Storage(_) | Self::Usage(_) | Self::File { .. } | Self::Output(_) | Self::Signals(_) => {
                FAILED
            }
        }
    }
}

/// For commands that only print: a reader that has seen enough, such as `head`, is no failure.
pub(crate) fn unless_reader_left(result: Result<(), CommandError>) -> Result<(), CommandError> {
    match result {
        Err(CommandError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
