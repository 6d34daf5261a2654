//! `.backup/last-run.json`: when the last run began, and whether it came to its end.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::directory::temporary_directory;
use crate::atomic_file::{self, usual_permissions};
use crate::transfer::{RESERVED, Run, TransferError};

/// The last run of a backup.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct LastRun {
    pub(super) began: Run,
    /// `None` while it runs, and for good if it failed or was killed.
    pub(super) ended: Option<Timestamp>,
    /// The last run before it that came to its end.
    pub(super) complete: Option<Run>,
}

impl LastRun {
    /// That of this backup; `None` if only older versions have worked on it.
    pub(super) fn read(backup: &Path) -> Result<Option<Self>, TransferError> {
        let path = file(backup);
        let failed = |source| TransferError::File { what: "read", path: path.clone(), source };
        match fs::read(&path) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text).map_err(io::Error::from).map_err(failed)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed(source)),
        }
    }

    /// The last run that came to its end, if not this one.
    pub(super) fn last_complete(self) -> Option<Run> {
        if self.ended.is_some() { Some(self.began) } else { self.complete }
    }

    /// Puts it in the place of the one before.
    pub(super) fn write(self, backup: &Path) -> Result<(), TransferError> {
        let path = file(backup);
        let written = atomic_file::write(&temporary_directory(backup), usual_permissions(), |file| {
            serde_json::to_writer(&mut *file, &self)?;
            file.write_all(b"\n")
        });
        let placed = written.and_then(|file| file.place(&path));
        placed.map_err(|source| TransferError::File { what: "write", path, source })
    }
}

fn file(backup: &Path) -> PathBuf {
    backup.join(RESERVED).join("last-run.json")
}
