//! `design-analysis verify`: the store compared with a directory, both ways.

use std::fs;
use std::path::{Path, PathBuf};

use analysis_storage::{Access, Analyses, Doubt, Entry, Error, ErrorCode};

use crate::input;
use crate::progress::Amount;
use crate::transfer::{
    Budget, Done, Failures, JoinedById, Line, Lock, MANIFEST, Problem, Sorter, Transfer, TransferError,
    TransferKind, TransferOptions, Work, blocking, doubtful, is_backup, keep_apart, sha256, too_large,
};

/// What to compare with.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A backup, or a directory of `{id}.json` files, flat or nested
    #[arg(long, value_name = "DIR", value_parser = input::directory)]
    against: PathBuf,
    #[command(flatten)]
    transfer: TransferOptions,
}

const EQUAL: &str = "equal";
const STORED: &str = "in the store";
const FILES: &str = "files in the directory";

/// Compares everything, until the end, a signal or a failure.
pub(crate) async fn run(options: Options) -> Result<(), TransferError> {
    let Transfer { config, analyses, budget, mut work } =
        Transfer::begin("verify", Access::Existing, &options.transfer, &[EQUAL, STORED, FILES]).await?;
    keep_apart(&config, &options.against)?;
    let _lock = Lock::shared(&options.against)?;
    let comparing = Comparing {
        directory: &options.against,
        is_backup: is_backup(&options.against),
        analyses: &analyses,
        budget,
        failures: Failures::default(),
        limit: config.max_document_bytes,
    };
    let result = comparing.everything(&mut work).await;
    work.end(result)
}

struct Comparing<'a> {
    directory: &'a Path,
    /// Whether each file needs a line of the manifest, and lies beside it, so that it can be restored.
    is_backup: bool,
    analyses: &'a Analyses,
    budget: Budget,
    failures: Failures,
    limit: u64,
}

impl Comparing<'_> {
    async fn everything(&self, work: &mut Work) -> Result<(), TransferError> {
        let mut joined = Sorter::default();
        let mut unreadable = Done::default();
        joined.add_lines(self.directory, |problem| unreadable.problems.push(problem))?;
        work.report.add(&unreadable)?;
        let files = joined.add_files(self.directory, !self.is_backup, self.analyses, work).await?;
        let stored = joined.add_stored(self.analyses, work).await?;
        work.report.count(FILES, files.count);
        work.report.count(STORED, stored);
        work.each("comparing", joined, amount, |joined| self.one(joined)).await
    }

    async fn one(&self, joined: JoinedById) -> Result<Done, TransferError> {
        let JoinedById { id, entry, lines, files, mut problems, .. } = joined;
        match entry {
            Some(entry) => problems.extend(self.stored(&entry, &files, &lines).await?),
            None => problems.extend(self.not_stored(&id, &files, &lines).await?),
        }
        let count = (problems.is_empty() && !files.is_empty()).then_some(EQUAL);
        Ok(Done { count, problems, ..Done::default() })
    }

    async fn stored(
        &self,
        entry: &Entry,
        files: &[(PathBuf, u64)],
        lines: &[Line],
    ) -> Result<Vec<Problem>, TransferError> {
        let id = entry.id.as_str();
        let one = |problem| Ok(vec![problem]);
        if files.is_empty() {
            return one(Problem::new(
                TransferKind::OnlyInStore,
                id,
                "is in the store, but not in the directory",
            ));
        }
        if entry.size > self.limit {
            return one(too_large(id, entry.size, self.limit));
        }
        let reserved = self.budget.reserve(entry.size).await;
        let (entry, body) = match self.analyses.read_for_backup(entry).await {
            Ok(Some((newest, object))) => match Doubt::about(entry, &object) {
                Some(doubt) => return one(doubtful(&entry.id, &doubt, "it was not compared")),
                None => (newest, object.body),
            },
            Ok(None) => return self.not_stored(id, files, lines).await,
            Err(Error::Archived(_)) => {
                let reason = "is archived and was not compared; restore it first";
                return one(Problem::new(ErrorCode::Archived, id, reason));
            }
            Err(error) => return one(self.failures.problem(error, id)?),
        };
        self.failures.none();
        let stored = blocking(move || sha256(&body[..])).await??;
        drop(reserved);
        let mut problems = Vec::new();
        for (path, size) in files {
            problems.extend(match self.file(path, *size, lines).await? {
                Ok(file) => file.differs(&entry, &stored),
                Err(problem) => vec![problem],
            });
        }
        Ok(problems)
    }

    async fn not_stored(
        &self,
        id: &str,
        files: &[(PathBuf, u64)],
        lines: &[Line],
    ) -> Result<Vec<Problem>, TransferError> {
        if files.is_empty() && !lines.is_empty() {
            let reason = format!("is in {MANIFEST}, but neither in the directory nor in the store");
            return Ok(vec![Problem::new(TransferKind::OnlyInManifest, id, reason)]);
        }
        let mut problems = Vec::new();
        for (path, size) in files {
            if self.is_backup {
                problems
                    .extend(self.file(path, *size, lines).await?.map_or_else(Some, |file| file.undescribed));
            }
            let reason = "is in the directory, but not in the store";
            problems.push(Problem::new(TransferKind::OnlyInDirectory, path.display().to_string(), reason));
        }
        Ok(problems)
    }

    /// Reads a file, and finds its line as `restore` does.
    async fn file<'l>(
        &self,
        path: &Path,
        size: u64,
        lines: &'l [Line],
    ) -> Result<Result<File<'l>, Problem>, TransferError> {
        let (subject, place) = (path.display().to_string(), self.directory.join(path));
        if size > self.limit {
            return Ok(Err(too_large(subject, size, self.limit)));
        }
        let (digest, size) = match blocking(move || sha256(fs::File::open(place)?)).await? {
            Ok(read) => read,
            Err(error) => return Ok(Err(Problem::new(TransferKind::Unreadable, subject, error.to_string()))),
        };
        let line = Line::describing(lines, &digest, size);
        let undescribed = (self.is_backup && line.is_none()).then(|| {
            if lines.is_empty() {
                Problem::new(TransferKind::UnlistedFile, &*subject, format!("is not in {MANIFEST}"))
            } else {
                let reason = format!("is not what {MANIFEST} says: its SHA-256 is {digest}");
                Problem::new(TransferKind::DamagedFile, &*subject, reason)
            }
        });
        Ok(Ok(File { subject, digest, size, line, undescribed }))
    }
}

