//! The directory of a backup: `{id}.json`, the manifest, and `.backup/` for all else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::history::History;
use crate::atomic_file::{self, sync_directory, usual_permissions};
use crate::transfer::{Line, Lock, Manifest, RESERVED, Sorter, TransferError};

/// A backup that is being made or brought up to date.
#[derive(Debug)]
pub(super) struct BackupDirectory {
    path: PathBuf,
    manifest: Manifest,
    _lock: Lock,
}

impl BackupDirectory {
    /// Makes the directory if it is missing, and keeps others out of it.
    pub(super) fn open(path: &Path) -> Result<Self, TransferError> {
        let failed = |source| TransferError::File { what: "use", path: path.to_owned(), source };
        let (reserved, temporary) = (path.join(RESERVED), temporary_directory(path));
        fs::create_dir_all(&reserved).map_err(failed)?;
        let lock = Lock::exclusive(path)?;
        // What a backup that was killed has left behind.
        match fs::remove_dir_all(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => fs::create_dir(&temporary).map_err(failed)?,
        }
        if reserved.join("TMP").exists() {
            let path = path.display();
            return Err(TransferError::Unusable(format!(
                "the file system of {path} does not tell upper from lower case in file names, as ids do; choose another"
            )));
        }
        Ok(Self { path: path.to_owned(), manifest: Manifest::open(path).map_err(failed)?, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the manifest lists anything.
    pub(super) fn is_in_use(&self) -> bool {
        !self.manifest.is_empty()
    }

    /// Puts a document in place, its line in the manifest first. A process that is killed in between leaves a line
    /// that fits no file, and the file that was there before with its own line. `replaced` are the lines of a file
    /// there that goes to the history.
    pub(super) fn write(
        &self,
        line: &Line,
        document: &[u8],
        history: &History,
        replaced: &[Line],
    ) -> Result<(), TransferError> {
        let place = self.document(&line.id);
        let failed = |source| TransferError::File { what: "write", path: place.clone(), source };
        let written = atomic_file::write(&temporary_directory(&self.path), usual_permissions(), |file| {
            file.write_all(document)
        });
        let file = written.map_err(failed)?;
        if !replaced.is_empty() {
            history.keep(&place, &line.id, replaced).map_err(failed)?;
        }
        self.manifest.append(line).map_err(failed)?;
        file.place(&place).map_err(failed)
    }

    /// Moves a file to the history, with the lines that may describe it.
    pub(super) fn remove(&self, id: &str, lines: &[Line], history: &History) -> Result<(), TransferError> {
        let place = self.document(id);
        let taken = history.take(&place, id, lines);
        taken.map_err(|source| TransferError::File { what: "move", path: place, source })
    }

    /// Reduces the manifest to these lines.
    pub(super) fn finish(&self, lines: Sorter<Line>, history: &History) -> Result<(), TransferError> {
        let lines = in_order(lines).map_err(TransferError::Temporary)?;
        let temporary = temporary_directory(&self.path);
        let sync = || sync_directory(&self.path);
        // What was taken out, then the files, before the manifest that lists them.
        let moved = history.sync().and_then(|()| sync());
        let done = moved.and_then(|()| self.manifest.replace(&temporary, lines)).and_then(|()| sync());
        done.map_err(|source| TransferError::File { what: "write", path: self.path.clone(), source })
    }

    /// Whether there is anything where the document would be, other than a file. A link counts, wherever it leads.
    pub(super) fn is_obstructed(&self, id: &str) -> bool {
        is_taken(&self.document(id))
    }

    /// Where a document is.
    pub(super) fn document(&self, id: &str) -> PathBuf {
        self.path.join(format!("{id}.json"))
    }
}

/// Where files are written before they are put in their places.
pub(super) fn temporary_directory(backup: &Path) -> PathBuf {
    backup.join(RESERVED).join("tmp")
}

/// The lines in the order of their ids.
pub(super) fn in_order(lines: Sorter<Line>) -> io::Result<impl Iterator<Item = io::Result<Line>>> {
    Ok(lines.groups()?.flat_map(|group| match group {
        Ok(group) => group.records.into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(error)],
    }))
}

/// Whether there is anything; a link counts, wherever it leads.
pub(super) fn is_taken(place: &Path) -> bool {
    fs::symlink_metadata(place).is_ok()
}
