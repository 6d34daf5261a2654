//! `design-analysis check`: the index, id records and totals compared with the documents; nothing is written.

use std::time::Duration;

use analysis_storage::repair::Mode;

use crate::maintenance::{self, MaintenanceError, MonthOptions};

/// What to go through, and what not to judge.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    months: MonthOptions,
    /// Do not judge what was saved in the last MINUTES: it may still be in flight
    #[arg(long, value_name = "MINUTES", default_value_t = 15)]
    grace: u32,
}

/// Reports what is wrong, until the end, a signal or a failure.
pub(crate) async fn run(Options { months, grace }: Options) -> Result<(), MaintenanceError> {
    let mode = Mode::Check { grace: Duration::from_mins(grace.into()) };
    maintenance::run(mode, format!("design-analysis check --grace {grace}"), &months).await
}