/// One document, and what is read of it: in the store and in the directory.
fn amount(joined: &JoinedById) -> Amount {
    let stored = joined.entry.as_ref().map_or(0, |entry| entry.size);
    Amount { items: 1, bytes: stored + joined.sources().bytes }
}

/// A file that has been read.
struct File<'l> {
    /// Its path below the directory.
    subject: String,
    digest: String,
    /// In bytes.
    size: u64,
    /// The line that describes it, in a backup.
    line: Option<&'l Line>,
    /// Why a backup cannot be restored from it.
    undescribed: Option<Problem>,
}

impl File<'_> {
    /// What file and line say otherwise than the store. When a document was saved is no difference: it is saved anew
    /// when it is restored.
    fn differs(self, entry: &Entry, (digest, size): &(String, u64)) -> Vec<Problem> {
        let mut problems = Vec::from_iter(self.undescribed);
        if self.size != *size {
            let reason = format!("has {} bytes, and {size} in the store", self.size);
            problems.push(Problem::new(TransferKind::Size, self.subject, reason));
        } else if self.digest != *digest {
            let reason = format!("has SHA-256 {}, and {digest} in the store", self.digest);
            problems.push(Problem::new(TransferKind::Sha256, self.subject, reason));
        } else if let Some(line) = self.line {
            problems.extend(line_differs(entry, line));
        }
        problems
    }
}

fn line_differs(entry: &Entry, line: &Line) -> Option<Problem> {
    let stored = Line::from_entry(entry, String::new());
    let created_at = line.created_at().map_or_else(|| line.created_at.clone(), |at| at.to_string());
    let fields = [
        ("created_at", &created_at, &stored.created_at),
        ("implementation", &line.implementation, &stored.implementation),
        ("status", &line.status, &stored.status),
    ];
    let (what, own, stored) = fields.into_iter().find(|(_, own, stored)| own != stored)?;
    let reason = format!("has {what} {own} in {MANIFEST}, and {stored} in the store");
    Some(Problem::new(TransferKind::Manifest, entry.id.as_str(), reason))
}
