//! What the everyday commands share: the storage they work on, and how they fail.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use analysis_http::telemetry;
use analysis_storage::{Analyses, AnalysisId, Config, Error};
use tokio::sync::{Mutex, MutexGuard};

use crate::exit::{FAILED, FOUND, Failure};
use crate::signals::Signals;

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
            Self::Storage(error) if is_refusal(error) => FOUND,
            Self::Refused(_) => FOUND,
            Self::Storage(_) | Self::Usage(_) | Self::File { .. } | Self::Output(_) | Self::Signals(_) => {
                FAILED
            }
        }
    }
}

/// Whether an error concerns one document only, so that the command may go on with others.
pub(crate) fn is_refusal(error: &Error) -> bool {
    match error {
        Error::InvalidId(_)
        | Error::MalformedDocument(_)
        | Error::InvalidDocument(_)
        | Error::TooLarge { .. }
        | Error::NotFound(_)
        | Error::PreconditionFailed(_)
        | Error::SaveInFlight(_)
        | Error::Archived(_)
        | Error::Corrupt { .. } => true,
        Error::InvalidQuery { .. }
        | Error::Unsupported(_)
        | Error::Refused { .. }
        | Error::NoAnswer { .. }
        | Error::Misconfigured { .. } => false,
    }
}

/// For commands that only print: a reader that has seen enough, such as `head`, is no failure.
pub(crate) fn unless_reader_left(result: Result<(), CommandError>) -> Result<(), CommandError> {
    match result {
        Err(CommandError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// The configured storage.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) config: Config,
    pub(crate) analyses: Analyses,
    writes: Arc<Mutex<()>>,
}

impl Store {
    /// Opens what the environment configures. From here on SIGINT and SIGTERM end the process with
    /// [`FAILED`]: at once, or when the write under way has ended; a second signal waits for nothing.
    pub(crate) async fn open() -> Result<Self, CommandError> {
        let config = Config::from_env()?;
        telemetry::init_quietly(&config)?;
        let writes = Arc::default();
        end_at_a_signal(Arc::clone(&writes)).map_err(CommandError::Signals)?;
        Ok(Self { analyses: config.open().await?, config, writes })
    }

    /// Holds signals off: a write that is cut off between its requests leaves work for `rebuild`.
    pub(crate) async fn begin_write(&self) -> MutexGuard<'_, ()> {
        self.writes.lock().await
    }

    /// An id of the command line.
    pub(crate) fn id(&self, text: &str) -> Result<AnalysisId, CommandError> {
        AnalysisId::parse(text, self.analyses.clock().now()).map_err(|e| CommandError::Usage(e.to_string()))
    }
}

fn end_at_a_signal(writes: Arc<Mutex<()>>) -> io::Result<()> {
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        signals.received().await;
        tokio::select! { _ = writes.lock() => {}, () = signals.received() => {} }
        eprintln!("error: interrupted");
        std::process::exit(FAILED.into());
    });
    Ok(())
}
