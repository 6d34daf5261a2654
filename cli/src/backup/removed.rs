//! What a backup takes out of itself: never deleted, and never in the place of what was taken out before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic_file::sync_directory;
use crate::transfer::{Line, Manifest, RESERVED};

/// The subdirectory of the newest copies, a backup by itself.
pub(super) const REMOVED: &str = "removed";
/// The subdirectory of that for older copies under the same ids.
const EARLIER: &str = "earlier";

/// `.backup/removed`: `{id}.json`, the manifest, and `earlier/{id}.{n}.json`.
#[derive(Debug)]
pub(super) struct Removed {
    path: PathBuf,
    manifest: Manifest,
}

impl Removed {
    /// Opens that of this backup, or makes it.
    pub(super) fn open(backup: &Path) -> io::Result<Self> {
        let path = backup.join(RESERVED).join(REMOVED);
        fs::create_dir_all(path.join(EARLIER))?;
        Ok(Self { manifest: Manifest::open(&path)?, path })
    }

    /// Moves a file here. Its lines go first, so that at any moment there is one for it.
    pub(super) fn take(&self, file: &Path, id: &str, lines: &[Line]) -> io::Result<()> {
        lines.iter().try_for_each(|line| self.manifest.append(line))?;
        let place = self.path.join(format!("{id}.json"));
        if is_taken(&place) {
            let earlier = |n: u64| self.path.join(EARLIER).join(format!("{id}.{n}.json"));
            let mut n = 1;
            while is_taken(&earlier(n)) {
                n += 1;
            }
            fs::rename(&place, earlier(n))?;
        }
        fs::rename(file, place)
    }

    /// Waits until the disk has all of it.
    pub(super) fn sync(&self) -> io::Result<()> {
        sync_directory(&self.path.join(EARLIER))?;
        sync_directory(&self.path)
    }

    /// Where the file of this id is, for messages.
    pub(super) fn name(id: &str) -> String {
        format!("{RESERVED}/{REMOVED}/{id}.json")
    }
}

/// Whether there is anything; a link counts, wherever it leads.
pub(super) fn is_taken(place: &Path) -> bool {
    fs::symlink_metadata(place).is_ok()
}
