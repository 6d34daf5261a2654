//! A bucket as seen from a host whose clock is not the bucket's.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::bucket::{
    Bucket, BucketInfo, ETag, GetOptions, Got, Key, Listing, ObjectMeta, Put, RestoreTier, Restoring, Result,
    Version,
};
use crate::clock::{Clock, ClockOffset};
use crate::token::ContentToken;

/// A bucket that shows its time with every answer, cut to the second, as the header `Date` of S3 does. What is learnt of it
/// is one process's own.
#[derive(Debug)]
pub struct DatedBucket {
    inner: Arc<dyn Bucket>,
    clock: Arc<dyn Clock>,
    host: Arc<dyn Clock>,
    offset: ClockOffset,
}

impl DatedBucket {
    /// The bucket, whose clock this is, for a new process on a host with that clock.
    #[must_use]
    pub fn new(inner: Arc<dyn Bucket>, clock: Arc<dyn Clock>, host: Arc<dyn Clock>) -> Self {
        Self { inner, clock, host, offset: ClockOffset::default() }
    }

    /// An answer, a failure included.
    async fn dated<T>(&self, request: impl Future<Output = T>) -> T {
        let sent = self.host.now();
        let answer = request.await;
        self.offset.observe(sent, self.host.now(), self.date());
        answer
    }

    fn date(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Bucket for DatedBucket {
    fn clock_offset(&self) -> Option<SignedDuration> {
        self.offset.get()
    }

    fn token(&self, etag: &ETag, content: &[u8]) -> ContentToken {
        self.inner.token(etag, content)
    }

    async fn put(&self, put: Put) -> Result<ETag> {
        self.dated(self.inner.put(put)).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got> {
        self.dated(self.inner.get(key, options)).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.dated(self.inner.head(key)).await
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        self.dated(self.inner.delete(key, if_match)).await
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing> {
        let date = self.date();
        let listing = self.dated(self.inner.list(prefix, start_after, limit)).await?;
        Ok(Listing { date, ..listing })
    }

    async fn versions(&self, key: &Key) -> Result<Vec<Version>> {
        self.dated(self.inner.versions(key)).await
    }

    async fn restore(&self, key: &Key, days: u32, tier: RestoreTier) -> Result<Restoring> {
        self.dated(self.inner.restore(key, days, tier)).await
    }

    async fn info(&self) -> Result<BucketInfo> {
        self.dated(self.inner.info()).await
    }
}
