//! Buckets around a bucket: one counts the requests, one makes them fail.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::SignedDuration;

use crate::bucket::{
    Bucket, BucketError, BucketInfo, ETag, GetOptions, Got, Key, Listing, ObjectMeta, Put, RestoreTier,
    Restoring, Result, Version,
};
use crate::token::ContentToken;

/// The kinds of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// `PutObject`.
    Put,
    /// `GetObject`.
    Get,
    /// `HeadObject`.
    Head,
    /// `DeleteObject`.
    Delete,
    /// `ListObjectsV2`.
    List,
    /// `ListObjectVersions`.
    Versions,
    /// `RestoreObject`.
    Restore,
    /// `GetBucketVersioning` and `GetBucketEncryption`.
    Info,
}

/// A bucket that counts the requests it passes on.
#[derive(Debug)]
pub struct CountingBucket<B> {
    inner: B,
    counts: Mutex<BTreeMap<Operation, usize>>,
}

impl<B: Bucket> CountingBucket<B> {
    /// A bucket that counts from zero what it passes on to `inner`.
    #[must_use]
    pub fn new(inner: B) -> Self {
        Self { inner, counts: Mutex::default() }
    }

    /// The requests since the last call, by kind.
    #[must_use]
    pub fn take(&self) -> BTreeMap<Operation, usize> {
        std::mem::take(&mut self.counts.lock().unwrap())
    }

    fn count(&self, operation: Operation) -> &B {
        *self.counts.lock().unwrap().entry(operation).or_default() += 1;
        &self.inner
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Bucket> Bucket for CountingBucket<B> {
    fn clock_offset(&self) -> Option<SignedDuration> {
        self.inner.clock_offset()
    }

    fn token(&self, etag: &ETag, content: &[u8]) -> ContentToken {
        self.inner.token(etag, content)
    }

    async fn put(&self, put: Put) -> Result<ETag> {
        self.count(Operation::Put).put(put).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got> {
        self.count(Operation::Get).get(key, options).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.count(Operation::Head).head(key).await
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        self.count(Operation::Delete).delete(key, if_match).await
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing> {
        self.count(Operation::List).list(prefix, start_after, limit).await
    }

    async fn versions(&self, key: &Key) -> Result<Vec<Version>> {
        self.count(Operation::Versions).versions(key).await
    }

    async fn restore(&self, key: &Key, days: u32, tier: RestoreTier) -> Result<Restoring> {
        self.count(Operation::Restore).restore(key, days, tier).await
    }

    async fn info(&self) -> Result<BucketInfo> {
        self.count(Operation::Info).info().await
    }
}

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request is refused before it has any effect, as by 503 `SlowDown`.
    Refused,
    /// The request takes effect, and its answer is lost.
    AnswerLost,
    /// The request itself is lost, which its client cannot tell from a lost answer.
    RequestLost,
    /// The object is archived, as `InvalidObjectState` says of a GET.
    Archived,
}

/// Decides for each request, by its kind and its key (or prefix), whether it fails.
pub type Decide = Box<dyn FnMut(Operation, &str) -> Option<Fault> + Send>;

/// A bucket that makes requests fail.
pub struct FaultyBucket {
    inner: Arc<dyn Bucket>,
    decide: Mutex<Decide>,
}

impl fmt::Debug for FaultyBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyBucket").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl FaultyBucket {
    /// Fails the requests that `decide` picks.
    #[must_use]
    pub fn new(inner: Arc<dyn Bucket>, decide: Decide) -> Self {
        Self { inner, decide: Mutex::new(decide) }
    }

    /// Fails the first request of this kind whose key contains `part`.
    #[must_use]
    pub fn once(inner: Arc<dyn Bucket>, operation: Operation, part: &'static str, fault: Fault) -> Self {
        let mut fault = Some(fault);
        Self::new(inner, Box::new(move |op, key| fault.take_if(|_| op == operation && key.contains(part))))
    }

    async fn pass<T>(
        &self,
        operation: Operation,
        key: &str,
        request: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let fault = (self.decide.lock().unwrap())(operation, key);
        match fault {
            None => request.await,
            Some(Fault::Refused) => {
                Err(BucketError::refused(format!("{operation:?} {key}"), "injected: refused"))
            }
            Some(Fault::Archived) => Err(BucketError::Archived(key.to_owned())),
            Some(fault) => {
                if fault == Fault::AnswerLost {
                    request.await?;
                }
                Err(BucketError::no_answer(format!("{operation:?} {key}"), "injected: answer lost"))
            }
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Bucket for FaultyBucket {
    fn clock_offset(&self) -> Option<SignedDuration> {
        self.inner.clock_offset()
    }

    fn token(&self, etag: &ETag, content: &[u8]) -> ContentToken {
        self.inner.token(etag, content)
    }

    async fn put(&self, put: Put) -> Result<ETag> {
        let key = put.key.clone();
        self.pass(Operation::Put, key.as_str(), self.inner.put(put)).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got> {
        self.pass(Operation::Get, key.as_str(), self.inner.get(key, options)).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.pass(Operation::Head, key.as_str(), self.inner.head(key)).await
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        self.pass(Operation::Delete, key.as_str(), self.inner.delete(key, if_match)).await
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing> {
        self.pass(Operation::List, prefix, self.inner.list(prefix, start_after, limit)).await
    }

    async fn versions(&self, key: &Key) -> Result<Vec<Version>> {
        self.pass(Operation::Versions, key.as_str(), self.inner.versions(key)).await
    }

    async fn restore(&self, key: &Key, days: u32, tier: RestoreTier) -> Result<Restoring> {
        self.pass(Operation::Restore, key.as_str(), self.inner.restore(key, days, tier)).await
    }

    async fn info(&self) -> Result<BucketInfo> {
        self.pass(Operation::Info, "", self.inner.info()).await
    }
}
