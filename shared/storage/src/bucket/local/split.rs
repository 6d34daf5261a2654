//! Splitting folders of the index as they fill up, so that what a listing reads does not grow with what is stored.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::durable::{private_directories, sync_directory};
use super::folder::{Folder, of_index};
use crate::bucket::Key;

/// More files than this are split up.
pub(super) const FULL: usize = 32;
/// One write in so many looks how full its folder is.
const LOOK_EACH: u32 = 8;
/// How many files are moved at once: what an earlier version has left in one folder is moved by and by.
const AT_ONCE: usize = 1000;

/// Splits the folder that this key was written to, should it be its turn to look, and should it be full.
///
/// Nobody waits for it, and nothing depends on it: what cannot be moved stays where it is, and is found there.
pub(super) fn split_if_full(root: &Path, key: &Key, read: &AtomicU64) {
    let Some((mut folder, name)) = of_index(root, key) else { return };
    if !crc32fast::hash(name.as_bytes()).is_multiple_of(LOOK_EACH) {
        return;
    }
    let done = loop {
        match (relieve(&folder, read), folder.next(name)) {
            (Ok(()), Some(next)) => folder = next,
            (done, _) => break done,
        }
    };
    if let Err(error) = done {
        tracing::debug!(%error, folder = %folder.place.display(), "cannot split");
    }
}

/// Moves what is in a folder down, if it is split already or full.
fn relieve(folder: &Folder, read: &AtomicU64) -> io::Result<()> {
    let is_split = folder.split().is_dir();
    let names = names(folder, if is_split { AT_ONCE } else { FULL + 1 }, read)?;
    if is_split && names.is_empty() {
        remove_emptied(folder);
        return Ok(());
    }
    if !is_split && names.len() <= FULL {
        return Ok(());
    }
    let names = if is_split { names } else { self::names(folder, AT_ONCE, read)? };
    let targets = move_down(folder, &names)?;
    targets.iter().try_for_each(|target| relieve(target, read))
}

/// The names of so many files that have a place below.
fn names(folder: &Folder, limit: usize, read: &AtomicU64) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(&folder.place) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        read.fetch_add(1, Ordering::Relaxed);
        let name = entry.file_name().into_string().ok().filter(|name| folder.digits(name).is_some());
        if let Some(name) = name.filter(|_| entry.file_type().is_ok_and(|kind| kind.is_file())) {
            names.push(name);
        }
        if names.len() == limit {
            break;
        }
    }
    Ok(names)
}

