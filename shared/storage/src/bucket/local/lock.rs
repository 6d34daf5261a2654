//! Locks on keys, between threads and processes.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::RESERVED;
use super::durable::with_directory;

/// Keys share this many locks.
const LOCKS: u32 = 64;

pub(super) fn lock_directory(root: &Path) -> PathBuf {
    root.join(RESERVED).join("locks")
}

/// The file whose lock guards this key. Another build of the program must choose the same one.
fn lock_path(root: &Path, key: &str) -> PathBuf {
    lock_directory(root).join(format!("{:02}", crc32fast::hash(key.as_bytes()) % LOCKS))
}

/// Opens or makes the file of a lock.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)
}

/// Takes the lock of this key against other threads and processes, until the file is dropped; `None` if it is held.
pub(super) fn try_lock(root: &Path, key: &str) -> io::Result<Option<File>> {
    let file = with_directory(root, &lock_directory(root), || open(&lock_path(root, key)))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
