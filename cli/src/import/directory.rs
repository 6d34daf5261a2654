//! From a directory of `{id}.json` files, flat or nested.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use analysis_storage::{AnalysisId, CreatedAt, Document, Entry};
use jiff::Timestamp;

use super::take;
use crate::transfer::{
    Done, Importer, JoinedById, Problem, Sorter, TransferError, TransferKind, Work, blocking, read_file,
    sha256, too_large,
};

/// Takes in every file of the directory.
pub(super) async fn import(
    root: &Path,
    importer: &Importer<'_>,
    work: &mut Work,
) -> Result<(), TransferError> {
    let mut files = Sorter::default();
    let found = files.add_files(root, true, importer.analyses, work).await?;
    if files.count() == 0 {
        let root = root.display();
        return Err(TransferError::Unusable(format!("there is no file {{id}}.json in {root} or below it")));
    }
    work.report.count("other files ignored", found.others);
    files.add_stored_if_worthwhile(importer.analyses, work).await?;
    work.each("importing", files, JoinedById::sources, |joined| one(root, importer, joined)).await
}

/// All that was found under one name.
async fn one(root: &Path, importer: &Importer<'_>, joined: JoinedById) -> Result<Done, TransferError> {
    let JoinedById { id, entry, files, more, mut problems, .. } = joined;
    let largest = files.iter().map(|(_, size)| *size).max().unwrap_or_default();
    let paths: Vec<PathBuf> = files.into_iter().map(|(path, _)| path).collect();
    let Some((first, others)) = paths.split_first() else { return Ok(Done { problems, ..Done::default() }) };
    let duplicate = |path: &PathBuf, reason: &str| {
        Problem::new(TransferKind::Duplicate, path.display().to_string(), reason)
    };
    if more > 0 {
        let reason = format!(
            "has the id of {} other files, too many to compare; none is taken",
            paths.len() as u64 - 1 + more
        );
        return Ok(Done::problem(duplicate(first, &reason)));
    }
    if !others.is_empty() && largest > importer.limit {
        let too_large = |path: &PathBuf| too_large(path.display().to_string(), largest, importer.limit);
        problems.extend(paths.iter().map(too_large));
        return Ok(Done { problems, ..Done::default() });
    }
    if !others.is_empty() {
        match copies(root, &paths).await? {
            Ok(()) => {
                let reason = format!("has the id and the content of {}, which is taken", first.display());
                problems.extend(others.iter().map(|path| duplicate(path, &reason)));
            }
            Err(reason) => {
                let all = paths.iter().map(|path| duplicate(path, &reason)).collect();
                return Ok(Done { problems: all, ..Done::default() });
            }
        }
    }
    let mut done = file(root, importer, &id, entry.as_ref(), first).await?;
    done.problems.splice(0..0, problems);
    Ok(done)
}

/// Whether all these files have one content; if not, what to say of each.
async fn copies(root: &Path, paths: &[PathBuf]) -> Result<Result<(), String>, TransferError> {
    let (root, all) = (root.to_owned(), paths.to_vec());
    blocking(move || {
        let digest = |path: &PathBuf| sha256(File::open(root.join(path))?);
        let digests: io::Result<BTreeSet<_>> = all.iter().map(digest).collect();
        let (count, first) = (all.len(), all[0].display());
        match digests {
            Ok(digests) if digests.len() == 1 => Ok(()),
            Ok(_) => Err(format!(
                "is one of {count} files with one id, as {first}, and different content; none is taken"
            )),
            Err(error) => Err(format!(
                "is one of {count} files with one id, as {first}, and not all can be read: {error}"
            )),
        }
    })
    .await
}

async fn file(
    root: &Path,
    importer: &Importer<'_>,
    id: &str,
    known: Option<&Entry>,
    path: &Path,
) -> Result<Done, TransferError> {
    let origin = path.display().to_string();
    let id = AnalysisId::from_stored(id)?;
    let path = root.join(path);
    let unreadable = |error: io::Error| {
        Ok(Done::problem(Problem::new(TransferKind::Unreadable, &*origin, error.to_string())))
    };
    let (size, modified) = match fs::metadata(&path).and_then(|found| Ok((found.len(), found.modified()?))) {
        Ok(known) => known,
        Err(error) => return unreadable(error),
    };
    if size > importer.limit {
        return Ok(Done::problem(too_large(origin, size, importer.limit)));
    }
    // Twice: what is stored under the id may have to be compared with it.
    let _reserved = importer.budget.reserve(size * 2).await;
    match read_file(path, size).await? {
        Ok(bytes) => {
            let created_at = |document: &Document| {
                let written = || Timestamp::try_from(modified).unwrap_or(Timestamp::UNIX_EPOCH);
                CreatedAt::clamped(document.summary().timestamp.unwrap_or_else(written))
            };
            take(importer, &id, known, &origin, bytes, created_at).await
        }
        Err(error) => unreadable(error),
    }
}
