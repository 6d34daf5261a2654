//! `design-analysis check`: the index, id records and totals compared with the documents; nothing is written.

use std::time::Duration;

use analysis_storage::repair::Mode;

use crate::human::parse_size;
use crate::maintenance::{self, Job, MaintenanceError, MonthOptions, Reading};

/// What to go through, and what not to judge.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    months: MonthOptions,
    /// Do not judge what was saved in the last MINUTES: it may still be in flight
    #[arg(long, value_name = "MINUTES", default_value_t = 15)]
    grace: u32,
    /// Read every document, and compare its bytes with what was saved
    #[arg(long)]
    read_data: bool,
    /// With --read-data, so many bytes a second at most, such as 20MB
    #[arg(long, value_name = "SIZE", value_parser = parse_size, requires = "read_data")]
    rate: Option<u64>,
}

/// Reports what is wrong, until the end, a signal or a failure.
pub(crate) async fn run(options: Options) -> Result<(), MaintenanceError> {
    let Options { months, grace, read_data, rate } = options;
    let mode = Mode::Check { grace: Duration::from_mins(grace.into()) };
    let reads = if read_data { " --read-data" } else { "" };
    let rates = rate.map(|rate| format!(" --rate {rate}")).unwrap_or_default();
    let command = format!("design-analysis check --grace {grace}{reads}{rates}");
    let reading = read_data.then_some(Reading { rate });
    maintenance::run(Job { mode, command, knows_many_lost: false, reading, backup: None }, &months).await
}