/// Gives files their second name below first, makes that durable, and then takes the first one away. The folders that
/// they are in then.
fn move_down(folder: &Folder, names: &[String]) -> io::Result<BTreeSet<Folder>> {
    let (mut targets, mut moved) = (BTreeSet::new(), Vec::new());
    for name in names {
        let Some(digits) = folder.digits(name) else { continue };
        let target = folder.below(digits).lowest(name);
        private_directories(true).create(&target.place)?;
        let from = folder.place.join(name);
        match fs::hard_link(&from, target.place.join(name)) {
            Ok(()) => moved.push(from),
            // By another process that splits.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => moved.push(from),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        targets.insert(target);
    }
    to_sync(folder, &targets).iter().try_for_each(|directory| sync_directory(directory))?;
    for from in moved {
        match fs::remove_file(from) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    // A name that came back with a power cut would bring back what was deleted below meanwhile.
    sync_directory(&folder.place)?;
    remove_emptied(folder);
    Ok(targets)
}

/// Removes a folder that nothing is in any more, but for the one that keys name: who lists the folders of all days gets
/// their names in several parts, and would miss a day whose two folders come and go between them.
fn remove_emptied(folder: &Folder) {
    if folder.depth > 0 {
        // Fails if there is anything else in it.
        drop(fs::remove_dir(&folder.place));
    }
}

/// Every directory with a new name in it.
fn to_sync(folder: &Folder, targets: &BTreeSet<Folder>) -> BTreeSet<PathBuf> {
    let top = folder.place.parent();
    let places = targets.iter().flat_map(|target| target.place.ancestors());
    let own = places.filter(|place| top.is_some_and(|top| place.starts_with(top)));
    own.map(Path::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::local::durable::SYNCED;
    use crate::bucket::local::folder::{find, place};

    fn key(n: u32) -> Key {
        Key::new(format!("metadata/index/84123/{:08}!id-{n}!2", n * 7919))
    }

    fn write(root: &Path, n: u32) -> PathBuf {
        let place = place(root, &key(n));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, n.to_string()).unwrap();
        place
    }

    fn read(root: &Path, n: u32) -> Option<String> {
        let look = |place: &Path| Ok(fs::read_to_string(place).ok());
        find(root, &key(n), look).unwrap()
    }

    #[test]
    fn what_a_full_folder_holds_is_found_below_it() {
        let root = tempfile::TempDir::new().unwrap();
        let (root, count) = (root.path(), AtomicU64::new(0));
        let first = write(root, 0);
        (1..2500).for_each(|n| drop(write(root, n)));
        for n in 0..500 {
            split_if_full(root, &key(n), &count);
        }
        assert_eq!(fs::read_dir(first.parent().unwrap()).unwrap().count(), 0, "all of it was moved");
        for n in 0..2500 {
            assert_eq!(read(root, n), Some(n.to_string()));
            let folder = place(root, &key(n));
            assert!(fs::read_dir(folder.parent().unwrap()).unwrap().count() <= FULL + 1, "{folder:?}");
        }
        assert_eq!(read(root, 2500), None);
        assert_eq!(place(root, &key(9)), write(root, 9));
    }

    #[test]
    fn a_split_that_was_cut_off_is_finished() {
        let root = tempfile::TempDir::new().unwrap();
        let (root, count) = (root.path(), AtomicU64::new(0));
        (0..40).for_each(|n| drop(write(root, n)));
        let (top, _) = of_index(root, &key(0)).map(|(folder, name)| (folder, name.to_owned())).unwrap();
        // One was moved, one has both names, and one was written meanwhile.
        let moved = move_down(&top, &["00000000!id-0!2".to_owned()]).unwrap();
        let below = top.below("0").place;
        assert_eq!(moved.first().unwrap().place, below);
        fs::hard_link(top.place.join("00007919!id-1!2"), below.join("00007919!id-1!2")).unwrap();
        (0..40).for_each(|n| assert_eq!(read(root, n), Some(n.to_string())));
        relieve(&top, &count).unwrap();
        assert_eq!(fs::read_dir(&top.place).unwrap().count(), 0);
        (0..40).for_each(|n| assert_eq!(read(root, n), Some(n.to_string())));
    }

    #[test]
    fn the_folder_of_a_day_stays_so_that_no_listing_misses_the_day() {
        let root = tempfile::TempDir::new().unwrap();
        let (root, count) = (root.path(), AtomicU64::new(0));
        (0..40).for_each(|n| drop(write(root, n)));
        let top = of_index(root, &key(0)).unwrap().0;
        // The split itself, and who comes by behind it.
        for _ in 0..2 {
            relieve(&top, &count).unwrap();
            assert!(top.place.is_dir() && top.split().is_dir());
        }
        let below = top.below("0");
        assert!(!below.place.exists() || fs::read_dir(&below.place).unwrap().count() > 0, "no other is kept");
    }

    #[test]
    fn what_is_moved_down_is_durably_gone_above() {
        let root = tempfile::TempDir::new().unwrap();
        let root = root.path();
        (0..40).for_each(|n| drop(write(root, n)));
        let top = of_index(root, &key(0)).unwrap().0;
        SYNCED.take();
        move_down(&top, &["00000000!id-0!2".to_owned()]).unwrap();
        assert_eq!(SYNCED.take().last(), Some(&top.place));
    }
}
