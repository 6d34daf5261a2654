//! `design-analysis verify`: the store compared with a directory, both ways.

use std::fs::File;
use std::path::{Path, PathBuf};

use analysis_storage::{Analyses, Entry, Error};

use crate::transfer::{
    Budget, Done, Line, MANIFEST, Problem, Sides, Sorter, Transfer, TransferError, TransferOptions, Work,
    blocking, sha256, too_large,
};

/// What to compare with.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A backup, or a directory of `{id}.json` files, flat or nested
    #[arg(long, value_name = "DIR")]
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
        Transfer::begin("verify", &options.transfer, &[EQUAL, STORED, FILES]).await?;
    let limit = config.max_document_bytes;
    let comparing = Comparing { directory: &options.against, analyses: &analyses, budget, limit };
    let result = comparing.everything(&mut work).await;
    work.progress.clear();
    result?;
    work.report.finish()
}

struct Comparing<'a> {
    directory: &'a Path,
    analyses: &'a Analyses,
    budget: Budget,
    limit: u64,
}

impl Comparing<'_> {
    async fn everything(&self, work: &mut Work) -> Result<(), TransferError> {
        let mut sides = Sorter::default();
        let mut unreadable = Done::default();
        sides.add_lines(self.directory, |problem| unreadable.problems.push(problem))?;
        work.report.add(&unreadable)?;
        let (files, _) = sides.add_files(self.directory, true, self.analyses, work).await?;
        let stored = sides.add_stored(self.analyses, work).await?;
        work.report.count(FILES, files);
        work.report.count(STORED, stored);
        work.progress.begin("comparing", Some(sides.count()));
        let groups = sides.groups().map_err(TransferError::Temporary)?;
        work.each(groups, |group| self.one(group.into())).await
    }

    async fn one(&self, sides: Sides) -> Result<Done, TransferError> {
        let Sides { id, entry, lines, files, mut problems, .. } = sides;
        match entry {
            Some(entry) => problems.extend(self.stored(&entry, &files, &lines).await?),
            None => problems.extend(not_stored(&id, &files, &lines)),
        }
        let count = (problems.is_empty() && !files.is_empty()).then_some(EQUAL);
        Ok(Done { count, problems })
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
            return one(Problem::new("only_in_store", id, "is in the store, but not in the directory"));
        }
        if entry.size > self.limit {
            return one(too_large(id, entry.size, self.limit));
        }
        let reserved = self.budget.reserve(entry.size).await;
        let (entry, body) = match self.analyses.read(entry).await {
            Ok(Some((entry, object))) => (entry, object.body),
            Ok(None) => return Ok(not_stored(id, files, lines)),
            Err(Error::Archived(_)) => {
                return one(Problem::new(
                    "archived",
                    id,
                    "is archived and was not compared; restore it first",
                ));
            }
            Err(error) => return Err(TransferError::Failed(error)),
        };
        let stored = blocking(move || sha256(&body[..])).await??;
        drop(reserved);
        let mut problems = Vec::new();
        for (path, size) in files {
            problems.extend(self.differs(path, *size, &stored).await?);
        }
        if problems.is_empty() {
            problems.extend(line_differs(&entry, &stored, lines));
        }
        Ok(problems)
    }

    async fn differs(
        &self,
        path: &Path,
        size: u64,
        (digest, stored_size): &(String, u64),
    ) -> Result<Option<Problem>, TransferError> {
        let subject = path.display().to_string();
        if size != *stored_size {
            let reason = format!("has {size} bytes, and {stored_size} in the store");
            return Ok(Some(Problem::new("size", subject, reason)));
        }
        let file = self.directory.join(path);
        Ok(match blocking(move || sha256(File::open(file)?)).await? {
            Ok((own, _)) if own == *digest => None,
            Ok((own, _)) => {
                Some(Problem::new("sha256", subject, format!("has SHA-256 {own}, and {digest} in the store")))
            }
            Err(error) => Some(Problem::new("unreadable", subject, error.to_string())),
        })
    }
}

fn not_stored(id: &str, files: &[(PathBuf, u64)], lines: &[Line]) -> Vec<Problem> {
    if files.is_empty() && !lines.is_empty() {
        let reason = format!("is in {MANIFEST}, but neither in the directory nor in the store");
        return vec![Problem::new("only_in_manifest", id, reason)];
    }
    let only = |path: &PathBuf| {
        Problem::new(
            "only_in_directory",
            path.display().to_string(),
            "is in the directory, but not in the store",
        )
    };
    files.iter().map(|(path, _)| only(path)).collect()
}

/// What the manifest says otherwise: the last line, as an unfinished backup may have left several.
fn line_differs(entry: &Entry, (digest, _): &(String, u64), lines: &[Line]) -> Option<Problem> {
    let line = lines.iter().rfind(|line| line.sha256 == *digest).or(lines.last())?;
    let differs = |what: &str, own: &str, stored: &str| {
        let reason = format!("has {what} {own} in {MANIFEST}, and {stored} in the store");
        Some(Problem::new("manifest", entry.id.as_str(), reason))
    };
    if line.sha256 != *digest {
        differs("SHA-256", &line.sha256, digest)
    } else if line.created_at() != Some(entry.created_at) {
        differs("created_at", &line.created_at, &entry.created_at.to_string())
    } else {
        None
    }
}
