//! `design-analysis repair`: the index, id records and totals derived anew from the documents.

use analysis_storage::repair::Mode;

use crate::maintenance::{self, MaintenanceError, MonthOptions};

/// What to go through.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    months: MonthOptions,
}

/// Repairs what can be repaired, until the end, a signal or a failure.
pub(crate) async fn run(Options { months }: Options) -> Result<(), MaintenanceError> {
    maintenance::run(Mode::Repair, "design-analysis repair".to_owned(), &months).await
}
