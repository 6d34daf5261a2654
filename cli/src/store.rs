//! The store: the one place where commands find out which one it is, and open it.

mod tried_out;

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use analysis_http::telemetry::{self, LogConfig};
use analysis_storage::config::{Environment, Storage, StoreName};
use analysis_storage::{Access, Analyses, AnalysisId, Error, StorageConfig};
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::command::CommandError;
use crate::exit::FAILED;
use crate::progress::Progress;
use crate::signals::Signals;
pub(crate) use tried_out::{before_serving, once_it_answers};

/// What `--store` says: an option of all commands, and so of the process.
static NAMED: OnceLock<StoreName> = OnceLock::new();

/// Chooses the store that `--store` names, before any is opened.
pub(crate) fn choose(name: Option<StoreName>) {
    if let Some(name) = name {
        // `main` does so once.
        drop(NAMED.set(name));
    }
}

/// The store that `--store` names.
pub(crate) fn named() -> Option<&'static StoreName> {
    NAMED.get()
}

/// The option that names the same store again, for a command that is printed to be run.
pub(crate) fn option() -> String {
    let quoted = |store: &StoreName| format!(" --store '{}'", store.to_string().replace('\'', r"'\''"));
    named().map(quoted).unwrap_or_default()
}

/// The settings of the store: that of `--store`, else that of the environment.
pub(crate) fn config() -> Result<StorageConfig, Error> {
    StorageConfig::of_store(&Environment::of_process(), named())
}

/// What is to be said if a bucket is set, but the store is a directory that nobody has asked for.
pub(crate) fn doubt(config: &StorageConfig) -> Option<String> {
    let environment = Environment::of_process();
    let is_set = |name: &str| environment.lookup(name).is_some();
    let is_doubtful = matches!(config.storage, Storage::Local { .. })
        && named().is_none()
        && is_set("S3_BUCKET_NAME")
        && !is_set("STORAGE_TYPE");
    is_doubtful.then(|| {
        format!(
            "S3_BUCKET_NAME is set, but STORAGE_TYPE=s3 is not: the store is {}; STORAGE_TYPE=local says that it is meant",
            config.storage
        )
    })
}

/// The configured store, and its settings.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) config: StorageConfig,
    pub(crate) analyses: Analyses,
    /// How far the command is.
    pub(crate) progress: Progress,
    writes: Arc<RwLock<()>>,
}

impl Store {
    /// Opens the store for this.
    pub(crate) async fn open(access: Access) -> Result<Self, Error> {
        telemetry::init_quietly(&LogConfig::from_env()?)?;
        let config = config()?;
        if let Some(doubt) = doubt(&config) {
            // Where nobody can read it, the work goes on.
            drop(writeln!(io::stderr(), "warning: {doubt}"));
        }
        let analyses = Analyses::open_for(access, &config).await?;
        let store = Self { config, analyses, progress: Progress::new(), writes: Arc::default() };
        if matches!(access, Access::Write | Access::WriteExisting) {
            store.try_out().await?;
        }
        Ok(store)
    }

    /// Tries out a store that calls itself S3, for what writes to it; [`open`](Self::open) does so for what it is opened
    /// to be written to.
    pub(crate) async fn try_out(&self) -> Result<(), Error> {
        tried_out::before_a_write(&self.analyses, &self.config).await
    }

    /// Opens the store for a command that can be interrupted. From here on SIGINT and SIGTERM end the process with
    /// [`FAILED`]: at once, or when the write under way has ended; a second signal waits for nothing.
    pub(crate) async fn open_interruptible(access: Access) -> Result<Self, CommandError> {
        let (writes, progress) = (Arc::default(), Progress::new());
        end_at_a_signal(Arc::clone(&writes), progress.clone()).map_err(CommandError::Signals)?;
        Ok(Self { progress, writes, ..Self::open(access).await? })
    }

    /// Its name in full.
    pub(crate) fn name(&self) -> String {
        self.config.storage.to_string()
    }

    /// Runs work of unknown extent, and shows that it goes on if it takes a while.
    pub(crate) async fn showing<T>(&self, what: &'static str, work: impl Future<Output = T>) -> T {
        self.progress.begin(what, None);
        let result = work.await;
        self.progress.clear();
        result
    }

    /// Holds signals off: a write that is cut off between its requests leaves work for `repair`. Any number of writes
    /// may be under way; none begins behind a signal.
    pub(crate) async fn begin_write(&self) -> RwLockReadGuard<'_, ()> {
        self.writes.read().await
    }

    /// An id of the command line.
    pub(crate) fn id(&self, text: &str) -> Result<AnalysisId, CommandError> {
        AnalysisId::parse(text, self.analyses.clock().now()).map_err(|e| CommandError::Usage(e.to_string()))
    }
}

fn end_at_a_signal(writes: Arc<RwLock<()>>, progress: Progress) -> io::Result<()> {
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        signals.received().await;
        tokio::select! { _ = writes.write() => {}, () = signals.received() => {} }
        progress.clear();
        let done = progress.count().map(|done| format!(" after {done}")).unwrap_or_default();
        eprintln!("error: interrupted{done}");
        std::process::exit(FAILED.into());
    });
    Ok(())
}
