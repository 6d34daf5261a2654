//! A bucket of plain files: one file an object, its key the path below the root.

mod durable;
mod failure;
mod lock;
mod probe;
mod walk;
mod write;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{
    Bucket, BucketError, BucketInfo, ETag, GetOptions, Got, Key, Listed, Listing, MAX_KEYS, Object,
    ObjectMeta, Put, RestoreTier, Restoring, Result, Version,
};
use crate::buffer::Buffer;
use crate::clock::{Clock, SystemClock};
use crate::config::NamedBy;
use crate::time::SavedAt;
use crate::token::ContentToken;

/// Temporary files and locks live here, directly below the root: on the file system of the objects, and out of every
/// listing.
const RESERVED: &str = ".storage";

/// Objects as files in one directory tree, safe between processes.
///
/// A write goes to a temporary file, is synced, gets its `saved_at` as modification time and is renamed into
/// place; conditions are checked under a lock that all processes share, so a reader never sees half a file
/// and a condition is never outrun. User metadata is not kept.
#[derive(Debug, Clone)]
pub struct LocalBucket {
    root: Arc<Path>,
    named_by: NamedBy,
}

impl LocalBucket {
    /// Opens the tree below `root`, which is made if it is missing.
    ///
    /// # Errors
    /// [`BucketError::Misconfigured`] if the directory cannot be used, or if its file system does not keep what
    /// the protocol relies on: modification times to the microsecond, exclusive renames, locks, and names
    /// that differ only in case.
    pub async fn open(root: &Path) -> Result<Self> {
        let bucket = Self::to_read(root);
        bucket.make_and_try_out().await?;
        Ok(bucket)
    }

    /// The tree below `root` for reading only: nothing is made, nothing is tried out. A missing tree is an empty one.
    #[must_use]
    pub fn to_read(root: &Path) -> Self {
        Self { root: root.into(), named_by: NamedBy::default() }
    }

    /// The same tree, as it is named by this.
    #[must_use]
    pub fn named_by(self, named_by: NamedBy) -> Self {
        Self { named_by, ..self }
    }

    /// Makes the tree if it is missing, and proves that its file system carries the protocol.
    ///
    /// # Errors
    /// As of [`open`](Self::open).
    pub(crate) async fn make_and_try_out(&self) -> Result<()> {
        let bucket = self.clone();
        blocking(move || probe::probe(&bucket.root, bucket.named_by)).await
    }

    /// Checks that there is a tree that can be read; nothing is written.
    ///
    /// # Errors
    /// [`BucketError::Misconfigured`] names the directory in full.
    pub(crate) async fn check_that_it_exists(&self) -> Result<()> {
        let bucket = self.clone();
        blocking(move || probe::check_that_it_exists(&bucket.root, bucket.named_by)).await
    }

    fn failure(&self, action: &str, path: &Path, error: io::Error) -> BucketError {
        failure::failure(self.named_by, action, path, error)
    }

    fn path(&self, key: &Key) -> Result<PathBuf> {
        let path = Path::new(key.as_str());
        let plain = |part| matches!(part, Component::Normal(_));
        let is_plain = path.components().all(plain) && !path.as_os_str().is_empty();
        let is_reserved = path.starts_with(RESERVED);
        // `components` forgives what would make two keys one file: `a//b`, `a/./b`, `a/`.
        let is_exact = key
            .as_str()
            .split('/')
            .all(|part| !part.is_empty() && part != "." && !part.contains(['\\', '\0']));
        if is_plain && is_exact && !is_reserved {
            Ok(self.root.join(path))
        } else {
            Err(BucketError::bad_key(key, "the key is not a plain path below the storage directory"))
        }
    }

    /// The file of an object and what is known of it, unless the caller holds it already or there is none.
    fn look(&self, key: &Key, if_none_match: Option<&ETag>) -> Result<Result<(File, ObjectMeta), Got>> {
        let path = self.path(key)?;
        let failed = |e| self.failure("read", &path, e);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if is_absent(&e) => return Ok(Err(Got::Absent)),
            Err(e) => return Err(failed(e)),
        };
        // Taken from the open file, so that content and metadata are of the same write.
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Ok(Err(Got::Absent));
        }
        let meta = describe(&metadata);
        if Some(&meta.etag) == if_none_match {
            return Ok(Err(Got::NotModified { last_modified: Some(meta.last_modified) }));
        }
        Ok(Ok((file, meta)))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| BucketError::no_answer("file access", e))?
}

fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | IsADirectory | InvalidFilename)
}

fn etag(saved_at: SavedAt, size: u64) -> ETag {
    ETag::new(format!("\"{:x}-{size:x}\"", saved_at.micros()))
}

