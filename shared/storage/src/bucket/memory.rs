//! A bucket in memory: the reference for what a bucket does, and the ground of simulations.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::SignedDuration;
use md5::{Digest, Md5};

use super::{
    Bucket, BucketError, BucketInfo, ByteRange, ETag, GetOptions, Got, Key, Listed, Listing, MAX_KEYS,
    Object, ObjectMeta, Precondition, Put, RestoreTier, Restoring, Result, Version,
};
use crate::clock::{Clock, SystemClock};
use crate::token::ContentToken;

/// Objects in a sorted map. Each request is one atomic step.
#[derive(Debug)]
pub struct MemoryBucket {
    objects: Mutex<BTreeMap<Key, Object>>,
    clock: Arc<dyn Clock>,
}

impl Default for MemoryBucket {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

impl MemoryBucket {
    /// An empty bucket whose modification times come from this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { objects: Mutex::default(), clock }
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<Key, Object>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entity tag, as S3 makes it of objects that are put whole.
fn etag(body: &[u8]) -> ETag {
    let mut hex = String::new();
    for byte in Md5::digest(body) {
        // Cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    ETag::new(format!("\"{hex}\""))
}

fn check(key: &Key, precondition: &Precondition, existing: Option<&Object>) -> Result<()> {
    let holds = match precondition {
        Precondition::None => true,
        Precondition::Absent => existing.is_none(),
        Precondition::Match(tag) => existing.is_some_and(|object| object.meta.etag == *tag),
    };
    if holds { Ok(()) } else { Err(BucketError::PreconditionFailed(key.to_string())) }
}

/// The object, or the bytes of it that are asked for.
fn part(key: &Key, object: &Object, range: Option<ByteRange>) -> Result<Object> {
    let Some(range) = range else { return Ok(object.clone()) };
    let not_satisfiable = || BucketError::RangeNotSatisfiable(key.to_string());
    let part = range.within(object.meta.size).ok_or_else(not_satisfiable)?;
    let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    let body = object.body.slice(index(part.start)..index(part.end));
    Ok(Object { meta: object.meta.clone(), body, part: Some(part) })
}

/// An object as S3 lists it: without the time that names its write.
fn listed(key: &Key, meta: &ObjectMeta) -> Listed {
    let ObjectMeta { size, etag, token, last_modified, .. } = meta.clone();
    Listed { key: key.clone(), size, etag, token, saved_at: None, last_modified }
}

#[async_trait]
impl Bucket for MemoryBucket {
    fn clock_offset(&self) -> Option<SignedDuration> {
        Some(SignedDuration::ZERO)
    }

    fn token(&self, etag: &ETag, _: &[u8]) -> ContentToken {
        ContentToken::of_tag(etag)
    }

    async fn put(&self, put: Put) -> Result<ETag> {
        let mut objects = self.objects();
        check(&put.key, &put.precondition, objects.get(&put.key))?;
        let etag = etag(&put.body);
        let meta = ObjectMeta {
            size: put.body.len() as u64,
            token: Some(ContentToken::of_tag(&etag)),
            etag: etag.clone(),
            saved_at: put.saved_at,
            is_ours: true,
            last_modified: self.clock.now(),
            version_id: None,
            archived: false,
            metadata: put.metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        };
        objects.insert(put.key, Object { meta, body: put.body, part: None });
        Ok(etag)
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got> {
        if options.version_id.is_some() {
            return Err(BucketError::Unsupported("this storage keeps no versions"));
        }
        Ok(match self.objects().get(key) {
            None => Got::Absent,
            Some(object) if Some(&object.meta.etag) == options.if_none_match.as_ref() => {
                Got::NotModified { last_modified: Some(object.meta.last_modified) }
            }
            Some(object) => {
                let Object { meta, body, part } = part(key, object, options.range)?;
                let size = body.len() as u64;
                let share = options.budget.take(size).ok_or(BucketError::NoRoom(size))?;
                Got::Found(Object { meta, body: share.hold(body), part })
            }
        })
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        Ok(self.objects().get(key).map(|object| object.meta.clone()))
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        let mut objects = self.objects();
        if let Some(tag) = if_match {
            check(key, &Precondition::Match(tag.clone()), objects.get(key))?;
        }
        objects.remove(key);
        Ok(())
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing> {
        let limit = limit.clamp(1, MAX_KEYS);
        let from = match start_after {
            Some(after) if after >= prefix => Bound::Excluded(Key::new(after)),
            _ => Bound::Included(Key::new(prefix)),
        };
        let objects = self.objects();
        let mut found = objects
            .range((from, Bound::Unbounded))
            .take_while(|(key, _)| key.as_str().starts_with(prefix))
            .map(|(key, object)| listed(key, &object.meta))
            .filter(|object| !object.is_folder_marker());
        let objects: Vec<Listed> = found.by_ref().take(limit).collect();
        Ok(Listing { truncated: found.next().is_some(), objects, date: self.clock.now() })
    }

    async fn versions(&self, _: &Key) -> Result<Vec<Version>> {
        Err(BucketError::Unsupported("this storage keeps no versions"))
    }

    async fn restore(&self, _: &Key, _: u32, _: RestoreTier) -> Result<Restoring> {
        Err(BucketError::Unsupported("this storage has no archive"))
    }

    async fn info(&self) -> Result<BucketInfo> {
        Ok(BucketInfo {
            bucket_name: "memory".into(),
            region: "local".into(),
            versioning_status: "Disabled".into(),
            encryption_enabled: Some(false),
        })
    }
}
