//! The little of S3 that this product needs, as one trait. Every implementation passes the same contract
//! suite, `testing::contract`.

mod byte_range;
mod error;
pub mod local;
pub mod memory;
pub mod s3;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

pub use self::byte_range::ByteRange;
pub use self::error::{BucketError, Result};
use crate::memory_budget::MemoryBudget;
use crate::time::SavedAt;
use crate::token::ContentToken;

/// The most keys one [`Bucket::list`] returns, as S3's `ListObjectsV2`.
pub const MAX_KEYS: usize = 1000;

/// The key of an object. Made by [`Layout`](crate::Layout), or read back from a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// A key, taken as it is.
    #[must_use]
    pub fn new(key: impl Into<Arc<str>>) -> Self {
        Self(key.into())
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A strong entity tag in its quotes (RFC 9110, section 8.8.3), opaque to us.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ETag(Arc<str>);

impl ETag {
    /// A tag, taken as it is, quotes included.
    #[must_use]
    pub fn new(tag: impl Into<Arc<str>>) -> Self {
        Self(tag.into())
    }

    /// The tag in its quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What must hold for a write to take effect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Precondition {
    /// No condition: whatever is there is replaced.
    #[default]
    None,
    /// There is no object under the key (`If-None-Match: *`).
    Absent,
    /// The object under the key has this tag (`If-Match`).
    Match(ETag),
}

/// One write of one object.
#[derive(Debug, Clone)]
pub struct Put {
    /// The key of the object.
    pub key: Key,
    /// The content, stored byte for byte.
    pub body: Bytes,
    /// The time that names this write, given back by [`Bucket::head`] and [`Bucket::get`].
    pub saved_at: SavedAt,
    /// User metadata: ASCII names and values, for people and other programs. Local files do not keep it.
    pub metadata: Vec<(&'static str, String)>,
    /// The condition of the write.
    pub precondition: Precondition,
}

/// What a bucket knows of an object without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Size in bytes.
    pub size: u64,
    /// Entity tag.
    pub etag: ETag,
    /// The time that names the write; for an object that another program wrote, its modification time.
    pub saved_at: SavedAt,
    /// Whether this software wrote it, as far as the bucket can tell.
    pub is_ours: bool,
    /// What tells its content from others, where the bucket knows without reading it: local files do not.
    pub token: Option<ContentToken>,
    /// When it was written, by the bucket's clock.
    pub last_modified: Timestamp,
    /// The version, in a bucket that keeps versions.
    pub version_id: Option<String>,
    /// Whether the content must be restored from an archive before it can be read.
    pub archived: bool,
    /// User metadata by lower-case name, as the writer gave it; empty for local files, which keep none.
    pub metadata: BTreeMap<String, String>,
}

/// An object and its content.
#[derive(Debug, Clone)]
pub struct Object {
    /// What the bucket knows of the object.
    pub meta: ObjectMeta,
    /// The object's content, or the part of it that was asked for.
    pub body: Bytes,
    /// Which bytes of the object `body` is; `None` if it is all of them.
    pub part: Option<Range<u64>>,
}

/// How to read an object.
#[derive(Debug, Clone, Default)]
pub struct GetOptions {
    /// Answer [`Got::NotModified`] if the object has this tag.
    pub if_none_match: Option<ETag>,
    /// Read this version instead of the current one.
    pub version_id: Option<String>,
    /// Read these bytes only. A bucket that cannot may answer with all of them.
    pub range: Option<ByteRange>,
    /// What the content takes its memory from, before any of it is read.
    pub budget: MemoryBudget,
}

/// The answer to a read.
#[derive(Debug, Clone)]
pub enum Got {
    /// The object is there, and is this.
    Found(Object),
    /// The object still has the tag that the caller holds.
    NotModified {
        /// When it was written, by the bucket's clock, if the bucket says so.
        last_modified: Option<Timestamp>,
    },
    /// There is no such object.
    Absent,
}

/// An object as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The object's key.
    pub key: Key,
    /// Size in bytes.
    pub size: u64,
    /// Entity tag.
    pub etag: ETag,
    /// What tells its content from others, where the bucket knows without reading it.
    pub token: Option<ContentToken>,
    /// The time that names the write, where listings show it: those of local files do, those of S3 do not.
    pub saved_at: Option<SavedAt>,
    /// When it was written, by the bucket's clock.
    pub last_modified: Timestamp,
}

impl Listed {
    /// Whether it is one of the empty objects, with names that end in a slash, by which consoles and some tools show
    /// folders. Listings leave them out: they hold nothing, and mean nothing to us.
    #[must_use]
    pub fn is_folder_marker(&self) -> bool {
        self.size == 0 && self.key.as_str().ends_with('/')
    }
}

/// One page of objects in byte order of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The objects of the page.
    pub objects: Vec<Listed>,
    /// Whether more follow; if so there is at least one here to go on from.
    pub truncated: bool,
    /// A time by the bucket's clock that is not after the listing: what is older by it was there.
    pub date: Timestamp,
}

impl Listing {
    /// The keys of the page, in order.
    #[must_use]
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Key> + Clone {
        self.objects.iter().map(|object| &object.key)
    }

