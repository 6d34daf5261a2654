//! Listing a directory tree as a bucket lists keys.

use std::fs;
use std::io;
use std::iter::from_fn;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::folder::{Folder, SPLIT};
use super::{RESERVED, is_absent};
use crate::bucket::Key;
use crate::layout::Layout;

/// Files in byte order of their keys.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Their keys, and where they lie.
    pub(super) files: Vec<(Key, PathBuf)>,
    /// Whether more follow.
    pub(super) truncated: bool,
}

/// The first `limit` keys behind `after` that begin with `prefix`. Directories are read in the order of their keys, and
/// only until there are enough; how many entries of them are read is added to `read`.
pub(super) fn list(
    root: &Path,
    prefix: &str,
    after: &str,
    limit: usize,
    read: &AtomicU64,
) -> io::Result<Found> {
    let directory = prefix.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut walk = Walk { prefix, after, limit, read, found: Found::default() };
    if is_inside(directory) {
        let path = root.join(directory);
        if Layout::is_index_folder(directory) {
            walk.folder(&Folder::new(path), directory, Vec::new())?;
        } else {
            walk.directory(&path, directory)?;
        }
    }
    Ok(walk.found)
}

fn is_inside(directory: &str) -> bool {
    let mut parts = directory.split('/');
    directory.is_empty()
        || (!Path::new(directory).starts_with(RESERVED) && parts.all(|part| !matches!(part, "" | "." | "..")))
}

struct Walk<'a> {
    prefix: &'a str,
    after: &'a str,
    limit: usize,
    read: &'a AtomicU64,
    found: Found,
}

impl Walk<'_> {
    /// Takes what is in this directory, until there is one key more than asked for.
    fn directory(&mut self, path: &Path, key: &str) -> io::Result<()> {
        let children = self.children(path, key)?;
        self.take(children)
    }

    fn take(&mut self, children: impl IntoIterator<Item = Child>) -> io::Result<()> {
        for Child { key, path, kind } in children {
            let bare = key.trim_end_matches('/');
            match kind {
                Kind::Folder => self.folder(&Folder::new(path), bare, Vec::new())?,
                Kind::Directory => self.directory(&path, bare)?,
                Kind::File if self.found.files.len() == self.limit => self.found.truncated = true,
                Kind::File => self.found.files.push((Key::new(key), path)),
            }
            if self.found.truncated {
                break;
            }
        }
        Ok(())
    }

    /// Takes what is in a folder of the index, whatever it was split into. `above` is what lies in the folders above it
    /// and belongs here by its name.
    fn folder(&mut self, folder: &Folder, key: &str, above: Vec<Child>) -> io::Result<()> {
        let mut children = above;
        children.extend(self.children(&folder.place, key)?);
        // Only now: what is moved goes from there to here.
        let below = self.below(folder, key)?;
        children.sort_by(|a, b| a.key.cmp(&b.key));
        children.dedup_by(|a, b| a.key == b.key);
        let mut children = children.into_iter().peekable();
        for digits in below {
            let start = format!("{key}/{digits}");
            let before: Vec<Child> = from_fn(|| children.next_if(|child| child.key < start)).collect();
            self.take(before)?;
            if self.found.truncated {
                return Ok(());
            }
            let own = from_fn(|| children.next_if(|child| child.key.starts_with(&start))).collect();
            self.folder(&folder.below(&digits), key, own)?;
            if self.found.truncated {
                return Ok(());
            }
        }
        self.take(children)
    }

    /// The digits of the folders that this one was split into and that may matter, in order.
    fn below(&self, folder: &Folder, key: &str) -> io::Result<Vec<String>> {
        let split = folder.split();
        // Most listings are of one id, whose place is known.
        if let Some(digits) = self.prefix.get(key.len() + 1..).and_then(|name| folder.digits(name)) {
            return Ok(split.is_dir().then(|| digits.to_owned()).into_iter().collect());
        }
        let mut below = Vec::new();
        for name in self.names(&split)? {
            let (name, _) = name?;
            let digits = name.strip_suffix(SPLIT).unwrap_or(&name);
            let start = format!("{key}/{digits}");
            let may_matter = start.starts_with(self.prefix)
                && (start.as_str() > self.after || self.after.starts_with(&start));
            if may_matter && folder.digits(digits) == Some(digits) {
                below.push(digits.to_owned());
            }
        }
        below.sort_unstable();
        below.dedup();
        Ok(below)
    }

    /// What is in a directory and may matter, in the order of keys: that of a directory goes on with a slash.
    fn children(&self, path: &Path, key: &str) -> io::Result<Vec<Child>> {
        let mut children = Vec::new();
        for entry in self.names(path)? {
            let (name, entry) = entry?;
            if key.is_empty() && name == RESERVED {
                continue;
            }
            let child = if key.is_empty() { name.clone() } else { format!("{key}/{name}") };
            let (folder, is_split) = match child.strip_suffix(SPLIT) {
                Some(whole) if Layout::is_index_folder(whole) => (whole, true),
                _ => (child.as_str(), false),
            };
            // Nothing is asked of what cannot matter.
            if !folder.starts_with(self.prefix) && !self.prefix.starts_with(&format!("{folder}/")) {
                continue;
            }
            let kind = match entry.file_type()?.is_dir() {
                true if Layout::is_index_folder(folder) => Kind::Folder,
                true => Kind::Directory,
                false => Kind::File,
            };
            let path = if is_split { path.join(name.trim_end_matches(SPLIT)) } else { path.join(&name) };
            let key = if kind == Kind::File { child } else { format!("{folder}/") };
            if self.may_matter(&key, kind) {
                children.push(Child { key, path, kind });
            }
        }
        children.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        // A folder and what it is being split into are one.
        children.dedup_by(|a, b| a.key == b.key);
        Ok(children)
    }

    /// The names in a directory that are text.
    fn names(
        &self,
        path: &Path,
    ) -> io::Result<impl Iterator<Item = io::Result<(String, fs::DirEntry)>> + use<'_>> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => Some(entries),
            Err(e) if is_absent(&e) => None,
            Err(e) => return Err(e),
        };
        let named = |entry: io::Result<fs::DirEntry>| match entry {
            Ok(entry) => Some(Ok((entry.file_name().into_string().ok()?, entry))),
            Err(error) => Some(Err(error)),
        };
        let counted = |_: &io::Result<fs::DirEntry>| {
            self.read.fetch_add(1, Ordering::Relaxed);
        };
        Ok(entries.into_iter().flatten().inspect(counted).filter_map(named))
    }

    fn may_matter(&self, key: &str, kind: Kind) -> bool {
        if kind == Kind::File {
            key.starts_with(self.prefix) && key > self.after
        } else {
            let is_under_prefix = key.starts_with(self.prefix) || self.prefix.starts_with(key);
            is_under_prefix && (key > self.after || self.after.starts_with(key))
        }
    }
}

struct Child {
    /// With a slash behind a directory's.
    key: String,
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Directory,
    /// A folder of the index.
    Folder,
}
