//! Listing a directory tree as a bucket lists keys.

use std::collections::BinaryHeap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{RESERVED, is_absent};
use crate::bucket::{Key, Listing};

/// The first `limit` keys in byte order, holding no more than one beyond that in memory.
pub(super) fn list(root: &Path, prefix: &str, after: &str, limit: usize) -> io::Result<Listing> {
    let directory = prefix.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut walk = Walk { prefix, after, limit, first: BinaryHeap::new() };
    if is_inside(directory) {
        walk.directory(&root.join(directory), directory)?;
    }
    let mut keys = walk.first.into_sorted_vec();
    let truncated = keys.len() > limit;
    keys.truncate(limit);
    Ok(Listing { keys: keys.into_iter().map(Key::new).collect(), truncated })
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
    first: BinaryHeap<String>,
}

impl Walk<'_> {
    fn directory(&mut self, path: &Path, key: &str) -> io::Result<()> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(e) if is_absent(&e) => return Ok(()),
            Err(e) => return Err(e),
        };
        let inside = if key.is_empty() { 0 } else { key.len() + 1 };
        // What every name of interest begins with. Most listings are of one id, out of all entries of the index.
        let wanted = self.prefix.get(inside..).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let is_reserved = key.is_empty() && name == RESERVED;
            if is_reserved || !name.as_bytes().starts_with(wanted.as_bytes()) {
                continue;
            }
            let Ok(name) = name.into_string() else { continue };
            let child = if key.is_empty() { name } else { format!("{key}/{name}") };
            if !entry.file_type()?.is_dir() {
                self.file(child);
            } else if self.may_hold_matches(&format!("{child}/")) {
                self.directory(&entry.path(), &child)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, key: String) {
        let is_match = key.starts_with(self.prefix) && key.as_str() > self.after;
        let is_among_first =
            self.first.len() <= self.limit || self.first.peek().is_some_and(|last| key < *last);
        if is_match && is_among_first {
            self.first.push(key);
            if self.first.len() > self.limit + 1 {
                self.first.pop();
            }
        }
    }

    fn may_hold_matches(&self, directory: &str) -> bool {
        let is_under_prefix = directory.starts_with(self.prefix) || self.prefix.starts_with(directory);
        let is_before_start = directory < self.after && !self.after.starts_with(directory);
        is_under_prefix && !is_before_start
    }
}
