//! `manifest.jsonl`: what a backup directory holds, one line of JSON for each document.
//!
//! While a backup runs, it appends the line of each document before it puts the document in place, and at the end
//! replaces the file by one with exactly one line for each document. So at any moment there is a line for every file,
//! and the last line that fits a file is the one that describes it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use analysis_storage::{AnalysisId, CreatedAt, Entry, Label, LabelKind, SavedAt, Summary};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::TransferError;
use crate::atomic_file::{self, sync_directory, usual_permissions};

/// Its name.
pub(crate) const MANIFEST: &str = "manifest.jsonl";
/// The subdirectory for what is no document of the backup.
pub(crate) const RESERVED: &str = ".backup";

/// One document of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Its id; the file is `{id}.json`.
    pub(crate) id: String,
    /// When the analysis was created.
    pub(crate) created_at: String,
    /// Which save of it this is.
    pub(crate) saved_at: String,
    /// The digest of the document.
    pub(crate) sha256: String,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// What the index says of it.
    pub(crate) implementation: String,
    /// What the index says of it.
    pub(crate) status: String,
    /// Which run copied it; versions before 0.1.0 did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) copied_at: Option<String>,
    /// Why it is in the history; `None` elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) taken_out: Option<TakenOut>,
}

/// Why a run took a copy out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TakenOut {
    /// Another document was stored under the id.
    Replaced,
    /// The store had the document no longer.
    Removed,
}

impl Line {
    /// The line of the document with this entry and digest.
    pub(crate) fn from_entry(entry: &Entry, sha256: String) -> Self {
        Self {
            id: entry.id.to_string(),
            created_at: entry.created_at.to_string(),
            saved_at: entry.saved_at.to_string(),
            sha256,
            size: entry.size,
            implementation: entry.summary.implementation.to_string(),
            status: entry.summary.status.to_string(),
            copied_at: None,
            taken_out: None,
        }
    }

    /// Whether both are lines of the same bytes.
    pub(crate) fn is_of_content(&self, other: &Self) -> bool {
        self.sha256 == other.sha256 && self.size == other.size
    }

    /// Since when the backup has had the document: what says nothing of it counts from its save.
    pub(crate) fn copied_at(&self) -> Option<Timestamp> {
        self.copied_since()?.parse().ok()
    }

    /// The same as it is written in the line, which is what a line of the same bytes says in turn; `None` if it
    /// cannot be read.
    pub(crate) fn copied_since(&self) -> Option<String> {
        let at = self.copied_at.as_ref().unwrap_or(&self.saved_at);
        at.parse::<Timestamp>().is_ok().then(|| at.clone())
    }

    /// The line that describes a file with this digest and size: the last that fits.
    pub(crate) fn describing<'a>(lines: &'a [Self], sha256: &str, size: u64) -> Option<&'a Self> {
        lines.iter().rfind(|line| line.sha256 == sha256 && line.size == size)
    }

    /// The creation time; `None` if it cannot be read.
    pub(crate) fn created_at(&self) -> Option<CreatedAt> {
        CreatedAt::from_millis(self.created_at.parse::<Timestamp>().ok()?.as_millisecond())
    }

    /// Whether this is the line of that save.
    pub(crate) fn is_of(&self, saved_at: SavedAt) -> bool {
        self.saved_at.parse::<Timestamp>().is_ok_and(|at| SavedAt::from(at) == saved_at)
    }

    /// What the index is to say of a document that says nothing of itself.
    pub(crate) fn summary(&self) -> Summary {
        let label = |kind, text| Label::parse(kind, text).unwrap_or_else(|_| Label::unknown());
        Summary {
            implementation: label(LabelKind::Implementation, &self.implementation),
            status: label(LabelKind::Status, &self.status),
            timestamp: None,
            execution_ms: None,
        }
    }
}

/// Whether a directory is a backup, or was one before its manifest was lost.
pub(crate) fn is_backup(directory: &Path) -> bool {
    [MANIFEST, RESERVED].iter().any(|name| directory.join(name).exists())
}

