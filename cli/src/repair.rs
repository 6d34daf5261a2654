//! `design-analysis repair`: the index, id records and totals derived anew from the documents.

use analysis_storage::repair::Mode;

use crate::maintenance::{self, Job, MaintenanceError, MonthOptions};

/// What to go through, and what people have decided.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    months: MonthOptions,
    /// Take documents into the index that another program has put in the place of others, and list them
    #[arg(long)]
    adopt_changed: bool,
    /// Give up documents that are gone: remove their entries from the index
    #[arg(long)]
    forget_lost: bool,
    /// With --forget-lost, even if so many are gone that a volume may be missing
    #[arg(long, requires = "forget_lost")]
    yes: bool,
}

/// Repairs what can be repaired, until the end, a signal or a failure.
pub(crate) async fn run(options: Options) -> Result<(), MaintenanceError> {
    let Options { months, adopt_changed, forget_lost, yes } = options;
    let flags = [(adopt_changed, " --adopt-changed"), (forget_lost, " --forget-lost"), (yes, " --yes")];
    let flags: String = flags.into_iter().filter_map(|(is_set, flag)| is_set.then_some(flag)).collect();
    let mode = Mode::Repair { adopt_changed, forget_lost };
    let command = format!("design-analysis repair{flags}");
    maintenance::run(Job { mode, command, forgets_many: yes, reading: None }, &months).await
}