    /// The last key, if the listing goes on behind it.
    #[must_use]
    pub fn next(&self) -> Option<&Key> {
        self.keys().next_back().filter(|_| self.truncated)
    }
}

/// One stored version of an object, or the mark of its deletion.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Version {
    /// The version's id, good for [`GetOptions::version_id`].
    pub version_id: String,
    /// Whether it is what a plain read finds.
    pub is_latest: bool,
    /// Whether it marks a deletion instead of holding a document.
    pub deleted: bool,
    /// Size in bytes; 0 for a deletion.
    pub size: u64,
    /// When it was written, by the bucket's clock.
    pub last_modified: Timestamp,
    /// Entity tag; none for a deletion.
    pub etag: Option<String>,
}

/// How fast an archived object is brought back, and at what price ("Archive retrieval options" in the Amazon S3 User
/// Guide): minutes, hours, or up to two days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RestoreTier {
    /// Brought back within minutes; not for `DEEP_ARCHIVE`.
    Expedited,
    /// Brought back within hours.
    #[default]
    Standard,
    /// Brought back within a day or two, at the lowest price.
    Bulk,
}

/// What became of asking for a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restoring {
    /// The restore has begun, or goes on; a copy that is there already is kept for the days that were asked for.
    Accepted,
    /// There is nothing to restore: the object is not archived.
    NotArchived,
    /// There is no such object.
    Absent,
}

/// How the bucket is set up, for `/storage/info`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BucketInfo {
    /// The bucket's name, or the directory of local storage.
    pub bucket_name: String,
    /// The region, or `local`.
    pub region: String,
    /// `Enabled`, `Suspended` or `Disabled`; `unknown` where we may not ask.
    pub versioning_status: String,
    /// Whether objects are encrypted at rest; `null` where we may not ask.
    pub encryption_enabled: Option<bool>,
}

/// What the storage protocol asks of a bucket: strong read-after-write consistency, conditional writes that
/// are atomic per key, and listings in byte order of the keys.
///
/// Every call is one attempt and one request. Where it fails for the moment, the error says what is known:
/// [`BucketError::Refused`] had no effect, [`BucketError::NoAnswer`] may have had, and may have it later still.
///
/// ```
/// use analysis_storage::bucket::memory::MemoryBucket;
/// use analysis_storage::bucket::{Bucket, BucketError, Key, Precondition, Put};
/// use analysis_storage::SavedAt;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), BucketError> {
/// let bucket = MemoryBucket::default();
/// let create = Put {
///     key: Key::new("analysis/2026/01/study-1.json"),
///     body: "{}".into(),
///     saved_at: SavedAt::from_micros(1_767_225_600_000_000),
///     metadata: Vec::new(),
///     precondition: Precondition::Absent,
/// };
/// bucket.put(create.clone()).await?;
/// assert!(matches!(bucket.put(create).await, Err(BucketError::PreconditionFailed(_))));
/// assert_eq!(bucket.list("analysis/2026/", None, 10).await?.objects.len(), 1);
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Bucket: Send + Sync + fmt::Debug {
    /// How far the bucket's clock is ahead of this host's, by what its answers said; `None` before the first of them.
    fn clock_offset(&self) -> Option<SignedDuration>;

    /// What listings and heads will show, or readers will find, as the token of this content, whose write was answered
    /// with this tag.
    fn token(&self, etag: &ETag, content: &[u8]) -> ContentToken;

    /// Writes an object whole, or not at all.
    ///
    /// # Errors
    /// [`BucketError::PreconditionFailed`] if the condition does not hold.
    async fn put(&self, put: Put) -> Result<ETag>;

    /// Reads an object.
    ///
    /// # Errors
    /// [`BucketError::Archived`] if its content must be restored first; [`BucketError::RangeNotSatisfiable`] if it has none
    /// of the bytes that are asked for.
    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got>;

    /// What is known of an object; `None` if there is none.
    ///
    /// # Errors
    /// Only those of every request.
    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>>;

    /// Removes an object; removing none is a success.
    ///
    /// # Errors
    /// [`BucketError::PreconditionFailed`] if it is not the one with this tag.
    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()>;

    /// Up to `limit` objects (at most [`MAX_KEYS`]) whose keys begin with `prefix` and are greater than `start_after`.
    /// Folder markers are left out.
    ///
    /// # Errors
    /// Only those of every request.
    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing>;

    /// The newest versions of one object, newest first.
    ///
    /// # Errors
    /// [`BucketError::Unsupported`] if the bucket keeps none.
    async fn versions(&self, key: &Key) -> Result<Vec<Version>>;

    /// Asks for a copy of an archived object that can be read for this many days. Returns at once; the copy is there
    /// when [`head`](Self::head) no longer says `archived`.
    ///
    /// # Errors
    /// [`BucketError::Unsupported`] if the bucket has no archive.
    async fn restore(&self, key: &Key, days: u32, tier: RestoreTier) -> Result<Restoring>;

    /// How the bucket is set up.
    ///
    /// # Errors
    /// Only those of every request.
    async fn info(&self) -> Result<BucketInfo>;
}
