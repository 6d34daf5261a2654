//! Writing and removing under a condition.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::NamedTempFile;

use super::threads::Patience;
use super::{LocalBucket, durable, etag, folder, is_absent, lock, meta_of, removed, split};
use crate::bucket::{BucketError, ETag, Key, ObjectMeta, Precondition, Put, Result};

/// What has come of one look at the lock of a key.
enum Attempt<T> {
    Done(T),
    /// Somebody else holds it; what was prepared is kept for the next look.
    Locked(Option<NamedTempFile>),
}

impl LocalBucket {
    /// Puts an object in its place, if its precondition holds: under the lock of its key, and durably.
    pub(super) async fn write(&self, put: Put) -> Result<ETag> {
        let patience = Patience::of_write(put.body.len() as u64);
        let (put, mut prepared, mut looks) = (Arc::new(put), None, 0);
        loop {
            let (bucket, put, file) = (self.clone(), Arc::clone(&put), prepared.take());
            match self.threads.write(patience, move || bucket.try_write(&put, file, patience)).await? {
                Attempt::Done(tag) => return Ok(tag),
                Attempt::Locked(file) => prepared = file,
            }
            looks += 1;
            patience.wait_for_lock(looks).await?;
        }
    }

    /// Removes an object, if it has this tag.
    pub(super) async fn remove(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        let (patience, mut looks) = (Patience::of_write(0), 0);
        loop {
            let (bucket, key, if_match) = (self.clone(), key.clone(), if_match.cloned());
            let remove = move || bucket.try_remove(&key, if_match.as_ref(), patience);
            if let Attempt::Done(()) = self.threads.write(patience, remove).await? {
                return Ok(());
            }
            looks += 1;
            patience.wait_for_lock(looks).await?;
        }
    }

