//! `design-analysis restore`: the documents of a backup, saved in the store with their creation times.

mod as_of;
mod chosen;

use std::path::{Path, PathBuf};

use analysis_storage::import::Existing;
use analysis_storage::{AnalysisId, Document, Entry, ErrorCode};
use bytes::Bytes;
use clap_complete::ArgValueCompleter;

use crate::completions;
use crate::input;
use crate::progress::Amount;
use crate::transfer::{
    Done, Importer, JoinedById, Line, Lock, MANIFEST, Problem, Sorter, SourceRecord, Transfer, TransferError,
    TransferKind, TransferOptions, Work, blocking, keep_apart, read_file, sha256, too_large,
};
use as_of::{AsOf, Copy, NOT_THEN};
use chosen::Chosen;

/// Where from, what, and what to do about what is there already.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A directory that `backup` has written
    #[arg(long, value_name = "DIR", value_parser = input::directory)]
    from: PathBuf,
    /// Only the document with this id; may be given several times, and - reads ids from standard input, one a line
    #[arg(long = "id", value_name = "ID", help_heading = WHAT, add = ArgValueCompleter::new(completions::ids_of_a_backup))]
    ids: Vec<String>,
    /// What the backup had at this time, as 2026-11-28T10:22:33Z or, for the end of a day in UTC, as 2026-11-28
    #[arg(long, value_name = "TIME", value_parser = as_of::parse, help_heading = WHAT)]
    as_of: Option<AsOf>,
    /// Only say what would happen; nothing is written
    #[arg(long)]
    dry_run: bool,
    /// Replace documents that are stored under the same ids with other content
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    transfer: TransferOptions,
}

const WHAT: &str = "What to restore";

/// Brings everything back, until the end, a signal or a failure.
pub(crate) async fn run(options: Options) -> Result<(), TransferError> {
    let mut counts = Importer::counts(options.dry_run).to_vec();
    counts.extend(options.as_of.map(|_| NOT_THEN));
    let access = Transfer::access_to_save(options.dry_run);
    let Transfer { config, analyses, budget, mut work } =
        Transfer::begin("restore", access, &options.transfer, &counts).await?;
    keep_apart(&config, &options.from)?;
    let existing = if options.replace { Existing::Replace } else { Existing::Keep };
    let limit = config.max_document_bytes;
    let importer = Importer { analyses: &analyses, budget, limit, existing, dry_run: options.dry_run };
    let result = restore(&options, &importer, &mut work).await;
    work.end(result)
}

async fn restore(options: &Options, importer: &Importer<'_>, work: &mut Work) -> Result<(), TransferError> {
    let directory = &options.from;
    let _lock = Lock::shared(directory)?;
    if !directory.join(MANIFEST).exists() {
        let directory = directory.display();
        return Err(TransferError::Unusable(format!(
            "there is no {MANIFEST} in {directory}; for a directory that is no backup, use `import --from`"
        )));
    }
    if let Some(as_of) = options.as_of {
        as_of.check(directory)?;
    }
    let ids = input::ids(&options.ids).map_err(TransferError::Unusable)?;
    if ids.is_empty() && !options.ids.is_empty() {
        return Err(TransferError::Unusable("standard input has no ids".to_owned()));
    }
    let chosen = Chosen::new(&ids, importer.analyses)?;
    let mut kept = Sorter::default();
    match &chosen {
        Some(chosen) => chosen.add(&mut kept, directory, options.as_of, work)?,
        None => add_all(&mut kept, directory, options.as_of, importer, work).await?,
    }
    kept.add_stored_if_worthwhile(importer.analyses, work).await?;
    let restoring = Restoring { directory, importer, as_of: options.as_of, chosen: chosen.as_ref() };
    work.each("restoring", kept, |joined| restoring.amount(joined), |joined| restoring.one(joined)).await
}

async fn add_all(
    kept: &mut Sorter<SourceRecord>,
    directory: &Path,
    as_of: Option<AsOf>,
    importer: &Importer<'_>,
    work: &mut Work,
) -> Result<(), TransferError> {
    let mut unreadable = Done::default();
    kept.add_lines(directory, |problem| unreadable.problems.push(problem))?;
    work.report.add(&unreadable)?;
    kept.add_files(directory, false, importer.analyses, work).await?;
    if let Some(as_of) = as_of {
        as_of.add(kept, directory, |_| true)?;
    }
    Ok(())
}

/// What is restored, from where, and how.
struct Restoring<'a> {
    directory: &'a Path,
    importer: &'a Importer<'a>,
    as_of: Option<AsOf>,
    /// `None` for everything.
    chosen: Option<&'a Chosen>,
}

