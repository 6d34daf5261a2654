//! `design-analysis backup`: every document of the store as a file, and a manifest of them.

mod copy;
mod directory;
mod origin;
mod removed;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use analysis_storage::bucket::RestoreTier;

use crate::transfer::{Failures, Sorter, Transfer, TransferError, TransferOptions, Work, keep_apart};
use copy::Copying;
use directory::BackupDirectory;
use origin::Origin;

/// How long to wait before archived documents are looked at again: at first, and at most.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// What is said of documents that have been deleted from the store since the last backup.
const NO_LONGER_STORED: &str = "no longer stored";

/// Where to, and what to do about archived documents.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The directory; made if it is missing, and brought up to date if it holds a backup
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Go on with a backup of another store, or of a store that has moved
    #[arg(long)]
    allow_other_store: bool,
    /// Take everything out of the backup if the store is empty
    #[arg(long)]
    allow_empty: bool,
    /// Restore archived documents, and wait for them: minutes to days
    #[arg(long)]
    restore_archived: bool,
    /// With --restore-archived, how long S3 keeps the restored copies
    #[arg(long, value_name = "DAYS", default_value_t = 7, requires = "restore_archived",
          value_parser = clap::value_parser!(u32).range(1..=30))]
    restore_days: u32,
    /// With --restore-archived, how fast and at what price
    #[arg(long, value_name = "TIER", value_enum, default_value_t = Tier::Standard, requires = "restore_archived")]
    restore_tier: Tier,
    #[command(flatten)]
    transfer: TransferOptions,
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

/// Copies what has changed, until the end, a signal or a failure.
pub(crate) async fn run(options: Options) -> Result<(), TransferError> {
    let counts = ["copied", "unchanged", NO_LONGER_STORED];
    let mut transfer = Transfer::begin("backup", &options.transfer, &counts).await?;
    keep_apart(&transfer.config, &options.to)?;
    let directory = Arc::new(BackupDirectory::open(&options.to)?);
    let origin = Origin::from_config(&transfer.config)?;
    if !options.allow_other_store && directory.is_in_use() {
        origin.check(&options.to)?;
    }
    let result = bring_up_to_date(&options, &origin, &directory, &mut transfer).await;
    transfer.work.progress.clear();
    result?;
    transfer.work.report.finish()
}

async fn bring_up_to_date(
    options: &Options,
    origin: &Origin,
    directory: &Arc<BackupDirectory>,
    transfer: &mut Transfer,
) -> Result<(), TransferError> {
    let Transfer { config, analyses, budget, work } = transfer;
    let mut known = Sorter::default();
    // What cannot be read of an old manifest is copied again.
    known.add_lines(directory.path(), drop)?;
    let is_listed = known.count() > 0;
    known.add_files(directory.path(), false, analyses, work).await?;
    if known.add_stored(analyses, work).await? == 0 && is_listed && !options.allow_empty {
        return Err(TransferError::Unusable(format!(
            "the store lists nothing, and the backup in {} does; if nothing is to be stored any more, say --allow-empty",
            options.to.display()
        )));
    }
    origin.record(directory.path())?;
    let copying = Copying {
        directory: Arc::clone(directory),
        analyses,
        budget,
        failures: Failures::default(),
        limit: config.max_document_bytes,
        restore: options.restore_archived.then(|| (options.restore_days, options.restore_tier.into())),
        lines: Mutex::default(),
        waiting: Mutex::default(),
    };
    work.progress.begin("copying", Some(known.count()));
    let groups = known.groups().map_err(TransferError::Temporary)?;
    work.each(groups, |group| copying.one(group.into())).await?;
    wait_for_archived(&copying, work).await?;
    directory.finish(copying.into_lines())
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
        let groups = waiting.groups().map_err(TransferError::Temporary)?;
        work.each(groups, |group| copying.one(group.into())).await?;
    }
}
