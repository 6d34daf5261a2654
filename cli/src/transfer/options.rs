//! The options of every transfer.

/// How to work, and how to report.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "How to work and report")]
pub(crate) struct TransferOptions {
    /// How many documents to work on at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Print JSON: one object a line for each problem, and a last one with the totals
    #[arg(long)]
    json: bool,
}

impl TransferOptions {
    /// How many documents to work on at once.
    pub(super) fn jobs(&self) -> usize {
        self.jobs.into()
    }

    /// Whether to print JSON.
    pub(crate) fn json(&self) -> bool {
        self.json
    }
}
