//! Locks on keys, between threads and processes.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::RESERVED;
use super::durable::with_directory;

/// Keys share this many locks.
const LOCKS: u32 = 64;

pub(super) fn lock_directory(root: &Path) -> PathBuf {
    root.join(RESERVED).join("locks")
}

/// The file whose lock guards this key. Another build of the program must choose the same one.
pub(super) fn lock_path(root: &Path, key: &str) -> PathBuf {
    lock_directory(root).join(format!("{:02}", crc32fast::hash(key.as_bytes()) % LOCKS))
}

/// Holds the lock of this key against other threads and processes until the file is dropped.
pub(super) fn lock(root: &Path, key: &str) -> io::Result<File> {
    let open = || OpenOptions::new().create(true).truncate(false).write(true).open(lock_path(root, key));
    let file = with_directory(root, &lock_directory(root), open)?;
    file.lock()?;
    Ok(file)
}
