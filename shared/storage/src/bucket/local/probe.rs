//! Proves at start that a directory, and the file system beneath it, can carry the protocol.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::failure::unusable;
use super::meta_of;
use super::{durable, file_system, lock};
use crate::bucket::{BucketError, Result};
use crate::config::{NamedBy, absolute};
use crate::time::SavedAt;

/// Temporary files of a killed process are removed when they are older than any request can be.
const ABANDONED: Duration = Duration::from_mins(15);

pub(super) fn probe(root: &Path, named_by: NamedBy) -> Result<()> {
    let unusable = |error| unusable(named_by, root, error);
    prepare(root).map_err(unusable)?;
    let shared = file_system::shared(root);
    let place = root.display();
    if let Some(lack) = find_lack(root).map_err(unusable)? {
        let named = shared.map(|shared| format!(" ({shared})")).unwrap_or_default();
        return Err(BucketError::misconfigured(format!(
            "the file system of {place}{named} {lack}; set {} to a directory on another file system",
            named_by.directory()
        )));
    }
    if let Some(shared) = shared {
        tracing::warn!("the store in {place} is on {shared}");
    }
    Ok(())
}

/// Looks for the directory, and writes nothing.
pub(super) fn check_that_it_exists(root: &Path, named_by: NamedBy) -> Result<()> {
    let place = absolute(root);
    match fs::read_dir(root) {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            let place = place.display();
            let advice = format!(
                "there is no store in {place}: {error}; choose another by --store or LOCAL_STORAGE_DIR, or begin one \
                 with `design-analysis save` or `import`"
            );
            Err(BucketError::Misconfigured { advice, source: Some(error.into()) })
        }
        Err(error) => Err(unusable(named_by, &place, error)),
    }
}

fn prepare(root: &Path) -> io::Result<()> {
    durable::create_root(root)?;
    let directories = durable::private_directories(true);
    directories.create(lock::lock_directory(root))?;
    directories.create(durable::temporary_directory(root))?;
    fs::read_dir(root)?;
    remove_older(&durable::temporary_directory(root), ABANDONED)
}

fn remove_older(directory: &Path, limit: Duration) -> io::Result<()> {
    for file in fs::read_dir(directory)? {
        let file = file?;
        if file.metadata().is_ok_and(|meta| age(&meta) > limit) {
            // Another process may be cleaning up too.
            let _ = fs::remove_file(file.path());
        }
    }
    Ok(())
}

/// Time since the last change of the inode: unlike the modification time, no program sets that, and a file that is
/// being written may have a modification time of long ago.
fn age(meta: &fs::Metadata) -> Duration {
    let since_epoch = (u64::try_from(meta.ctime()), u32::try_from(meta.ctime_nsec()));
    let (Ok(seconds), Ok(nanoseconds)) = since_epoch else { return Duration::ZERO };
    (UNIX_EPOCH + Duration::new(seconds, nanoseconds)).elapsed().unwrap_or_default()
}

/// What the file system does not do, as a phrase.
fn find_lack(root: &Path) -> io::Result<Option<&'static str>> {
    let saved_at = SavedAt::from_micros(1_704_067_200_123_456);
    let place = tempfile::Builder::new().prefix("probe").tempdir_in(durable::temporary_directory(root))?;
    let (lower, upper) = (place.path().join("probe"), place.path().join("PROBE"));
    durable::write_temporary(root, b"1", saved_at)?.persist_noclobber(&lower).map_err(|e| e.error)?;
    if meta_of(&lower)?.is_none_or(|meta| meta.saved_at != saved_at) {
        return Ok(Some("does not keep modification times to the microsecond"));
    }
    if durable::write_temporary(root, b"2", saved_at)?.persist_noclobber(&lower).is_ok() {
        return Ok(Some("does not refuse to rename over an existing file"));
    }
    if upper.exists() {
        return Ok(Some("does not tell upper from lower case in file names, as ids do"));
    }
    // Not one that guards keys: another process may hold that as long as it likes.
    let lock = place.path().join("lock");
    let held = lock::open(&lock)?;
    held.lock()?;
    let is_exclusive = lock::open(&lock)?.try_lock().is_err();
    Ok((!is_exclusive).then_some("does not support file locks"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_being_written_is_not_abandoned_whatever_its_modification_time() {
        let root = tempfile::TempDir::new().unwrap();
        prepare(root.path()).unwrap();
        let long_ago = SavedAt::from_micros(1_704_067_200_123_456);
        let file = durable::write_temporary(root.path(), b"1", long_ago).unwrap();
        prepare(root.path()).unwrap();
        assert!(file.path().exists());
        remove_older(&durable::temporary_directory(root.path()), Duration::ZERO).unwrap();
        assert!(!file.path().exists());
    }
}
