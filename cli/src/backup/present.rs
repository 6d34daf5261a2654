//! What a backup has of one analysis, before anything is done about it.

use std::fs::File;

use super::directory::BackupDirectory;
use crate::progress::Amount;
use crate::transfer::{JoinedById, Line, MANIFEST, Problem, TransferError, TransferKind, blocking, sha256};

/// The copy in the place of a document.
#[derive(Debug, Clone)]
pub(super) enum Present {
    /// There is none, or a file that is not of the backup.
    Nothing,
    /// It is what this line says.
    Good(Line),
    /// No line describes it.
    Damaged,
}

/// One document of the store, and what is read of it: nothing if the copy is known to be up to date, and the copy, too,
/// if it is checked.
pub(super) fn amount(joined: &JoinedById, check: bool) -> Amount {
    let copied = match (&joined.entry, &joined.lines[..], &joined.files[..]) {
        (Some(entry), [line], [(_, size), ..]) if line.size == *size && line.is_of(entry.saved_at) => 0,
        (entry, _, _) => entry.as_ref().map_or(0, |entry| entry.size),
    };
    let checked = if check { joined.sources().bytes } else { 0 };
    Amount { items: joined.entry.is_some().into(), bytes: copied + checked }
}

impl Present {
    /// Looks at it: by its size, and at its bytes if several lines may be its own, or if every copy is to be checked.
    ///
    /// Of several lines, one was written by a backup that did not end; which one the file belongs to must be read from
    /// the file.
    pub(super) async fn look(
        directory: &BackupDirectory,
        joined: &JoinedById,
        check: bool,
    ) -> Result<Self, TransferError> {
        let Some((_, size)) = joined.files.first() else { return Ok(Self::Nothing) };
        let line = match &joined.lines[..] {
            [] => return Ok(Self::Nothing),
            [line] if !check || line.size != *size => (line.size == *size).then(|| line.clone()),
            // Whatever it is, nobody need read all of it.
            lines if lines.iter().all(|line| line.size != *size) => None,
            lines => {
                let place = directory.document(&joined.id);
                let read = blocking(move || sha256(File::open(place)?)).await?;
                // A file that cannot be read is copied again.
                read.ok().and_then(|(digest, size)| Line::describing(lines, &digest, size)).cloned()
            }
        };
        Ok(line.map_or(Self::Damaged, Self::Good))
    }

    pub(super) fn line(&self) -> Option<&Line> {
        match self {
            Self::Good(line) => Some(line),
            Self::Nothing | Self::Damaged => None,
        }
    }

    /// The lines that may describe the copy.
    pub(super) fn lines(&self, joined: &JoinedById) -> Vec<Line> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Good(line) => vec![line.clone()],
            Self::Damaged => joined.lines.clone(),
        }
    }

    /// What is wrong with it, if it can be healed from nowhere.
    pub(super) fn problem(&self, joined: &JoinedById, what_now: &str) -> Option<Problem> {
        let name = format!("{}.json", joined.id);
        let reason = format!("is not what {MANIFEST} says, and {what_now}");
        matches!(self, Self::Damaged).then(|| Problem::new(TransferKind::DamagedCopy, name, reason))
    }
}
