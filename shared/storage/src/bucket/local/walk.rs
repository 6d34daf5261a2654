//! Listing a directory tree as a bucket lists keys.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use super::{RESERVED, is_absent};
use crate::bucket::Key;

/// Keys in byte order.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) keys: Vec<Key>,
    /// Whether more follow.
    pub(super) truncated: bool,
}

/// The first `limit` keys behind `after` that begin with `prefix`. Directories are read in the order of their keys, and
/// only until there are enough.
pub(super) fn list(root: &Path, prefix: &str, after: &str, limit: usize) -> io::Result<Found> {
    let directory = prefix.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut walk = Walk { prefix, after, limit, found: Found::default() };
    if is_inside(directory) {
        walk.directory(&root.join(directory), directory)?;
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
    found: Found,
}

impl Walk<'_> {
    /// Takes what is in this directory, until there is one key more than asked for.
    fn directory(&mut self, path: &Path, key: &str) -> io::Result<()> {
        for Child { key, name, is_directory } in self.children(path, key)? {
            if is_directory {
                self.directory(&path.join(name), key.trim_end_matches('/'))?;
            } else if self.found.keys.len() == self.limit {
                self.found.truncated = true;
            } else {
                self.found.keys.push(Key::new(key));
            }
            if self.found.truncated {
                break;
            }
        }
        Ok(())
    }

    /// What is in a directory and may matter, in the order of keys: that of a directory goes on with a slash.
    fn children(&self, path: &Path, key: &str) -> io::Result<Vec<Child>> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(e) if is_absent(&e) => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut children = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let Some(text) = name.to_str().filter(|text| !key.is_empty() || *text != RESERVED) else {
                continue;
            };
            let mut key = if key.is_empty() { text.to_owned() } else { format!("{key}/{text}") };
            // Most listings are of one id, out of all entries of the index: nothing is asked of the others.
            if !key.starts_with(self.prefix) && !self.prefix.starts_with(&format!("{key}/")) {
                continue;
            }
            let is_directory = entry.file_type()?.is_dir();
            if is_directory {
                key.push('/');
            }
            if self.may_matter(&key, is_directory) {
                children.push(Child { key, name, is_directory });
            }
        }
        children.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(children)
    }

    fn may_matter(&self, key: &str, is_directory: bool) -> bool {
        if is_directory {
            let is_under_prefix = key.starts_with(self.prefix) || self.prefix.starts_with(key);
            is_under_prefix && (key > self.after || self.after.starts_with(key))
        } else {
            key.starts_with(self.prefix) && key > self.after
        }
    }
}

struct Child {
    /// With a slash behind a directory's.
    key: String,
    name: OsString,
    is_directory: bool,
}
