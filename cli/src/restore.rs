//! `design-analysis restore`: the documents of a backup, saved in the store with their creation times.

use std::path::{Path, PathBuf};

use analysis_storage::import::Existing;
use analysis_storage::{AnalysisId, Document, Entry};
use bytes::Bytes;

use crate::transfer::{
    Done, Importer, JoinedById, Line, Lock, MANIFEST, Problem, Sorter, Transfer, TransferError, TransferKind,
    TransferOptions, Work, blocking, keep_apart, read_file, sha256, too_large,
};

/// Where from, and what to do about what is there already.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A directory that `backup` has written
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Replace documents that are stored under the same ids with other content
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    transfer: TransferOptions,
}

/// Brings everything back, until the end, a signal or a failure.
pub(crate) async fn run(options: Options) -> Result<(), TransferError> {
    let counts = Importer::counts(false);
    let Transfer { config, analyses, budget, mut work } =
        Transfer::begin("restore", &options.transfer, &counts).await?;
    keep_apart(&config, &options.from)?;
    let existing = if options.replace { Existing::Replace } else { Existing::Keep };
    let limit = config.max_document_bytes;
    let importer = Importer { analyses: &analyses, budget, limit, existing, dry_run: false };
    let result = restore(&options.from, &importer, &mut work).await;
    work.progress.clear();
    result?;
    work.report.finish()
}

async fn restore(directory: &Path, importer: &Importer<'_>, work: &mut Work) -> Result<(), TransferError> {
    let _lock = Lock::shared(directory)?;
    let mut kept = Sorter::default();
    let mut unreadable = Done::default();
    if !kept.add_lines(directory, |problem| unreadable.problems.push(problem))? {
        let directory = directory.display();
        return Err(TransferError::Unusable(format!(
            "there is no {MANIFEST} in {directory}; for a directory that is no backup, use `import --from`"
        )));
    }
    work.report.add(&unreadable)?;
    kept.add_files(directory, false, importer.analyses, work).await?;
    kept.add_stored_if_worthwhile(importer.analyses, work).await?;
    work.progress.begin("restoring", Some(kept.count()));
    let groups = kept.groups().map_err(TransferError::Temporary)?;
    work.each(groups, |group| one(directory, importer, group.into())).await
}

async fn one(directory: &Path, importer: &Importer<'_>, joined: JoinedById) -> Result<Done, TransferError> {
    let JoinedById { id, entry, lines, files, problems, .. } = joined;
    let name = format!("{id}.json");
    let problem = |kind: TransferKind, reason| Ok(Done::problem(Problem::new(kind, &*name, reason)));
    let mut done = match (lines.is_empty(), files.first()) {
        (true, None) => Ok(Done::default()),
        (true, Some(_)) => problem(
            TransferKind::UnlistedFile,
            format!("is not in {MANIFEST}; `import --from` takes such files"),
        ),
        (false, None) => {
            problem(TransferKind::MissingFile, format!("is in {MANIFEST}, but not in the directory"))
        }
        (false, Some((_, size))) if *size > importer.limit => {
            Ok(Done::problem(too_large(&*name, *size, importer.limit)))
        }
        (false, Some((_, size))) => {
            // Twice: what is stored under the id may have to be compared with it.
            let _reserved = importer.budget.reserve(size * 2).await;
            file(directory, importer, &name, *size, &lines, entry.as_ref()).await
        }
    }?;
    done.problems.splice(0..0, problems);
    Ok(done)
}

/// Reads the file, and finds the line that describes it: the last that fits.
async fn file(
    directory: &Path,
    importer: &Importer<'_>,
    name: &str,
    size: u64,
    lines: &[Line],
    known: Option<&Entry>,
) -> Result<Done, TransferError> {
    let problem = |kind: TransferKind, reason| Ok(Done::problem(Problem::new(kind, name, reason)));
    let bytes = match read_file(directory.join(name), size).await? {
        Ok(bytes) => bytes,
        Err(error) => return problem(TransferKind::Unreadable, error.to_string()),
    };
    let content = bytes.clone();
    let (digest, size) = blocking(move || sha256(&content[..])).await??;
    match Line::describing(lines, &digest, size) {
        Some(line) => save(importer, name, line, bytes, known).await,
        None => problem(
            TransferKind::DamagedFile,
            format!("is not what {MANIFEST} says: its SHA-256 is {digest}"),
        ),
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
    let foreign = Document::foreign(bytes.clone(), line.summary());
    let document = blocking(move || Document::parse(bytes)).await?.unwrap_or(foreign);
    let (mut done, kept) = importer.import(&id, name, &document, created_at, known).await?;
    if kept != created_at {
        let reason =
            format!("its id was created at {kept} in this store, which never changes; not at {created_at}");
        done.problems.push(Problem::new(TransferKind::OtherCreatedAt, name, reason));
    }
    Ok(done)
}
