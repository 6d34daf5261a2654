//! Where the files of the index lie: in the folder that their key names, or, once that is full, in a tree beside it.
//!
//! `84123` is split into `84123~`, which holds a folder for each digit that names go on with: `84123~/4`, and once that is
//! full, too, `84123~/4~/40` and so on. A file keeps its name, and moves only down. So whoever looks in a folder first
//! and then in what it was split into finds every file, whatever is moved meanwhile.

use std::io;
use std::path::{Path, PathBuf};

use crate::bucket::Key;
use crate::layout::Layout;

/// What the name of that which a folder was split into ends with.
pub(super) const SPLIT: char = '~';

/// How many digits the names of the index begin with.
const DIGITS: usize = 8;

/// A folder of the index, or one of those that it was split into.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Folder {
    pub(super) place: PathBuf,
    /// How many digits all names in it have in common.
    pub(super) depth: usize,
}

impl Folder {
    /// The one that keys name.
    pub(super) fn new(place: PathBuf) -> Self {
        Self { place, depth: 0 }
    }

    /// What it is split into, if it is.
    pub(super) fn split(&self) -> PathBuf {
        let mut name = self.place.clone().into_os_string();
        name.push(SPLIT.to_string());
        name.into()
    }

    /// The next digits of a name, which those have in common that lie in one folder below this one.
    pub(super) fn digits<'n>(&self, name: &'n str) -> Option<&'n str> {
        let digits = name.get(..=self.depth).filter(|_| self.depth < DIGITS)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)
    }

    /// The folder below for names that begin with these digits.
    pub(super) fn below(&self, digits: &str) -> Self {
        Self { place: self.split().join(digits), depth: digits.len() }
    }

    /// The folder below that this name belongs to, if this one is split.
    pub(super) fn next(&self, name: &str) -> Option<Self> {
        let digits = self.digits(name)?;
        self.split().is_dir().then(|| self.below(digits))
    }

    /// The folder that files of this name are written to.
    pub(super) fn lowest(&self, name: &str) -> Self {
        let mut folder = self.clone();
        while let Some(next) = folder.next(name) {
            folder = next;
        }
        folder
    }
}

/// The folder and the name of a key of the index.
pub(super) fn of_index<'k>(root: &Path, key: &'k Key) -> Option<(Folder, &'k str)> {
    let (folder, name) = key.as_str().rsplit_once('/')?;
    Layout::is_index_folder(folder).then(|| (Folder::new(root.join(folder)), name))
}

/// The first thing that is found in any of the places where the file of this key may lie.
pub(super) fn find<T>(
    root: &Path,
    key: &Key,
    mut look: impl FnMut(&Path) -> io::Result<Option<T>>,
) -> io::Result<Option<T>> {
    let Some((mut folder, name)) = of_index(root, key) else { return look(&root.join(key.as_str())) };
    loop {
        if let Some(found) = look(&folder.place.join(name))? {
            return Ok(Some(found));
        }
        match folder.next(name) {
            Some(next) => folder = next,
            None => return Ok(None),
        }
    }
}

/// The place that the file of this key is written to.
pub(super) fn place(root: &Path, key: &Key) -> PathBuf {
    match of_index(root, key) {
        Some((folder, name)) => folder.lowest(name).place.join(name),
        None => root.join(key.as_str()),
    }
}
