//! `design-analysis backup`: every document of the store as a file, and a manifest of them.

mod check;
mod copy;
mod damage;
mod directory;
mod history;
mod last_run;
mod origin;
mod overview;
mod present;
mod prune_history;
mod replacement;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use analysis_storage::bucket::RestoreTier;
use analysis_storage::{Access, Analyses};
use jiff::SignedDuration;

use crate::human;
use crate::input;
use crate::transfer::{
    Failures, Sorter, SourceRecord, Transfer, TransferError, TransferOptions, Work, keep_apart,
};
use copy::Copying;
use directory::BackupDirectory;
use history::History;
use origin::Origin;
use prune_history::{Keep, PRUNED};

/// How long to wait before archived documents are looked at again: at first, and at most.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// What is said of documents that have been deleted from the store since the last backup.
const NO_LONGER_STORED: &str = "no longer stored";
/// What is said of damaged and lost copies that were copied again.
const HEALED: &str = "healed";

/// Where to, and what to do about archived documents.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The directory; made if it is missing, and brought up to date if it holds a backup
    #[arg(long, value_name = "DIR", value_parser = input::directory)]
    to: PathBuf,
    /// Only show what the runs have replaced and removed, and what there is; the store is not asked
    #[arg(
        long,
        conflicts_with_all = ["keep", "keep_runs", "check", "allow_other_store", "allow_empty", "restore_archived"],
        help_heading = HISTORY
    )]
    list: bool,
    /// Read every copy back, and copy again what is damaged or lost
    #[arg(long)]
    check: bool,
    /// At the end of a run without problems, delete what was replaced or removed longer ago: 12h, 30d, 8w
    #[arg(long, value_name = "AGE", value_parser = human::parse_age, conflicts_with = "keep_runs", help_heading = HISTORY)]
    keep: Option<SignedDuration>,
    /// At the end of a run without problems, delete what all but the newest N runs have replaced or removed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = HISTORY)]
    keep_runs: Option<u32>,
    #[command(flatten)]
    allowed: Allowed,
    /// Restore archived documents, and wait for them: minutes to days
    #[arg(long, help_heading = ARCHIVED)]
    restore_archived: bool,
    /// With --restore-archived, how long S3 keeps the restored copies
    #[arg(long, value_name = "DAYS", default_value_t = 7, requires = "restore_archived",
          value_parser = clap::value_parser!(u32).range(1..=30), help_heading = ARCHIVED)]
    restore_days: u32,
    /// With --restore-archived, how fast and at what price
    #[arg(long, value_name = "TIER", value_enum, default_value_t = Tier::Standard, requires = "restore_archived",
          help_heading = ARCHIVED)]
    restore_tier: Tier,
    #[command(flatten)]
    transfer: TransferOptions,
}

const HISTORY: &str = "History of the backup";
const ARCHIVED: &str = "Archived documents";

/// What would be refused.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Allow what would be refused")]
struct Allowed {
    /// Go on with a backup of another store, or of a store that has moved
    #[arg(long)]
    allow_other_store: bool,
    /// Take everything out of the backup if the store is empty
    #[arg(long)]
    allow_empty: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Tier {
    Expedited,
    Standard,
    Bulk,
}

impl From<Tier> for RestoreTier {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Expedited => Self::Expedited,
            Tier::Standard => Self::Standard,
            Tier::Bulk => Self::Bulk,
        }
    }
}

impl Options {
    fn keep(&self) -> Option<Keep> {
        let runs = self.keep_runs.map(|newest| Keep::Runs(usize::try_from(newest).unwrap_or(usize::MAX)));
        self.keep.map(Keep::For).or(runs)
    }

    /// What is counted, so that the totals say it even of none.
    fn counts(&self) -> Vec<&'static str> {
        let mut counts = vec!["copied", "unchanged", NO_LONGER_STORED];
        counts.extend(self.check.then_some(HEALED));
        counts.extend(self.keep().map(|_| PRUNED).into_iter().flatten());
        counts
    }
}

