//! What `check` and `repair` share: the walk over the months of a store, and how it ends.

mod report;
mod walk;

use std::io;

use analysis_storage::repair::Mode;
use analysis_storage::{Error, Month};

use crate::exit::{FAILED, FOUND, Failure};
use crate::progress::Progress;
use crate::signals::Signals;
use crate::store::Store;
use report::Report;
use walk::Walk;

/// Which months to go through.
#[derive(Debug, clap::Args)]
pub(crate) struct MonthOptions {
    /// Only analyses created in this month (UTC)
    #[arg(long, value_name = "YYYY-MM", conflicts_with = "start_after")]
    month: Option<String>,
    /// Go on behind this month, which a run that ended early has printed
    #[arg(long, value_name = "YYYY-MM")]
    start_after: Option<String>,
}

/// Why a check or a repair ends with an error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MaintenanceError {
    #[error(transparent)]
    Storage(#[from] Error),
    #[error("interrupted; go on with: {resume}")]
    Interrupted { resume: String },
    #[error("stopped by a failure; go on with: {resume}")]
    Failed { resume: String, source: Error },
    #[error("damaged: {0}; `design-analysis repair` repairs all but what is misplaced or unreadable")]
    Damaged(String),
    #[error("not everything could be repaired: {0}; see the advice above")]
    Unrepaired(String),
    #[error("cannot report")]
    Output(#[from] io::Error),
}

impl Failure for MaintenanceError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Damaged(_) | Self::Unrepaired(_) => FOUND,
            Self::Storage(_) | Self::Interrupted { .. } | Self::Failed { .. } | Self::Output(_) => FAILED,
        }
    }
}

/// Goes through the store page by page, until the end, a signal or a failure. `command` is what goes on with the work
/// if it ends early, but for the months.
pub(crate) async fn run(mode: Mode, command: String, months: &MonthOptions) -> Result<(), MaintenanceError> {
    let month = months.month.as_deref().map(Month::parse).transpose()?;
    let done = months.start_after.as_deref().map(Month::parse).transpose()?;
    let Store { analyses, .. } = Store::open().await?;
    let (signals, progress, report) = (Signals::new()?, Progress::new(), Report::default());
    let mut walk = Walk { mode, command, month, done, signals, progress, report };
    let end = walk.everything(&analyses).await;
    walk.progress.clear();
    end?;
    walk.report.finish(mode)
}
