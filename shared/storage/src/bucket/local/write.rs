//! Writing and removing under a condition.

use std::fs;
use std::io;
use std::path::Path;

use super::{LocalBucket, durable, etag, is_absent, lock, meta_of};
use crate::bucket::{BucketError, ETag, Key, ObjectMeta, Precondition, Put, Result};

impl LocalBucket {
    /// Puts an object in its place, if its precondition holds: under the lock of its key, and durably.
    pub(super) fn write(&self, put: &Put) -> Result<ETag> {
        let path = self.path(&put.key)?;
        let failed = |e| self.failure("write", &path, e);
        let parent = path.parent().unwrap_or(&self.root);
        durable::create_directories(&self.root, parent).map_err(failed)?;
        let temporary = durable::write_temporary(&self.root, &put.body, put.saved_at).map_err(failed)?;
        let _lock = lock::lock(&self.root, put.key.as_str()).map_err(failed)?;
        if let Precondition::Match(tag) = &put.precondition {
            check_match(&put.key, tag, meta_of(&path).map_err(failed)?.as_ref())?;
        }
        let placed = match put.precondition {
            Precondition::Absent => temporary.persist_noclobber(&path),
            Precondition::None | Precondition::Match(_) => temporary.persist(&path),
        };
        match placed {
            Ok(_) => {}
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(condition_fails(&put.key));
            }
            Err(e) => return Err(failed(e.error)),
        }
        // By now readers see it, whatever becomes of the sync.
        durable::sync_directory(parent).map_err(|e| unsynced(parent, e))?;
        Ok(etag(put.saved_at, put.body.len() as u64))
    }

    /// Removes an object, if it has this tag.
    pub(super) fn remove(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        let path = self.path(key)?;
        let failed = |e| self.failure("delete", &path, e);
        let _lock = lock::lock(&self.root, key.as_str()).map_err(failed)?;
        if let Some(tag) = if_match {
            check_match(key, tag, meta_of(&path).map_err(failed)?.as_ref())?;
        }
        match fs::remove_file(&path) {
            Ok(()) => {
                let parent = path.parent().unwrap_or(&self.root);
                durable::sync_directory(parent).map_err(|e| unsynced(parent, e))
            }
            Err(e) if is_absent(&e) => Ok(()),
            Err(e) => Err(failed(e)),
        }
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