/// Copies what has changed, until the end, a signal or a failure.
pub(crate) async fn run(options: Options) -> Result<(), TransferError> {
    if options.list {
        return overview::print(&options.to, options.transfer.json());
    }
    let mut transfer =
        Transfer::begin("backup", Access::Existing, &options.transfer, &options.counts()).await?;
    keep_apart(&transfer.config, &options.to)?;
    let directory = Arc::new(BackupDirectory::open(&options.to)?);
    let origin = Origin::from_config(&transfer.config)?;
    if !options.allowed.allow_other_store && directory.is_in_use() {
        origin.check(&options.to)?;
    }
    let result = bring_up_to_date(&options, &origin, &directory, &mut transfer).await;
    transfer.work.end(result)
}

async fn bring_up_to_date(
    options: &Options,
    origin: &Origin,
    directory: &Arc<BackupDirectory>,
    transfer: &mut Transfer,
) -> Result<(), TransferError> {
    let Transfer { config, analyses, budget, work } = transfer;
    let (known, stored) = look(options, directory, analyses, work).await?;
    let doubtful = damage::look(analyses, stored, work).await?;
    origin.record(directory.path())?;
    let history = Arc::new(History::begin(directory.path(), analyses.clock().now())?);
    let copying = Copying {
        directory: Arc::clone(directory),
        history: Arc::clone(&history),
        check: options.check,
        analyses,
        doubtful,
        budget,
        failures: Failures::default(),
        limit: config.max_document_bytes,
        restore: options.restore_archived.then(|| (options.restore_days, options.restore_tier.into())),
        lines: Mutex::default(),
        waiting: Mutex::default(),
    };
    let amount = |joined: &_| present::amount(joined, options.check);
    work.each("copying", known, amount, |joined| copying.one(joined)).await?;
    wait_for_archived(&copying, work).await?;
    directory.finish(copying.into_lines(), &history)?;
    if options.check {
        check::history(directory.path(), work).await?;
    }
    history.end(analyses.clock().now())?;
    match options.keep() {
        Some(keep) if !work.report.has_problems() => {
            keep.prune(directory.path(), history.run().began(), &mut work.report)
        }
        _ => Ok(()),
    }
}

/// What manifest, directory and store know, and how many documents are stored.
async fn look(
    options: &Options,
    directory: &BackupDirectory,
    analyses: &Analyses,
    work: &mut Work,
) -> Result<(Sorter<SourceRecord>, u64), TransferError> {
    let mut known = Sorter::default();
    // What cannot be read of an old manifest is copied again.
    known.add_lines(directory.path(), drop)?;
    let is_listed = known.count() > 0;
    known.add_files(directory.path(), false, analyses, work).await?;
    let stored = known.add_stored(analyses, work).await?;
    if stored == 0 && is_listed && !options.allowed.allow_empty {
        return Err(TransferError::Unusable(format!(
            "the store lists nothing, and the backup in {} does; if nothing is to be stored any more, say --allow-empty",
            options.to.display()
        )));
    }
    Ok((known, stored))
}

async fn wait_for_archived(copying: &Copying<'_>, work: &mut Work) -> Result<(), TransferError> {
    let mut wait = FIRST_WAIT;
    loop {
        let waiting = copying.take_waiting();
        if waiting.count() == 0 {
            return Ok(());
        }
        work.progress.begin("waiting for archived documents", None);
        let sleep = async {
            copying.analyses.clock().sleep(wait).await;
            Ok::<_, TransferError>(())
        };
        work.signals.beside(sleep).await?;
        wait = (wait * 2).min(LONGEST_WAIT);
        let amount = |joined: &_| present::amount(joined, copying.check);
        work.each("copying what was archived", waiting, amount, |joined| copying.one(joined)).await?;
    }
}
