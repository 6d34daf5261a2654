//! What `check` and `repair` share: the walk over the months of a store, and how it ends.

mod contents;
mod report;
mod walk;

use std::io::{self, Write};
use std::path::PathBuf;

use analysis_storage::repair::Mode;
use analysis_storage::{Access, Error, Month};

use crate::exit::{FAILED, FOUND, Failure};
use crate::repair::Healer;
use crate::signals::Signals;
use crate::store::{self, Store};
use crate::transfer::TransferError;
use contents::Reader;
use report::Report;
use walk::Walk;

/// Which months to go through.
#[derive(Debug, clap::Args)]
pub(crate) struct MonthOptions {
    /// Only analyses created in this month (UTC)
    #[arg(long, value_name = "YYYY-MM", conflicts_with = "start_after", help_heading = MONTHS)]
    month: Option<String>,
    /// Go on behind this month, which a run that ended early has printed
    #[arg(long, value_name = "YYYY-MM", help_heading = MONTHS)]
    start_after: Option<String>,
    /// Print one JSON object a line: what is found, and at last the totals
    #[arg(long, help_heading = "How to report")]
    json: bool,
}

const MONTHS: &str = "Which months";

/// What to do about what is found.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) mode: Mode,
    /// What goes on with it if it ends early, but for the months.
    pub(crate) command: String,
    /// Whether people know that very many documents are gone.
    pub(crate) knows_many_lost: bool,
    /// How the documents are read, if they are.
    pub(crate) reading: Option<Reading>,
    /// The backup that documents are brought back from, if they are.
    pub(crate) backup: Option<PathBuf>,
}

impl Job {
    /// The command that goes on behind the months that are done.
    fn resume(&self, month: Option<Month>, done: Option<Month>) -> String {
        let month = month.map(|month| format!(" --month {month}")).unwrap_or_default();
        let start = done.map(|month| format!(" --start-after {month}")).unwrap_or_default();
        format!("{}{month}{start}", self.command)
    }
}

/// How documents are read.
#[derive(Debug)]
pub(crate) struct Reading {
    /// In bytes a second.
    pub(crate) rate: Option<u64>,
}

/// Why a check or a repair ends with an error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MaintenanceError {
    #[error(transparent)]
    Storage(#[from] Error),
    #[error(transparent)]
    Backup(#[from] TransferError),
    #[error("interrupted; go on with: {resume}")]
    Interrupted { resume: String },
    #[error("stopped by a failure; go on with: {resume}")]
    Failed { resume: String, source: Error },
    #[error("damaged: {0}; `design-analysis repair` repairs what has no advice above")]
    Damaged(String),
    #[error("not everything could be repaired: {0}; see the advice above")]
    Unrepaired(String),
    #[error(
        "{lost} of {entries} documents are LOST: is a volume or a part of the bucket missing? Nothing more was looked \
         at. If they are gone for good, `design-analysis repair --from BACKUP --yes` brings them back, and \
         `design-analysis repair --forget-lost --yes` gives them up"
    )]
    ManyLost { lost: u64, entries: u64 },
    #[error("cannot report")]
    Output(#[from] io::Error),
}

impl Failure for MaintenanceError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Damaged(_) | Self::Unrepaired(_) | Self::ManyLost { .. } => FOUND,
            Self::Storage(_)
            | Self::Backup(_)
            | Self::Interrupted { .. }
            | Self::Failed { .. }
            | Self::Output(_) => FAILED,
        }
    }
}

/// Goes through the store page by page, until the end, a signal or a failure.
pub(crate) async fn run(job: Job, months: &MonthOptions) -> Result<(), MaintenanceError> {
    let month = months.month.as_deref().map(Month::parse).transpose()?;
    let done = months.start_after.as_deref().map(Month::parse).transpose()?;
    let access = if job.mode.is_repair() { Access::WriteExisting } else { Access::Existing };
    let job = Job { command: job.command + &store::option(), ..job };
    let mut signals = Signals::new()?;
    let store = tokio::select! {
        store = Store::open(access) => store?,
        () = signals.received() => {
            return Err(MaintenanceError::Interrupted { resume: job.resume(month, done) });
        }
    };
    if !months.json {
        writeln!(io::stdout(), "store: {}", store.name())?;
    }
    let healer = job.backup.as_ref().map(|backup| Healer::open(backup, &store.config)).transpose()?;
    let progress = store.progress;
    let report = Report::new(months.json, job.reading.is_some());
    let limit = store.config.max_document_bytes;
    let reader = job.reading.as_ref().map(|reading| Reader::new(limit, reading.rate));
    let mut walk = Walk { job, reader, healer, month, done, signals, progress, report };
    let end = walk.everything(&store.analyses).await;
    walk.progress.clear();
    walk.report.finish(walk.job.mode, end)
}
