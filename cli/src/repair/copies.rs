//! The copies that a backup has of an analysis, at present and in its history, found by id.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::transfer::{Line, Lock, MANIFEST, Run, TransferError, runs};

/// Where each line of the manifests lies, in a few dozen bytes.
#[derive(Debug)]
pub(super) struct Copies {
    backup: PathBuf,
    /// That of the backup, and then those of its runs, the newest first.
    manifests: Vec<Listing>,
    lines: HashMap<u64, Vec<Place>>,
    _lock: Lock,
}

/// A manifest, and the directory below the backup that it lists.
#[derive(Debug)]
struct Listing {
    directory: PathBuf,
    file: File,
}

/// Where a line is.
#[derive(Debug, Clone, Copy)]
struct Place {
    manifest: usize,
    offset: u64,
    length: u32,
}

/// A file of the backup, and the lines that may describe it.
#[derive(Debug)]
pub(super) struct Copy {
    /// Its path below the backup.
    pub(super) name: PathBuf,
    /// Its path.
    pub(super) place: PathBuf,
    pub(super) lines: Vec<Line>,
}

/// As much of a line as tells whose it is.
#[derive(Deserialize)]
struct Whose {
    id: String,
}

impl Copies {
    /// Reads the manifests, and keeps others from changing the backup.
    pub(super) fn open(backup: &Path) -> Result<Self, TransferError> {
        let lock = Lock::shared(backup)?;
        if !backup.join(MANIFEST).exists() {
            let text = format!("there is no {MANIFEST} in {}, so that it is no backup", backup.display());
            return Err(TransferError::Unusable(text));
        }
        let mut copies =
            Self { backup: backup.to_owned(), manifests: Vec::new(), lines: HashMap::new(), _lock: lock };
        let of_runs = runs(backup)?.into_iter().rev().map(Run::path);
        for directory in [PathBuf::new()].into_iter().chain(of_runs) {
            let path = backup.join(&directory).join(MANIFEST);
            let added = copies.add(directory, &path);
            added.map_err(|source| TransferError::File { what: "read", path, source })?;
        }
        Ok(copies)
    }

    fn add(&mut self, directory: PathBuf, path: &Path) -> io::Result<()> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            file => file?,
        };
        let (mut reader, mut line, mut offset) = (BufReader::new(&file), Vec::new(), 0);
        while reader.read_until(b'\n', &mut line)? > 0 {
            if let (Ok(Whose { id }), Ok(length)) = (serde_json::from_slice(&line), line.len().try_into()) {
                let place = Place { manifest: self.manifests.len(), offset, length };
                self.lines.entry(digest(&id)).or_default().push(place);
            }
            offset += line.len() as u64;
            line.clear();
        }
        self.manifests.push(Listing { directory, file });
        Ok(())
    }

    /// The copies of this analysis: the present one, and then the newest of the history first.
    pub(super) fn of(&self, id: &str) -> io::Result<Vec<Copy>> {
        let mut copies: Vec<Copy> = Vec::new();
        for place in self.lines.get(&digest(id)).into_iter().flatten() {
            let Some(Listing { directory, file }) = self.manifests.get(place.manifest) else { continue };
            let mut text = vec![0; place.length as usize];
            file.read_exact_at(&mut text, place.offset)?;
            let Ok(line) = serde_json::from_slice::<Line>(&text) else { continue };
            let name = directory.join(format!("{id}.json"));
            match copies.last_mut().filter(|last| last.name == name) {
                _ if line.id != id => {}
                Some(last) => last.lines.push(line),
                None => copies.push(Copy { place: self.backup.join(&name), name, lines: vec![line] }),
            }
        }
        Ok(copies)
    }
}

/// Two ids that share one are told apart by their lines.
fn digest(id: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(id)
}
