//! `design-analysis cost`: what a month on AWS costs, by list prices.

mod estimate;
mod operations;
mod prices;
mod report;
mod storage;
mod upkeep;
mod workload;

use std::io::{self, Write};
use std::path::PathBuf;

use analysis_storage::Access;
use analysis_storage::config::Storage;

use crate::command::CommandError;
use crate::human;
use crate::store::Store;
use crate::table::terminal_width;
use estimate::Estimate;
use prices::PriceTable;
use report::Report;
use storage::Life;
use workload::{Assumptions, MOST, Workload};

/// What to estimate.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Estimate for so many stored analyses, instead of those that are stored; several with commas
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u64).range(..=MOST))]
    analyses: Vec<u64>,
    /// Average size of a document, such as 50KB or 1.5MB (1 KB = 1,024 bytes)
    #[arg(long, value_name = "SIZE", default_value = "50KB", value_parser = human::parse_size, requires = "analyses")]
    average_size: u64,
    /// AWS region [default: that of the configured bucket, else us-east-1]
    #[arg(long)]
    region: Option<String>,
    /// A price table in place of the built-in one, in the form of cli/src/cost/prices.json; - is standard input
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    #[command(flatten)]
    assumptions: Assumptions,
}

/// Prints the estimate.
pub(crate) async fn run(options: Options) -> Result<(), CommandError> {
    options.assumptions.lifecycle.check().map_err(CommandError::Usage)?;
    let table = PriceTable::read(options.prices.as_deref())?;
    let (workloads, default_region) = options.workloads().await?;
    let region = options.region.clone().unwrap_or(default_region);
    let report = options.report(&table, region, workloads)?;
    let text = if options.json {
        serde_json::to_string(&report).map_err(|e| CommandError::Output(e.into()))? + "\n"
    } else if options.markdown {
        report.markdown()
    } else {
        report.text(terminal_width())
    };
    io::stdout().write_all(text.as_bytes()).map_err(CommandError::Output)
}

impl Options {
    /// The workloads, and the region they are in unless the caller says otherwise.
    async fn workloads(&self) -> Result<(Vec<Workload>, String), CommandError> {
        const DEFAULT_REGION: &str = "us-east-1";
        if !self.analyses.is_empty() {
            let workload = |n: &u64| Workload::uniform(*n, self.average_size, &self.assumptions);
            return Ok((self.analyses.iter().map(workload).collect(), DEFAULT_REGION.to_owned()));
        }
        let store = Store::open_interruptible(Access::Existing).await?;
        let region = match &store.config.storage {
            Storage::S3 { settings, .. } => settings.region.clone(),
            Storage::Local { .. } => DEFAULT_REGION.to_owned(),
        };
        let stats = store.showing("adding up", store.analyses.stats_unsealed()).await?;
        Ok((vec![Workload::from_stats(&stats, &self.assumptions)], region))
    }

    fn report(
        &self,
        table: &PriceTable,
        region: String,
        workloads: Vec<Workload>,
    ) -> Result<Report, CommandError> {
        let prices = table.region(&region)?.clone();
        let lifecycle = self.assumptions.lifecycle;
        let analyses: Vec<u64> = workloads.iter().map(|workload| workload.analyses).collect();
        let mut sizes: Vec<u64> = workloads.iter().map(|workload| workload.average_size).collect();
        sizes.extend([128 << 10, 256 << 10, 1 << 20]);
        sizes.sort_unstable();
        sizes.dedup();
        Ok(Report {
            region,
            prices_published: table.published.clone(),
            price_sources: table.sources.clone(),
            currency: "USD",
            assumptions: self.assumptions.clone(),
            estimates: workloads.into_iter().map(|w| Estimate::new(w, &self.assumptions, &prices)).collect(),
            operations: operations::compare(&analyses),
            lives_of_a_thousand: sizes.into_iter().map(|size| Life::new(size, lifecycle, &prices)).collect(),
            moving_pays_from_size: Life::break_even(lifecycle, &prices),
            prices,
        })
    }
}