    fn try_write(
        &self,
        put: &Put,
        prepared: Option<NamedTempFile>,
        patience: Patience,
    ) -> Result<Attempt<ETag>> {
        let path = self.path(&put.key)?;
        let failed = |e| self.failure("write", &path, e);
        let temporary = if let Some(file) = prepared {
            file
        } else {
            self.make_parent(&folder::place(&self.root, &put.key)).map_err(failed)?;
            durable::write_temporary(&self.root, &put.body, put.saved_at).map_err(failed)?
        };
        let Some(lock) = lock::try_lock(&self.root, put.key.as_str()).map_err(failed)? else {
            return Ok(Attempt::Locked(Some(temporary)));
        };
        let existing = folder::find(&self.root, &put.key, meta_of).map_err(failed)?;
        match &put.precondition {
            Precondition::Match(tag) => check_match(&put.key, tag, existing.as_ref())?,
            Precondition::Absent if existing.is_some() => return Err(condition_fails(&put.key)),
            Precondition::Absent | Precondition::None => {}
        }
        let (saved_at, size) = (put.saved_at, put.body.len() as u64);
        let is_taken = existing.as_ref().is_some_and(|meta| (meta.saved_at, meta.size) == (saved_at, size));
        if is_taken || removed::has(&lock, saved_at, size).map_err(failed)? {
            // Another write has this tag; the next attempt gets a time of its own.
            return Err(BucketError::refused(
                format!("write {}", put.key),
                "another write has the same time",
            ));
        }
        patience.check()?;
        let place = self.put_in_place(put, temporary).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => condition_fails(&put.key),
            _ => failed(e),
        })?;
        // By now readers see it, whatever becomes of the rest.
        if let Some(existing) = existing {
            removed::remember(&lock, &existing).map_err(|e| unsynced(&place, e))?;
        }
        let parent = place.parent().unwrap_or(&self.root);
        durable::sync_directory(parent).map_err(|e| unsynced(parent, e))?;
        drop(lock);
        split::split_if_full(&self.root, &put.key, &self.entries_read);
        Ok(Attempt::Done(etag(saved_at, size)))
    }

    /// Gives the file its name, in the lowest folder that it belongs to. Where it is then.
    fn put_in_place(&self, put: &Put, mut temporary: NamedTempFile) -> io::Result<PathBuf> {
        let mut place = folder::place(&self.root, &put.key);
        loop {
            let placed = match put.precondition {
                Precondition::Absent => temporary.persist_noclobber(&place),
                Precondition::None | Precondition::Match(_) => temporary.persist(&place),
            };
            match placed {
                Ok(_) => break,
                // Its folder was split and removed meanwhile.
                Err(e) if e.error.kind() == io::ErrorKind::NotFound && e.file.path().exists() => {
                    temporary = e.file;
                    place = folder::place(&self.root, &put.key);
                    self.make_parent(&place)?;
                }
                Err(e) => return Err(e.error),
            }
        }
        self.carry_down(&put.key, place)
    }

    /// Moves a file on that was written to a folder which was split meanwhile, and takes older ones away above it.
    fn carry_down(&self, key: &Key, mut place: PathBuf) -> io::Result<PathBuf> {
        loop {
            let lowest = folder::place(&self.root, key);
            if lowest == place {
                break;
            }
            self.make_parent(&lowest)?;
            match fs::rename(&place, &lowest) {
                // Who splits the folder has moved it.
                Err(e) if !is_absent(&e) => return Err(e),
                _ => place = lowest,
            }
        }
        let above =
            |other: &Path| if other == place { Ok(Some(())) } else { remove_file(other).map(|_| None) };
        folder::find(&self.root, key, above)?;
        Ok(place)
    }

    fn make_parent(&self, place: &Path) -> io::Result<()> {
        durable::create_directories(&self.root, place.parent().unwrap_or(&self.root))
    }

    fn try_remove(&self, key: &Key, if_match: Option<&ETag>, patience: Patience) -> Result<Attempt<()>> {
        let path = self.path(key)?;
        let failed = |e| self.failure("delete", &path, e);
        let Some(lock) = lock::try_lock(&self.root, key.as_str()).map_err(failed)? else {
            return Ok(Attempt::Locked(None));
        };
        let existing = folder::find(&self.root, key, meta_of).map_err(failed)?;
        if let Some(tag) = if_match {
            check_match(key, tag, existing.as_ref())?;
        }
        let Some(existing) = existing else { return Ok(Attempt::Done(())) };
        patience.check()?;
        removed::remember(&lock, &existing).map_err(failed)?;
        let mut parents = Vec::new();
        let remove = |place: &Path| {
            remove_file(place)?;
            // Those without it, too: a split may have moved it out of them just before.
            parents.extend(place.parent().map(Path::to_owned));
            Ok(None::<()>)
        };
        // In every place, from the top down: a split may be moving it.
        folder::find(&self.root, key, remove).map_err(failed)?;
        for parent in parents {
            durable::sync_directory(&parent).map_err(|e| unsynced(&parent, e))?;
        }
        Ok(Attempt::Done(()))
    }
}

/// Whether there was a file to remove.
fn remove_file(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(e) if is_absent(&e) => Ok(false),
        Err(e) => Err(e),
    }
}

fn unsynced(directory: &Path, error: io::Error) -> BucketError {
    BucketError::no_answer(format!("cannot sync {}", directory.display()), error)
}

fn condition_fails(key: &Key) -> BucketError {
    BucketError::PreconditionFailed(key.to_string())
}

fn check_match(key: &Key, tag: &ETag, existing: Option<&ObjectMeta>) -> Result<()> {
    if existing.is_some_and(|meta| meta.etag == *tag) { Ok(()) } else { Err(condition_fails(key)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::local::durable::SYNCED;

    #[test]
    fn a_delete_is_durable_in_every_folder_that_a_split_moved_it_through() {
        let root = tempfile::TempDir::new().unwrap();
        let bucket = LocalBucket::to_read(root.path());
        let key = Key::new("metadata/index/84123/00000001!id!2");
        let top = root.path().join("metadata/index/84123");
        let below = root.path().join("metadata/index/84123~/0");
        for directory in [&top, &below] {
            fs::create_dir_all(directory).unwrap();
        }
        fs::write(below.join("00000001!id!2"), "").unwrap();
        SYNCED.take();
        let removed = bucket.try_remove(&key, None, Patience::of_write(0)).unwrap();
        assert!(matches!(removed, Attempt::Done(())));
        assert_eq!(SYNCED.take(), [top, below]);
    }
}
