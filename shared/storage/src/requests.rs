//! Requests to the bucket, sent again when they fail for the moment.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::bucket::s3::LONGEST_ATTEMPT;
use crate::bucket::{
    Bucket, BucketInfo, ETag, GetOptions, Got, Key, Listing, ObjectMeta, Precondition, Put, RestoreTier,
    Restoring, Version,
};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::time::{SavedAt, SavedAtSource};

/// How often a request is sent at most.
const ATTEMPTS: u32 = 3;
/// The longest wait before the first repetition; each further one may take four times as long.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// The longest that one request takes, all its repetitions and the waits between them included. What works under a
/// deadline has more time than this, so that it can survive two requests of three that are never answered.
///
/// It holds for documents of up to 3 MB over the slowest connection that is provided for, and of any size over one
/// that is faster in proportion.
pub const LONGEST_REQUEST: Duration = LONGEST_ATTEMPT
    .saturating_mul(ATTEMPTS)
    .saturating_add(longest_backoff(1))
    .saturating_add(longest_backoff(2));

const fn longest_backoff(attempt: u32) -> Duration {
    FIRST_BACKOFF.saturating_mul(4_u32.pow(attempt - 1))
}

/// A bucket whose transient failures are retried, a bounded number of times.
#[derive(Debug)]
pub(crate) struct Requests {
    bucket: Arc<dyn Bucket>,
    clock: Arc<dyn Clock>,
    tokens: SavedAtSource,
}

/// A document that now lies in the bucket.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) saved_at: SavedAt,
    pub(crate) etag: ETag,
}

/// What became of a conditional write.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It took effect.
    Written(Written),
    /// Its condition did not hold. If the answer to an earlier attempt was lost, that attempt may have taken
    /// effect and been overwritten since: `certain` is false then.
    Refused { certain: bool },
}

impl Requests {
    pub(crate) fn new(bucket: Arc<dyn Bucket>, clock: Arc<dyn Clock>) -> Self {
        Self { bucket, tokens: SavedAtSource::new(Arc::clone(&clock)), clock }
    }

    pub(crate) async fn get(&self, key: &Key, options: &GetOptions) -> Result<Got> {
        self.retry(|| self.bucket.get(key, options.clone())).await
    }

    pub(crate) async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.retry(|| self.bucket.head(key)).await
    }

    pub(crate) async fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
        limit: usize,
    ) -> Result<Listing> {
        self.retry(|| self.bucket.list(prefix, start_after, limit)).await
    }

    pub(crate) async fn versions(&self, key: &Key) -> Result<Vec<Version>> {
        self.retry(|| self.bucket.versions(key)).await
    }

    pub(crate) async fn restore(&self, key: &Key, days: u32, tier: RestoreTier) -> Result<Restoring> {
        self.retry(|| self.bucket.restore(key, days, tier)).await
    }

    pub(crate) async fn info(&self) -> Result<BucketInfo> {
        self.retry(|| self.bucket.info()).await
    }

    pub(crate) async fn delete(&self, key: &Key) -> Result<()> {
        self.retry(|| self.bucket.delete(key, None)).await
    }

    /// Deletes the object with this tag.
    pub(crate) async fn delete_matching(&self, key: &Key, tag: &ETag) -> Result<()> {
        let mut lost = None;
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.bucket.delete(key, Some(tag)).await {
                Err(e @ Error::Unavailable { .. }) if attempt < ATTEMPTS => lost = Some(e),
                Err(e @ Error::PreconditionFailed(_)) => {
                    let Some(lost) = lost else { return Err(e) };
                    // An earlier attempt may have deleted it. If another object is there by now, nobody can tell.
                    return if self.head(key).await?.is_none() { Ok(()) } else { Err(lost) };
                }
                result => return result,
            }
            self.back_off(attempt).await;
        }
    }

    /// Writes an empty object, whose key says it all.
    pub(crate) async fn put_empty(&self, key: &Key) -> Result<()> {
        let put = || Put {
            key: key.clone(),
            body: Bytes::new(),
            saved_at: self.tokens.next(),
            metadata: Vec::new(),
            precondition: Precondition::None,
        };
        self.retry(|| self.bucket.put(put())).await.map(drop)
    }

    /// Writes an object under its precondition, every attempt with a token of its own.
    ///
    /// A condition that fails because an earlier attempt of this very call took effect, though its answer
    /// was lost, is recognised by that attempt's token and is a success.
    pub(crate) async fn put(&self, put: impl Fn(SavedAt) -> Put) -> Result<Outcome> {
        let mut lost = Vec::new();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let put = put(self.tokens.next());
            let (key, saved_at) = (put.key.clone(), put.saved_at);
            match self.bucket.put(put).await {
                Ok(etag) => return Ok(Outcome::Written(Written { saved_at, etag })),
                Err(Error::PreconditionFailed(_)) if lost.is_empty() => {
                    return Ok(Outcome::Refused { certain: true });
                }
                Err(Error::PreconditionFailed(_)) => return self.find_own(&key, &lost).await,
                Err(Error::Unavailable { .. }) if attempt < ATTEMPTS => lost.push(saved_at),
                Err(e) => return Err(e),
            }
            self.back_off(attempt).await;
        }
    }

    async fn find_own(&self, key: &Key, lost: &[SavedAt]) -> Result<Outcome> {
        let found = self.head(key).await?.filter(|meta| lost.contains(&meta.saved_at));
        Ok(match found {
            Some(meta) => Outcome::Written(Written { saved_at: meta.saved_at, etag: meta.etag }),
            None => Outcome::Refused { certain: false },
        })
    }

    async fn retry<T, F>(&self, mut request: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut attempt = 1;
        loop {
            match request().await {
                Err(Error::Unavailable { .. }) if attempt < ATTEMPTS => self.back_off(attempt).await,
                result => return result,
            }
            attempt += 1;
        }
    }

    /// Waits a random part of the longest wait, so that clients that failed together do not return together.
    async fn back_off(&self, attempt: u32) {
        let longest = longest_backoff(attempt);
        let part = u32::try_from(self.clock.random() % 1000).unwrap_or_default();
        self.clock.sleep(longest * part / 1000).await;
    }
}
