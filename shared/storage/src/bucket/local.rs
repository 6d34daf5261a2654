//! A bucket of plain files: one file an object, its key the path below the root.

mod aside;
mod durable;
mod failure;
mod file_system;
mod folder;
mod lock;
mod probe;
mod removed;
mod split;
#[cfg(test)]
mod tests;
mod threads;
mod walk;
mod write;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::UNIX_EPOCH;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rustix::fs::OFlags;

pub use self::aside::set_aside;
use self::threads::{Threads, blocking};
use super::{
    Bucket, BucketError, BucketInfo, ETag, GetOptions, Got, Key, Listed, Listing, MAX_KEYS, Object,
    ObjectMeta, Put, RestoreTier, Restoring, Result, Version,
};
use crate::buffer::Buffer;
use crate::clock::{Clock, SystemClock};
use crate::config::{MOST_DOCUMENT_BYTES, NamedBy};
use crate::time::SavedAt;
use crate::token::ContentToken;

/// Temporary files and locks live here, directly below the root: on the file system of the objects, and out of every
/// listing.
const RESERVED: &str = ".storage";

/// Objects as files in one directory tree, safe between processes.
///
/// A write goes to a temporary file, is synced, gets its `saved_at` as modification time and is renamed into
/// place; conditions are checked under a lock that all processes share, so a reader never sees half a file
/// and a condition is never outrun. User metadata is not kept. What is made is for this user alone.
///
/// The path of an object below the root is its key, but in the folders of the index, which are split as they fill up.
#[derive(Debug, Clone)]
pub struct LocalBucket {
    root: Arc<Path>,
    named_by: NamedBy,
    /// The most bytes of an object that are read.
    largest: u64,
    threads: Threads,
    /// How many entries of directories have been read.
    entries_read: Arc<AtomicU64>,
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
        Self {
            root: root.into(),
            named_by: NamedBy::default(),
            largest: MOST_DOCUMENT_BYTES,
            threads: Threads::default(),
            entries_read: Arc::default(),
        }
    }

    /// The same tree, of which no larger object is read.
    #[must_use]
    pub fn reading_at_most(self, largest: u64) -> Self {
        Self { largest, ..self }
    }

    /// How many entries of directories were read so far: what listings cost.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn entries_read(&self) -> u64 {
        self.entries_read.load(std::sync::atomic::Ordering::Relaxed)
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
        // Taken from the open file, so that content and metadata are of the same write.
        let open = |place: &Path| match open(place) {
            Ok(file) => Ok(file.metadata()?.is_file().then_some(file)),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(e),
        };
        let Some(file) = folder::find(&self.root, key, open).map_err(failed)? else {
            return Ok(Err(Got::Absent));
        };
        let meta = describe(&file.metadata().map_err(failed)?);
        if Some(&meta.etag) == if_none_match {
            return Ok(Err(Got::NotModified { last_modified: Some(meta.last_modified) }));
        }
        BucketError::unless_too_large(key, meta.size, self.largest)?;
        Ok(Ok((file, meta)))
    }

    /// A file that was found in this place; none if it has gone since.
    fn listed(&self, key: Key, place: &Path) -> io::Result<Option<Listed>> {
        let meta = match meta_of(place)? {
            // It may have been moved down by a split.
            None => folder::find(&self.root, &key, meta_of)?,
            meta => meta,
        };
        Ok(meta.map(|ObjectMeta { size, etag, token, saved_at, last_modified, .. }| Listed {
            key,
            size,
            etag,
            token,
            saved_at: Some(saved_at),
            last_modified,
        }))
    }
}

/// Opens a file for reading, and waits for nobody: whoever opens a pipe waits for its other end.
fn open(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
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
        self.write(put).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got> {
        if options.version_id.is_some() {
            return Err(BucketError::Unsupported("local storage keeps no versions"));
        }
        let (bucket, looked_for) = (self.clone(), key.clone());
        let look = move || bucket.look(&looked_for, options.if_none_match.as_ref());
        let (mut file, meta) = match self.threads.read(0, look).await? {
            Ok(found) => found,
            Err(answer) => return Ok(answer),
        };
        let part = match options.range {
            None => None,
            Some(range) => {
                let not_satisfiable = || BucketError::RangeNotSatisfiable(key.to_string());
                Some(range.within(meta.size).ok_or_else(not_satisfiable)?)
            }
        };
        let wanted = part.clone().unwrap_or(0..meta.size);
        let (path, bucket, size) = (self.path(key)?, self.clone(), wanted.end - wanted.start);
        let share = options.budget.take(size).ok_or(BucketError::NoRoom(size))?;
        let mut body = Buffer::try_with_capacity(size).map_err(|e| self.failure("read", &path, e))?;
        let read = move || {
            let failed = |e| bucket.failure("read", &path, e);
            file.seek(SeekFrom::Start(wanted.start)).map_err(failed)?;
            body.append_all(&mut file.take(size)).map_err(failed)?;
            Ok(Got::Found(Object { meta, body: body.freeze(share), part }))
        };
        self.threads.read(size, read).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        let (path, bucket, key) = (self.path(key)?, self.clone(), key.clone());
        let head =
            move || folder::find(&bucket.root, &key, meta_of).map_err(|e| bucket.failure("read", &path, e));
        self.threads.read(0, head).await
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        self.remove(key, if_match).await
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing> {
        let (prefix, after) = (prefix.to_owned(), start_after.unwrap_or_default().to_owned());
        let limit = limit.clamp(1, MAX_KEYS);
        // Before the first look: what is written meanwhile may be missed.
        let date = SystemClock.now();
        let bucket = self.clone();
        let listed = move || {
            let mut after = after;
            loop {
                let walk::Found { files, truncated } =
                    walk::list(&bucket.root, &prefix, &after, limit, &bucket.entries_read)?;
                let last = files.last().map(|(key, _)| key.to_string());
                let objects =
                    files.into_iter().filter_map(|(key, place)| bucket.listed(key, &place).transpose());
                let objects = objects.collect::<io::Result<Vec<_>>>()?;
                match last {
                    // All of them have gone since: callers, who go on behind the last, could not.
                    Some(last) if truncated && objects.is_empty() => after = last,
                    _ => return Ok(Listing { objects, truncated, date }),
                }
            }
        };
        let bucket = self.clone();
        let list = move || listed().map_err(|e| bucket.failure("list", &bucket.root, e));
        self.threads.read(0, list).await
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
