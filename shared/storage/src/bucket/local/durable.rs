//! Durable steps on the file system.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use tempfile::NamedTempFile;

use super::RESERVED;
use crate::time::SavedAt;

pub(super) fn temporary_directory(root: &Path) -> PathBuf {
    root.join(RESERVED).join("tmp")
}

/// Makes the root, and makes each new name durable in its parent.
pub(super) fn create_root(root: &Path) -> io::Result<()> {
    create_directories(Path::new(""), &std::path::absolute(root)?)
}

/// Makes `directory` below `root`, and makes each new name durable in its parent.
pub(super) fn create_directories(root: &Path, directory: &Path) -> io::Result<()> {
    if directory.is_dir() || directory == root {
        return Ok(());
    }
    let parent = directory.parent().unwrap_or(root);
    create_directories(root, parent)?;
    match private_directories(false).create(directory) {
        Ok(()) => sync_directory(parent),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        Err(e) => Err(e),
    }
}

/// A synced file with this content and modification time, removed again unless it is renamed into place.
pub(super) fn write_temporary(root: &Path, body: &[u8], saved_at: SavedAt) -> io::Result<NamedTempFile> {
    let directory = temporary_directory(root);
    let mut file = with_directory(root, &directory, || builder().tempfile_in(&directory))?;
    file.write_all(body)?;
    let micros = u64::try_from(saved_at.micros()).map_err(io::Error::other)?;
    file.as_file().set_modified(UNIX_EPOCH + Duration::from_micros(micros))?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Makes directories that are for this user alone; the umask may narrow that further.
pub(super) fn private_directories(with_parents: bool) -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(with_parents).mode(0o700);
    builder
}

fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.permissions(fs::Permissions::from_mode(0o600));
    builder
}

/// Makes what needs a directory of ours, and the directory if it is missing: a copy of a store may be without it.
pub(super) fn with_directory<T>(
    root: &Path,
    directory: &Path,
    make: impl Fn() -> io::Result<T>,
) -> io::Result<T> {
    match make() {
        Err(e) if e.kind() == io::ErrorKind::NotFound && root.is_dir() => {
            private_directories(true).create(directory)?;
            make()
        }
        done => done,
    }
}

pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    #[cfg(test)]
    SYNCED.with_borrow_mut(|synced| synced.push(directory.to_owned()));
    match File::open(directory) {
        Ok(file) => file.sync_all(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
thread_local! {
    /// The directories that this thread has synced.
    pub(super) static SYNCED: std::cell::RefCell<Vec<PathBuf>> = const { std::cell::RefCell::new(Vec::new()) };
}
