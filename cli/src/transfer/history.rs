//! `.backup/history/{run}`: what the runs of a backup have replaced or removed. Each is a backup by itself: documents
//! under their names, and a manifest of them.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::TransferError;
use super::files_by_id::Found;
use super::joined::SourceRecord;
use super::manifest::{RESERVED, read_lines};
use super::sorter::Sorter;
use crate::atomic_file::{self, usual_permissions};

/// The subdirectory of all of it.
const HISTORY: &str = "history";
/// The file that names the last run whose copies have been deleted.
const PRUNED: &str = "pruned";

/// A run of `backup`, named by the time at which it began, in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Run(Timestamp);

impl Run {
    /// One that begins at this time, and after the last in any case: clocks go back.
    pub(crate) fn begin(now: Timestamp, last: Option<Self>) -> Self {
        let next = last.map_or(i64::MIN, |last| last.0.as_millisecond() + 1);
        Self(Timestamp::from_millisecond(now.as_millisecond().max(next)).unwrap_or(now))
    }

    /// When it began.
    pub(crate) fn began(self) -> Timestamp {
        self.0
    }

    /// The name of its directory, which sorts as the times do: `20261128T102233.412Z`.
    pub(crate) fn name(self) -> String {
        self.0.strftime("%Y%m%dT%H%M%S%.3fZ").to_string()
    }

    /// The run of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let run = Self(name.parse().ok()?);
        (run.name() == name).then_some(run)
    }

    /// The path of its directory below that of the backup.
    pub(crate) fn path(self) -> PathBuf {
        Path::new(RESERVED).join(HISTORY).join(self.name())
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

/// The directory of the history of a backup.
pub(crate) fn history(backup: &Path) -> PathBuf {
    backup.join(RESERVED).join(HISTORY)
}

/// The runs that have replaced or removed anything, the oldest first.
pub(crate) fn runs(backup: &Path) -> Result<Vec<Run>, TransferError> {
    let path = history(backup);
    let mut runs = Vec::new();
    each_file(&path, |name, _| {
        runs.extend(Run::parse(name));
        Ok(())
    })?;
    runs.sort_unstable();
    Ok(runs)
}

/// Hands the id of each document in this very directory to `found`, with its size in bytes.
pub(crate) fn copies(
    directory: &Path,
    mut found: impl FnMut(&str, u64) -> io::Result<()>,
) -> Result<(), TransferError> {
    each_file(directory, |name, entry| match name.strip_suffix(".json") {
        Some(id) => match fs::metadata(entry.path()) {
            Ok(metadata) if metadata.is_file() => found(id, metadata.len()),
            _ => Ok(()),
        },
        None => Ok(()),
    })
}

fn each_file(
    directory: &Path,
    mut found: impl FnMut(&str, &fs::DirEntry) -> io::Result<()>,
) -> Result<(), TransferError> {
    let failed = |source| TransferError::File { what: "read", path: directory.to_owned(), source };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if let Some(name) = entry.file_name().to_str() {
            found(name, &entry).map_err(TransferError::Temporary)?;
        }
    }
    Ok(())
}

/// The last run whose copies have been deleted: what the backup had before it is not known.
pub(crate) fn pruned(backup: &Path) -> Result<Option<Run>, TransferError> {
    let path = history(backup).join(PRUNED);
    match fs::read_to_string(&path) {
        Ok(text) => match Run::parse(text.trim_end()) {
            Some(run) => Ok(Some(run)),
            None => Err(TransferError::Unusable(format!("{} names no run of a backup", path.display()))),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TransferError::File { what: "read", path, source }),
    }
}

/// Records that the copies of this run and all before it are about to be deleted.
pub(crate) fn record_pruned(backup: &Path, run: Run, temporary: &Path) -> Result<(), TransferError> {
    let path = history(backup).join(PRUNED);
    let written = atomic_file::write(temporary, usual_permissions(), |file| writeln!(file, "{}", run.name()));
    let placed = written.and_then(|file| file.place(&path));
    let synced = placed.and_then(|()| atomic_file::sync_directory(&history(backup)));
    synced.map_err(|source| TransferError::File { what: "write", path, source })
}

impl Sorter<SourceRecord> {
    /// Adds what a run has taken out; `wanted` tells which ids.
    pub(crate) fn add_taken_out(
        &mut self,
        backup: &Path,
        run: Run,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(), TransferError> {
        let (directory, name) = (backup.join(run.path()), run.name());
        let of_run = |record| SourceRecord::TakenOut(name.clone(), Box::new(record));
        read_lines(&directory, |number, line| match line {
            Some(line) if wanted(&line.id) => {
                self.push(&line.id.clone(), &of_run(SourceRecord::Listed(number, line)))
            }
            _ => Ok(()),
        })?;
        copies(&directory, |id, size| {
            if !wanted(id) {
                return Ok(());
            }
            let path = run.path().join(format!("{id}.json"));
            self.push(id, &of_run(SourceRecord::File(Found::File { path, size })))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_have_names_that_sort_and_no_two_have_one() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let first = Run::begin(at("2026-11-28T10:22:33.4129Z"), None);
        assert_eq!(
            (first.name().as_str(), &*first.to_string()),
            ("20261128T102233.412Z", "2026-11-28T10:22:33.412Z")
        );
        assert_eq!(Run::parse(&first.name()), Some(first));
        let second = Run::begin(at("2026-11-28T09:00:00Z"), Some(first));
        assert!(second > first && second.name() > first.name());
        for other in ["pruned", "", "20261128T102233Z", "2026-11-28T10:22:33.412Z"] {
            assert_eq!(Run::parse(other), None, "{other}");
        }
    }
}
