//! The configured store: the one place where commands open it.

use std::io;
use std::sync::Arc;

use analysis_http::telemetry::{self, LogConfig};
use analysis_storage::{Analyses, AnalysisId, Error, StorageConfig};
use tokio::sync::{Mutex, MutexGuard};

use crate::command::CommandError;
use crate::exit::FAILED;
use crate::signals::Signals;

/// The configured store, and its settings.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) config: StorageConfig,
    pub(crate) analyses: Analyses,
    writes: Arc<Mutex<()>>,
}

impl Store {
    /// Opens what the environment configures.
    pub(crate) async fn open() -> Result<Self, Error> {
        let config = configure()?;
        Ok(Self { analyses: Analyses::open(&config).await?, config, writes: Arc::default() })
    }

    /// Opens what the environment configures, where nothing is to be written: a store that is missing is not made.
    pub(crate) async fn open_to_read() -> Result<Self, Error> {
        let config = configure()?;
        Ok(Self { analyses: Analyses::open_to_read(&config).await, config, writes: Arc::default() })
    }

    /// Opens what the environment configures, for a command that can be interrupted. From here on SIGINT and SIGTERM
    /// end the process with [`FAILED`]: at once, or when the write under way has ended; a second signal waits for
    /// nothing.
    pub(crate) async fn open_interruptible() -> Result<Self, CommandError> {
        let writes = Arc::default();
        end_at_a_signal(Arc::clone(&writes)).map_err(CommandError::Signals)?;
        Ok(Self { writes, ..Self::open().await? })
    }

    /// Holds signals off: a write that is cut off between its requests leaves work for `repair`.
    pub(crate) async fn begin_write(&self) -> MutexGuard<'_, ()> {
        self.writes.lock().await
    }

    /// An id of the command line.
    pub(crate) fn id(&self, text: &str) -> Result<AnalysisId, CommandError> {
        AnalysisId::parse(text, self.analyses.clock().now()).map_err(|e| CommandError::Usage(e.to_string()))
    }
}

/// The settings of the store, once the log has begun.
fn configure() -> Result<StorageConfig, Error> {
    telemetry::init_quietly(&LogConfig::from_env()?)?;
    StorageConfig::from_env()
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