impl Restoring<'_> {
    fn is_wanted(&self, joined: &JoinedById) -> bool {
        self.chosen.is_none_or(|chosen| chosen.has(&joined.id)) && joined.is_in_backup()
    }

    /// One document. Which of its copies a time stands for is found when its turn comes.
    fn amount(&self, joined: &JoinedById) -> Amount {
        match self.as_of {
            _ if !self.is_wanted(joined) => Amount::default(),
            Some(_) => Amount::items(1),
            None => Amount { items: 1, bytes: joined.sources().bytes },
        }
    }

    async fn one(&self, mut joined: JoinedById) -> Result<Done, TransferError> {
        if !self.is_wanted(&joined) {
            return Ok(Done::default());
        }
        let problems = std::mem::take(&mut joined.problems);
        let (id, entry) = (joined.id.clone(), joined.entry.take());
        let copy = match self.as_of {
            Some(as_of) => as_of.copy(joined),
            None => Some(Copy::current(joined)),
        };
        let mut done = match copy {
            Some(copy) => self.copy(&id, copy, entry.as_ref()).await?,
            None => self.not_then(&id),
        };
        done.problems.splice(0..0, problems);
        Ok(done)
    }

    /// The backup did not have the document at that time.
    fn not_then(&self, id: &str) -> Done {
        match self.as_of {
            Some(as_of) if self.chosen.is_some() => {
                let reason = format!("the backup did not have it at {as_of}");
                Done::problem(Problem::new(ErrorCode::NotFound, id, reason))
            }
            _ => Done::skipped(NOT_THEN),
        }
    }

    async fn copy(&self, id: &str, copy: Copy, entry: Option<&Entry>) -> Result<Done, TransferError> {
        let name = copy.name.display().to_string();
        let problem = |kind: TransferKind, reason| Ok(Done::problem(Problem::new(kind, &*name, reason)));
        match (copy.lines.is_empty(), copy.size) {
            (true, None) => Ok(Done::default()),
            (true, Some(_)) => problem(
                TransferKind::UnlistedFile,
                format!("is not in {MANIFEST}; `import --from` takes such files"),
            ),
            (false, None) => {
                problem(TransferKind::MissingFile, format!("is in {MANIFEST}, but not in the directory"))
            }
            (false, Some(size)) if size > self.importer.limit => {
                Ok(Done::problem(too_large(&*name, size, self.importer.limit)))
            }
            (false, Some(size)) => {
                // Twice: what is stored under the id may have to be compared with it.
                let _reserved = self.importer.budget.reserve(size * 2).await;
                self.file(id, &name, size, &copy.lines, entry).await
            }
        }
    }

    /// Reads the file, and finds the line that describes it: the last that fits.
    async fn file(
        &self,
        id: &str,
        name: &str,
        size: u64,
        lines: &[Line],
        known: Option<&Entry>,
    ) -> Result<Done, TransferError> {
        let problem = |kind: TransferKind, reason| Ok(Done::problem(Problem::new(kind, name, reason)));
        let bytes = match read_file(self.directory.join(name), size).await? {
            Ok(bytes) => bytes,
            Err(error) => return problem(TransferKind::Unreadable, error.to_string()),
        };
        let content = bytes.clone();
        let (digest, size) = blocking(move || sha256(&content[..])).await??;
        match Line::describing(lines, &digest, size) {
            Some(line) if self.as_of.is_none_or(|as_of| as_of.had(line)) => {
                save(self.importer, name, line, bytes, known).await
            }
            Some(_) => Ok(self.not_then(id)),
            None => problem(
                TransferKind::DamagedFile,
                format!("is not what {MANIFEST} says: its SHA-256 is {digest}"),
            ),
        }
    }
}

async fn save(
    importer: &Importer<'_>,
    name: &str,
    line: &Line,
    bytes: Bytes,
    known: Option<&Entry>,
) -> Result<Done, TransferError> {
    let id = AnalysisId::from_stored(&line.id)?;
    let Some(created_at) = line.created_at() else {
        let reason = format!("its created_at in {MANIFEST} is {:?}", line.created_at);
        return Ok(Done::problem(Problem::new(TransferKind::BadLine, name, reason)));
    };
    // A store has taken it once: if it is no analysis, another program had put it there.
    let kept = Document::unindexable(bytes.clone(), line.summary());
    let document = blocking(move || Document::parse(bytes)).await?.unwrap_or(kept);
    let (mut done, kept) = importer.import(&id, name, &document, created_at, known).await?;
    if kept != created_at {
        let reason =
            format!("its id was created at {kept} in this store, which never changes; not at {created_at}");
        done.problems.push(Problem::new(TransferKind::OtherCreatedAt, name, reason));
    }
    Ok(done)
}
