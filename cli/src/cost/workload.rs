//! What is stored and asked for in a month, and what is assumed of it.

use analysis_storage::Stats;
use jiff::Timestamp;
use serde::Serialize;

use super::upkeep::Upkeep;

/// The most of anything: amounts stay far below what a decimal number holds.
pub(crate) const MOST: u64 = 1_000_000_000_000;
/// Days of twelve months.
const YEAR: u64 = 365;

/// What is assumed, whatever is stored.
#[derive(Debug, Clone, clap::Args, Serialize)]
#[command(next_help_heading = "Assumptions")]
pub(crate) struct Assumptions {
    /// Analyses saved a month [default: those stored, divided by the months that they span]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=MOST))]
    saves: Option<u64>,
    /// Documents loaded a month [default: each one once]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=MOST))]
    loads: Option<u64>,
    /// Pages listed a month [default: one for each ten analyses stored]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=MOST))]
    lists: Option<u64>,
    /// Totals asked for a month [default: once for each ten analyses stored]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=MOST))]
    stats: Option<u64>,
    /// Analyses deleted a month
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=MOST))]
    deletes: u64,
    /// Where ids come from: made by the service, UUIDv7 of the client, or names
    #[arg(long, value_enum, default_value_t = Ids::Generated)]
    pub(crate) ids: Ids,
    #[command(flatten)]
    pub(crate) lifecycle: Lifecycle,
    #[command(flatten)]
    pub(crate) lambda: Lambda,
    #[command(flatten)]
    pub(crate) upkeep: Upkeep,
}

/// The kind of ids: it decides how many requests a save and a load take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ids {
    Generated,
    Uuidv7,
    Named,
}

/// The lifecycle rules of the bucket, in days after a document was saved.
#[derive(Debug, Clone, Copy, clap::Args, Serialize)]
pub(crate) struct Lifecycle {
    /// Days after which documents move to STANDARD_IA
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(30..=36_500))]
    pub(crate) ia_after: u32,
    /// Days after which documents move to GLACIER (Flexible Retrieval)
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(60..=36_500))]
    pub(crate) glacier_after: u32,
    /// Days after which documents are removed
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(150..=36_500))]
    pub(crate) expire_after: u32,
    /// Smaller documents stay in STANDARD, as S3 has it by default
    #[arg(long, value_name = "SIZE", default_value = "128KB", value_parser = crate::human::parse_size)]
    pub(crate) minimum_transition_size: u64,
}

/// Lambda's settings; the durations are assumed, not measured.
#[derive(Debug, Clone, Copy, clap::Args, Serialize)]
pub(crate) struct Lambda {
    /// Memory of each Lambda function
    #[arg(long = "lambda-memory", value_name = "MB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(128..=10_240))]
    pub(crate) memory: u32,
    /// Billed duration of a save
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=900_000))]
    pub(crate) save_ms: u32,
    /// Billed duration of a load
    #[arg(long, value_name = "MS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=900_000))]
    pub(crate) load_ms: u32,
    /// Billed duration of a list page
    #[arg(long, value_name = "MS", default_value_t = 75, value_parser = clap::value_parser!(u32).range(1..=900_000))]
    pub(crate) list_ms: u32,
    /// Billed duration of totals
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=900_000))]
    pub(crate) stats_ms: u32,
    /// Billed duration of a delete
    #[arg(long, value_name = "MS", default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..=900_000))]
    pub(crate) delete_ms: u32,
}

impl Lifecycle {
    /// S3 bills STANDARD_IA for 30 days at least and GLACIER for 90: shorter stays are a mistake.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.glacier_after < self.ia_after + 30 {
            return Err("--glacier-after must be 30 days behind --ia-after, for which S3 bills STANDARD_IA"
                .to_owned());
        }
        if self.expire_after < self.glacier_after + 90 {
            return Err("--expire-after must be 90 days behind --glacier-after, for which S3 bills GLACIER"
                .to_owned());
        }
        Ok(())
    }
}

/// What is stored, and what a month brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Workload {
    pub(crate) analyses: u64,
    pub(crate) average_size: u64,
    /// Ages are spread evenly over so many days.
    pub(crate) spread_days: u32,
    pub(crate) saves: u64,
    pub(crate) loads: u64,
    pub(crate) lists: u64,
    pub(crate) stats: u64,
    pub(crate) deletes: u64,
}

impl Workload {
    /// So many analyses of one size, of all ages up to their expiry.
    pub(crate) fn uniform(analyses: u64, average_size: u64, assumptions: &Assumptions) -> Self {
        Self::spread(analyses, average_size, assumptions.lifecycle.expire_after, assumptions)
    }

    /// What is stored now. It spans the time since the oldest was created, at least a month.
    pub(crate) fn from_stats(stats: &Stats, assumptions: &Assumptions) -> Self {
        let instant = |text: &str| text.parse::<Timestamp>().ok();
        let age = stats.oldest.as_deref().and_then(instant).zip(instant(&stats.as_of));
        let days = age.map_or(0, |(oldest, now)| now.duration_since(oldest).as_hours() / 24);
        let expire_after = assumptions.lifecycle.expire_after;
        let spread = u32::try_from(days).unwrap_or(0).clamp(30, expire_after);
        let analyses = stats.total_analyses.min(MOST);
        let average_size = stats.total_size_bytes.div_ceil(analyses.max(1));
        Self::spread(analyses, average_size, spread, assumptions)
    }

    fn spread(analyses: u64, average_size: u64, spread_days: u32, assumptions: &Assumptions) -> Self {
        let monthly = (analyses * YEAR).div_ceil(12 * u64::from(spread_days));
        let tenth = analyses.div_ceil(10);
        Self {
            analyses,
            average_size,
            spread_days,
            saves: assumptions.saves.unwrap_or(monthly),
            loads: assumptions.loads.unwrap_or(analyses),
            lists: assumptions.lists.unwrap_or(tenth),
            stats: assumptions.stats.unwrap_or(tenth),
            deletes: assumptions.deletes,
        }
    }
}
