//! `design-analysis repair`: the index, id records and totals derived anew from the documents, and documents that are
//! damaged or gone brought back from a backup.

mod copies;
mod healing;

use std::path::PathBuf;

use analysis_storage::repair::Mode;

use crate::maintenance::{self, Job, MaintenanceError, MonthOptions, Reading};

pub(crate) use healing::Healer;

/// What to go through, what with, and what people have decided.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    months: MonthOptions,
    #[command(flatten)]
    backup: BackupOptions,
    /// Take documents into the index that another program has put in the place of others, and list them
    #[arg(long)]
    adopt_changed: bool,
    /// Give up documents that are gone: remove their entries from the index
    #[arg(long, group = "gone")]
    forget_lost: bool,
    /// With --from or --forget-lost, even if so many are gone that a volume may be missing
    #[arg(long, requires = "gone")]
    yes: bool,
}

/// Where documents are brought back from.
#[derive(Debug, clap::Args)]
struct BackupOptions {
    /// Bring documents that are damaged or gone back from this backup, if it has the very bytes that were saved
    #[arg(long, value_name = "DIR", group = "gone")]
    from: Option<PathBuf>,
    /// With --from, read every document to find damage that no listing shows
    #[arg(long, requires = "from")]
    read_data: bool,
}

/// Repairs what can be repaired, until the end, a signal or a failure.
pub(crate) async fn run(options: Options) -> Result<(), MaintenanceError> {
    let Options { months, backup: BackupOptions { from, read_data }, adopt_changed, forget_lost, yes } =
        options;
    let flags = [
        (read_data, " --read-data"),
        (adopt_changed, " --adopt-changed"),
        (forget_lost, " --forget-lost"),
        (yes, " --yes"),
    ];
    let flags: String = flags.into_iter().filter_map(|(is_set, flag)| is_set.then_some(flag)).collect();
    let quoted = |from: &PathBuf| format!(" --from '{}'", from.display().to_string().replace('\'', r"'\''"));
    let backup = from.as_ref().map(quoted).unwrap_or_default();
    let mode = Mode::Repair { adopt_changed, forget_lost };
    let command = format!("design-analysis repair{backup}{flags}");
    let reading = read_data.then_some(Reading { rate: None });
    maintenance::run(Job { mode, command, knows_many_lost: yes, reading, backup: from }, &months).await
}
