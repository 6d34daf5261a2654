//! The `*.json` files of a directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use analysis_storage::{AnalysisId, Clock, ErrorCode};
use serde::{Deserialize, Serialize};

use super::manifest::RESERVED;
use super::{Kind, TransferError, TransferKind};

/// How many files are looked at before a signal is.
const YIELD_EVERY: usize = 256;

/// A file that may be an analysis, or something that looks like one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Found {
    /// A regular file, or a symbolic link to one, whose name is an id.
    File {
        /// Its path below the directory.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// What cannot be taken.
    Bad {
        /// What is wrong, for programs.
        kind: Kind,
        /// Which, as text.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Hands every `*.json` file below `root`, its id first, to `found`; for what is no analysis the id is empty. How many
/// other files there are.
///
/// Symbolic links to files are followed, those to directories are not: they could lead in circles. What backups keep
/// beside their documents is passed over, wherever they are.
pub(crate) async fn walk(
    root: &Path,
    nested: bool,
    clock: &dyn Clock,
    mut found: impl FnMut(&str, Found) -> io::Result<()>,
) -> Result<u64, TransferError> {
    let failed = |source| TransferError::File { what: "read", path: root.to_owned(), source };
    // Open from the root down to where the walk is: what waits in between is not held in memory.
    let mut open = vec![(PathBuf::new(), fs::read_dir(root).map_err(failed)?)];
    let (mut looked_at, mut others) = (0_usize, 0);
    while let Some((directory, entries)) = open.last_mut() {
        let Some(entry) = entries.next() else {
            open.pop();
            continue;
        };
        looked_at += 1;
        if looked_at.is_multiple_of(YIELD_EVERY) {
            tokio::task::yield_now().await;
        }
        let entry = entry.map_err(failed)?;
        let path = directory.join(entry.file_name());
        if !entry.file_type().map_err(failed)?.is_dir() {
            match look(root, path, clock) {
                Some((id, file)) => found(&id, file).map_err(TransferError::Temporary)?,
                None => others += 1,
            }
        } else if nested && entry.file_name() != RESERVED {
            match fs::read_dir(root.join(&path)) {
                Ok(entries) => open.push((path, entries)),
                Err(error) => {
                    found("", bad(TransferKind::Unreadable, &path, &error))
                        .map_err(TransferError::Temporary)?;
                }
            }
        }
    }
    Ok(others)
}

fn look(root: &Path, path: PathBuf, clock: &dyn Clock) -> Option<(String, Found)> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let metadata = fs::metadata(root.join(&path));
    let id = name.strip_suffix(".json");
    let nothing = |found| Some((String::new(), found));
    match metadata {
        Ok(metadata) if metadata.is_dir() => {
            nothing(bad(TransferKind::SymbolicLink, &path, &"a symbolic link to a directory is not followed"))
        }
        _ if id.is_none() => None,
        Err(error) => nothing(bad(TransferKind::Unreadable, &path, &error)),
        Ok(metadata) if !metadata.is_file() => {
            nothing(bad(TransferKind::Unreadable, &path, &"is not a regular file"))
        }
        Ok(_) if path.to_str().is_none() => {
            nothing(bad(ErrorCode::InvalidId, &path, &"its path is not UTF-8"))
        }
        Ok(metadata) => {
            let id = id.unwrap_or_default();
            match AnalysisId::parse(id, clock.now()) {
                Ok(_) => Some((id.to_owned(), Found::File { path, size: metadata.len() })),
                Err(error) => nothing(bad(ErrorCode::InvalidId, &path, &error)),
            }
        }
    }
}

fn bad(kind: impl Into<Kind>, path: &Path, reason: &impl ToString) -> Found {
    Found::Bad { kind: kind.into(), path: path.display().to_string(), reason: reason.to_string() }
}
