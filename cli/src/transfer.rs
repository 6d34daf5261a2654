//! What the commands share that carry documents in and out.

mod budget;
mod error;
mod failures;
mod files_by_id;
mod history;
mod importer;
mod joined;
mod kind;
mod manifest;
mod options;
mod report;
mod sorter;
mod work;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use analysis_storage::config::Storage;
use analysis_storage::query::Filter;
use analysis_storage::{Access, Analyses, Buffer, Entry, ErrorCode, Share, StorageConfig};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::pages::Pages;
use crate::progress::{Amount, Progress};
use crate::signals::Signals;
use crate::store::Store;

pub(crate) use budget::Budget;
pub(crate) use error::TransferError;
pub(crate) use failures::Failures;
pub(crate) use files_by_id::Found;
pub(crate) use history::{Run, copies, history, pruned, record_pruned, runs};
pub(crate) use importer::Importer;
pub(crate) use joined::{JoinedById, SourceRecord};
pub(crate) use kind::{Kind, TransferKind};
pub(crate) use manifest::{Line, Lock, MANIFEST, Manifest, RESERVED, TakenOut, is_backup, read_lines};
pub(crate) use options::TransferOptions;
pub(crate) use report::{Done, Problem, Report, doubtful};
pub(crate) use sorter::Sorter;
pub(crate) use work::Work;

/// A store, and what a transfer needs to work on it.
pub(crate) struct Transfer {
    pub(crate) config: StorageConfig,
    pub(crate) analyses: Analyses,
    pub(crate) budget: Budget,
    pub(crate) work: Work,
}

impl Transfer {
    /// Opens the configured store for this; `counts` are the totals that the report has in any case.
    pub(crate) async fn begin(
        command: &'static str,
        access: Access,
        options: &TransferOptions,
        counts: &[&'static str],
    ) -> Result<Self, TransferError> {
        let mut signals = Signals::new()?;
        let opening = Box::pin(async { Ok::<_, TransferError>(Store::open(access).await?) });
        let store = signals.beside(opening).await?;
        let report = Report::new(command, options.json(), counts).of_store(store.name());
        let Store { config, analyses, progress, .. } = store;
        let jobs = options.jobs();
        let work = Work { jobs, signals, progress, report };
        Ok(Self { budget: Budget::new(config.max_document_bytes), config, analyses, work })
    }

    /// What a command that saves documents opens the store for.
    pub(crate) fn access_to_save(dry_run: bool) -> Access {
        if dry_run { Access::Preview } else { Access::Write }
    }
}

/// Refuses a directory that holds the files of the store, or lies among them.
pub(crate) fn keep_apart(config: &StorageConfig, directory: &Path) -> Result<(), TransferError> {
    let Storage::Local { directory: store } = &config.storage else { return Ok(()) };
    let place = |path: &Path| {
        canonical(path).map_err(|source| TransferError::File { what: "find", path: path.to_owned(), source })
    };
    let (own, other) = (place(store)?, place(directory)?);
    if own.starts_with(&other) || other.starts_with(&own) {
        let (other, own) = (directory.display(), store.display());
        let text = format!("{other} and the store in {own} overlap; choose another directory");
        return Err(TransferError::Unusable(text));
    }
    Ok(())
}

/// Refuses to take a backup for a mere directory: creation times, once recorded, never change. Without its manifest it
/// is one.
pub(crate) fn refuse_backup(directory: &Path) -> Result<(), TransferError> {
    if !directory.join(MANIFEST).exists() {
        return Ok(());
    }
    Err(TransferError::Unusable(format!(
        "there is a {MANIFEST} in {0}, so it is a backup: `restore --from {0}` brings it back with its creation times; \
         to import its files as they are, move {MANIFEST} away",
        directory.display()
    )))
}

/// Where a path leads, or will lead once the directories that are missing have been made.
fn canonical(path: &Path) -> io::Result<PathBuf> {
    let mut place = PathBuf::new();
    for part in std::path::absolute(path)?.components() {
        match part {
            Component::ParentDir => drop(place.pop()),
            part => place.push(part),
        }
        match fs::canonicalize(&place) {
            Ok(found) => place = found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(place)
}

/// Hands every entry of the list to `found`.
pub(crate) async fn list(
    analyses: &Analyses,
    progress: &Progress,
    mut found: impl FnMut(&Entry) -> io::Result<()>,
) -> Result<(), TransferError> {
    let mut pages = Pages::new(analyses, Filter::default(), u64::MAX);
    while let Some(entries) = pages.next().await.map_err(TransferError::Failed)? {
        entries.iter().try_for_each(&mut found).map_err(TransferError::Temporary)?;
        progress.advance(Amount::items(entries.len() as u64));
    }
    Ok(())
}

/// Runs what takes the processor or the disk a while, away from the network.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, TransferError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| TransferError::Output(io::Error::other(e)))
}

/// The content of a file that had this size. One that has grown is an error: no memory is set aside for it.
pub(crate) async fn read_file(path: PathBuf, size: u64) -> Result<io::Result<Bytes>, TransferError> {
    blocking(move || {
        let mut file = File::open(path)?;
        let mut content = Buffer::try_with_capacity(size)?;
        content.append_all(&mut (&mut file).take(size))?;
        if file.read(&mut [0])? > 0 {
            Err(io::Error::other("it grows"))
        } else {
            Ok(content.freeze(Share::default()))
        }
    })
    .await
}

/// The SHA-256 digest of what is read, in lower-case hexadecimal, and its length in bytes.
pub(crate) fn sha256(mut from: impl Read) -> io::Result<(String, u64)> {
    let (mut digest, mut length) = (Sha256::new(), 0);
    let mut part = vec![0; 64 << 10];
    loop {
        match from.read(&mut part)? {
            0 => break,
            read => {
                digest.update(&part[..read]);
                length += read as u64;
            }
        }
    }
    let hex = digest.finalize().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    Ok((hex, length))
}

/// The problem of a document that is larger than the memory set aside for one.
pub(crate) fn too_large(subject: impl Into<String>, size: u64, limit: u64) -> Problem {
    let reason =
        format!("has {size} bytes; raise MAX_DOCUMENT_BYTES, which is {limit}, if there is memory for it");
    Problem::new(ErrorCode::DocumentTooLarge, subject, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_more_of_a_file_is_read_than_it_had() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.json");
        fs::write(&path, "{ }").unwrap();
        assert_eq!(read_file(path.clone(), 3).await.unwrap().unwrap(), "{ }");
        assert!(read_file(path, 2).await.unwrap().is_err());
    }
}