/// Hands each line and its number to `found`, or the number alone if it cannot be read. A last line that was cut off
/// is none. Whether there is a manifest.
pub(crate) fn read_lines(
    directory: &Path,
    mut found: impl FnMut(u64, Option<Line>) -> io::Result<()>,
) -> Result<bool, TransferError> {
    let path = directory.join(MANIFEST);
    let failed = |source| TransferError::File { what: "read", path: path.clone(), source };
    let mut file = match File::open(&path) {
        Ok(file) => BufReader::new(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        file.read_until(b'\n', &mut line).map_err(failed)?;
        if line.last() != Some(&b'\n') {
            break;
        }
        let parsed: Option<Line> = serde_json::from_slice(&line).ok();
        let usable = parsed.filter(|line| AnalysisId::from_stored(&line.id).is_ok());
        found(number, usable).map_err(TransferError::Temporary)?;
    }
    Ok(true)
}

/// The manifest of a backup that is being made.
#[derive(Debug)]
pub(crate) struct Manifest {
    path: PathBuf,
    file: File,
    /// The length of its whole lines, in bytes.
    length: Mutex<u64>,
}

impl Manifest {
    /// Opens or makes the one in this directory, and takes off a last line that was cut off.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let path = directory.join(MANIFEST);
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
        let mut whole = 0;
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 && line.last() == Some(&b'\n') {
            whole += line.len() as u64;
            line.clear();
        }
        file.set_len(whole)?;
        sync_directory(directory)?;
        Ok(Self { path, file, length: Mutex::new(whole) })
    }

    /// Whether it has no line.
    pub(crate) fn is_empty(&self) -> bool {
        *self.length.lock().unwrap_or_else(PoisonError::into_inner) == 0
    }

    /// Adds a line, and waits until the disk has it. It is whole unless the process ends meanwhile.
    pub(crate) fn append(&self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.write(&text)?;
        // Without the lock: one sync does for all lines that were written before it.
        self.file.sync_data()
    }

    fn write(&self, line: &[u8]) -> io::Result<()> {
        let mut length = self.length.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.file.write_all_at(line, *length) {
            // The next line must not be added to half of this one.
            self.file.set_len(*length)?;
            return Err(error);
        }
        *length += line.len() as u64;
        Ok(())
    }

    /// Puts these lines in the place of all others, by way of a file in the directory for `temporary` ones.
    pub(crate) fn replace(
        &self,
        temporary: &Path,
        mut lines: impl Iterator<Item = io::Result<Line>>,
    ) -> io::Result<()> {
        let file = atomic_file::write(temporary, usual_permissions(), |file| {
            lines.try_for_each(|line| {
                serde_json::to_writer(&mut *file, &line?)?;
                file.write_all(b"\n")
            })
        })?;
        file.place(&self.path)
    }
}

/// Keeps two backups, or a backup and its reader, out of one directory.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "the lock lasts as long as the open file")] Option<File>);

impl Lock {
    /// For the one that writes.
    pub(crate) fn exclusive(directory: &Path) -> Result<Self, TransferError> {
        let path = directory.join(RESERVED).join("lock");
        let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = open.map_err(|source| TransferError::File { what: "write", path, source })?;
        Self::taken(file.try_lock(), directory)?;
        Ok(Self(Some(file)))
    }

    /// For those that read. A directory that no backup was made in needs none.
    pub(crate) fn shared(directory: &Path) -> Result<Self, TransferError> {
        let Ok(file) = File::open(directory.join(RESERVED).join("lock")) else { return Ok(Self(None)) };
        Self::taken(file.try_lock_shared(), directory)?;
        Ok(Self(Some(file)))
    }

    fn taken(lock: Result<(), TryLockError>, directory: &Path) -> Result<(), TransferError> {
        match lock {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => {
                let directory = directory.display();
                Err(TransferError::Unusable(format!(
                    "another command is at work on the backup in {directory}"
                )))
            }
            Err(TryLockError::Error(source)) => {
                Err(TransferError::File { what: "lock", path: directory.to_owned(), source })
            }
        }
    }
}