fn meta_of(path: &Path) -> io::Result<Option<ObjectMeta>> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(Some(describe(&metadata))),
        Ok(_) => Ok(None),
        Err(e) if is_absent(&e) => Ok(None),
        Err(e) => Err(e),
    }
}

fn describe(metadata: &fs::Metadata) -> ObjectMeta {
    let age = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let saved_at = SavedAt::from_micros(i64::try_from(age.as_micros()).unwrap_or_default());
    ObjectMeta {
        size: metadata.len(),
        etag: etag(saved_at, metadata.len()),
        token: None,
        saved_at,
        // Every other program leaves the nanoseconds of its write.
        is_ours: age.subsec_nanos().is_multiple_of(1000),
        last_modified: Timestamp::from_microsecond(saved_at.micros()).unwrap_or(Timestamp::UNIX_EPOCH),
        version_id: None,
        archived: false,
        metadata: BTreeMap::new(),
    }
}

/// A file that was found; none if it has gone since.
fn listed(root: &Path, key: Key) -> io::Result<Option<Listed>> {
    let meta = meta_of(&root.join(key.as_str()))?;
    Ok(meta.map(|ObjectMeta { size, etag, token, saved_at, last_modified, .. }| Listed {
        key,
        size,
        etag,
        token,
        saved_at: Some(saved_at),
        last_modified,
    }))
}

#[async_trait]
impl Bucket for LocalBucket {
    /// The host's clock is the bucket's.
    fn clock_offset(&self) -> Option<SignedDuration> {
        Some(SignedDuration::ZERO)
    }

    fn token(&self, _: &ETag, content: &[u8]) -> ContentToken {
        ContentToken::of_content(content)
    }

    async fn put(&self, put: Put) -> Result<ETag> {
        let bucket = self.clone();
        blocking(move || bucket.write(&put)).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got> {
        if options.version_id.is_some() {
            return Err(BucketError::Unsupported("local storage keeps no versions"));
        }
        let (bucket, looked_for) = (self.clone(), key.clone());
        let found = blocking(move || bucket.look(&looked_for, options.if_none_match.as_ref())).await?;
        let (mut file, meta) = match found {
            Ok(found) => found,
            Err(answer) => return Ok(answer),
        };
        let share = options.budget.take(meta.size).ok_or(BucketError::NoRoom(meta.size))?;
        let mut body = Buffer::with_capacity(usize::try_from(meta.size).unwrap_or_default());
        let (path, bucket) = (self.path(key)?, self.clone());
        blocking(move || {
            body.append_all(&mut file).map_err(|e| bucket.failure("read", &path, e))?;
            Ok(Got::Found(Object { meta, body: body.freeze(share) }))
        })
        .await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        let (path, bucket) = (self.path(key)?, self.clone());
        blocking(move || meta_of(&path).map_err(|e| bucket.failure("read", &path, e))).await
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        let (bucket, key, if_match) = (self.clone(), key.clone(), if_match.cloned());
        blocking(move || bucket.remove(&key, if_match.as_ref())).await
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing> {
        let root = Arc::clone(&self.root);
        let (prefix, after) = (prefix.to_owned(), start_after.unwrap_or_default().to_owned());
        let limit = limit.clamp(1, MAX_KEYS);
        // Before the first look: what is written meanwhile may be missed.
        let date = SystemClock.now();
        let listed = move || {
            let mut after = after;
            loop {
                let walk::Found { keys, truncated } = walk::list(&root, &prefix, &after, limit)?;
                let last = keys.last().map(ToString::to_string);
                let objects = keys.into_iter().filter_map(|key| listed(&root, key).transpose());
                let objects = objects.collect::<io::Result<Vec<_>>>()?;
                match last {
                    // All of them have gone since: callers, who go on behind the last, could not.
                    Some(last) if truncated && objects.is_empty() => after = last,
                    _ => return Ok(Listing { objects, truncated, date }),
                }
            }
        };
        let bucket = self.clone();
        blocking(move || listed().map_err(|e| bucket.failure("list", &bucket.root, e))).await
    }

    async fn versions(&self, _: &Key) -> Result<Vec<Version>> {
        Err(BucketError::Unsupported("local storage keeps no versions"))
    }

    async fn restore(&self, _: &Key, _: u32, _: RestoreTier) -> Result<Restoring> {
        Err(BucketError::Unsupported("local storage has no archive"))
    }

    async fn info(&self) -> Result<BucketInfo> {
        Ok(BucketInfo {
            bucket_name: self.root.display().to_string(),
            region: "local".into(),
            versioning_status: "Disabled".into(),
            encryption_enabled: Some(false),
        })
    }
}
