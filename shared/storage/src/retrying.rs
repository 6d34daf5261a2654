//! Requests to the bucket, sent again while they fail for the moment.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use crate::bucket::{
    self, Bucket, BucketError, BucketInfo, ETag, GetOptions, Got, Key, Listing, ObjectMeta, Precondition,
    Put, RestoreTier, Restoring, Version,
};
use crate::clock::{BucketClock, Clock};
use crate::durations::{LONGEST_ATTEMPT, RETRY_FOR, signed};
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::time::{SavedAt, SavedAtSource};
use crate::token::ContentToken;

/// The longest wait before the first repetition; each further one may take twice as long, up to [`LONGEST_BACKOFF`].
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

/// How much earlier than an operation began something may be dated that was there when it began: `Date` and
/// `Last-Modified` are cut to the second, and the correction of the clock may be off by another.
const DATED_BEFORE: Duration = Duration::from_secs(5);

/// A bucket whose passing failures are retried, until the deadline of the operation that sends the requests.
#[derive(Debug, Clone)]
pub(crate) struct RetryingBucket {
    bucket: Arc<dyn Bucket>,
    clock: Arc<dyn Clock>,
    saved_ats: Arc<SavedAtSource>,
    /// The operation's deadline; without one, each request has [`RETRY_FOR`].
    deadline: Option<Deadline>,
}

/// When an operation has to end. By the monotonic clock alone: the first answer of the bucket may correct the other by
/// hours, and patience would be at an end.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    begun: Duration,
    within: Duration,
}

/// The time that is left for repetitions.
#[derive(Debug)]
struct Patience {
    deadline: Deadline,
    attempts: u32,
}

/// A document that now lies in the bucket.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) saved_at: SavedAt,
    pub(crate) etag: ETag,
    pub(crate) token: ContentToken,
}

/// What became of a conditional write.
#[derive(Debug)]
pub(crate) enum PutOutcome {
    /// The write took effect.
    Written(Written),
    /// The condition of the write did not hold, and it had no effect.
    Failed,
}

impl RetryingBucket {
    /// Over this bucket, on a host with this clock.
    pub(crate) fn new(bucket: Arc<dyn Bucket>, host: Arc<dyn Clock>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(BucketClock::new(host, Arc::clone(&bucket)));
        Self { bucket, saved_ats: Arc::new(SavedAtSource::new(Arc::clone(&clock))), clock, deadline: None }
    }

    /// This bucket for one operation that begins now, and whose caller waits no longer than this.
    pub(crate) fn within(&self, time: Duration) -> Self {
        let within = time.saturating_sub(LONGEST_ATTEMPT);
        Self { deadline: Some(Deadline { begun: self.clock.monotonic(), within }), ..self.clone() }
    }

    /// This bucket with times of this clock.
    #[cfg(feature = "testing")]
    pub(crate) fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { saved_ats: Arc::new(SavedAtSource::new(Arc::clone(&clock))), clock, ..self }
    }

    /// The bucket beneath, whose requests are sent once.
    pub(crate) fn bucket(&self) -> &Arc<dyn Bucket> {
        &self.bucket
    }

    /// The bucket's clock.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Whether the bucket has answered before, so that its time is known.
    pub(crate) fn knows_time(&self) -> bool {
        self.bucket.clock_offset().is_some()
    }

    /// Waits before the next round of an operation whose conditions keep failing because of others.
    ///
    /// # Errors
    /// [`Error::Contended`] when the operation has no time left.
    pub(crate) async fn next_round(
        &self,
        rounds: &mut Rounds,
        operation: &str,
        id: &AnalysisId,
    ) -> Result<()> {
        let patience = rounds.0.get_or_insert_with(|| self.patience());
        if self.waits(patience).await { Ok(()) } else { Err(Error::contended(operation, id)) }
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

    /// Deletes an object that is never written again under its key, or whose absence others can bear.
    pub(crate) async fn delete(&self, key: &Key) -> Result<()> {
        self.retry(|| self.bucket.delete(key, None)).await
    }

    /// Deletes the object with this tag: whether it did.
    ///
    /// # Errors
    /// [`Error::NoAnswer`] also if an answer was lost, and another object is there by now: nobody can tell whether it
    /// has taken the place of the deleted one.
    pub(crate) async fn delete_matching(&self, key: &Key, tag: &ETag) -> Result<bool> {
        let mut patience = self.patience();
        let mut lost: Option<BucketError> = None;
        loop {
            match self.bucket.delete(key, Some(tag)).await {
                Ok(()) => return Ok(true),
                Err(BucketError::PreconditionFailed(_)) => {
                    let Some(lost) = lost else { return Ok(false) };
                    let found = self.head(key).await.map_err(Error::half_done)?;
                    return if found.is_none() { Ok(true) } else { Err(lost.into()) };
                }
                Err(error) if error.is_passing() => {
                    if !self.waits(&mut patience).await {
                        return Err(lost.unwrap_or(error).into());
                    }
                    if let BucketError::NoAnswer { .. } = error {
                        lost = Some(error);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes an object whose key says it all, and which holds nothing.
    pub(crate) async fn put_empty(&self, key: &Key) -> Result<()> {
        self.put_whatever(key, |_| Bytes::new()).await
    }

    /// Writes an object, whatever is there; every attempt with a `saved_at` of its own.
    pub(crate) async fn put_whatever(&self, key: &Key, body: impl Fn(SavedAt) -> Bytes) -> Result<()> {
        let put = || {
            let saved_at = self.saved_ats.next();
            let body = body(saved_at);
            Put { key: key.clone(), body, saved_at, metadata: Vec::new(), precondition: Precondition::None }
        };
        self.retry(|| self.bucket.put(put())).await.map(drop)
    }

    /// Writes an object under its precondition, every attempt with a `saved_at` of its own, greater than `above`.
    ///
    /// A condition that fails because an earlier attempt of this very call took effect, though its answer was lost, is
    /// recognised by that attempt's `saved_at` and is a success.
    ///
    /// # Errors
    /// [`Error::NoAnswer`] also if an answer was lost, and what is there now is neither this write nor older than it:
    /// nobody can tell whether it has replaced this write.
    pub(crate) async fn put(
        &self,
        above: Option<SavedAt>,
        put: impl Fn(SavedAt) -> Put,
    ) -> Result<PutOutcome> {
        let begun = Begun { at: self.clock.now(), monotonic: self.clock.monotonic() };
        let mut patience = self.patience();
        let mut lost = Lost::default();
        loop {
            let put = put(self.saved_ats.above(above));
            let (key, body, saved_at) = (put.key.clone(), put.body.clone(), put.saved_at);
            match self.bucket.put(put).await {
                Ok(etag) => return Ok(PutOutcome::Written(self.written(saved_at, etag, &body))),
                Err(BucketError::PreconditionFailed(_)) => {
                    return match lost.error {
                        None => Ok(PutOutcome::Failed),
                        Some(error) => {
                            self.verdict(&key, &body, &lost.saved_ats, begun).await?.ok_or(error.into())
                        }
                    };
                }
                Err(error) if error.is_passing() => {
                    if !self.waits(&mut patience).await {
                        return Err(lost.error.unwrap_or(error).into());
                    }
                    if let BucketError::NoAnswer { .. } = error {
                        lost.saved_ats.push(saved_at);
                        lost.error = Some(error);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What became of a write whose condition failed behind attempts with these `saved_at` that were not answered, if that
    /// can be told.
    async fn verdict(
        &self,
        key: &Key,
        body: &Bytes,
        saved_ats: &[SavedAt],
        begun: Begun,
    ) -> Result<Option<PutOutcome>> {
        let found = self.head(key).await.map_err(Error::half_done)?;
        let Some(found) = found else { return Ok(None) };
        if saved_ats.contains(&found.saved_at) && found.size == body.len() as u64 {
            return Ok(Some(PutOutcome::Written(self.written(found.saved_at, found.etag, body))));
        }
        // The host's clock may have been wrong when this began, and nobody had corrected it yet.
        let taken = self.clock.monotonic().saturating_sub(begun.monotonic);
        let begun = begun.at.min(self.clock.now() - taken);
        // It was there before the first attempt, and has kept all of them from taking effect.
        let was_there = begun.duration_since(found.last_modified) > signed(DATED_BEFORE);
        Ok(was_there.then_some(PutOutcome::Failed))
    }

    fn written(&self, saved_at: SavedAt, etag: ETag, body: &Bytes) -> Written {
        let token = self.bucket.token(&etag, body);
        Written { saved_at, etag, token }
    }

    async fn retry<T, F>(&self, mut request: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = bucket::Result<T>>,
    {
        let mut patience = self.patience();
        loop {
            match request().await {
                Err(error) if error.is_passing() => {
                    if !self.waits(&mut patience).await {
                        return Err(error.into());
                    }
                }
                result => return result.map_err(Error::from),
            }
        }
    }

    fn patience(&self) -> Patience {
        let begun = || Deadline { begun: self.clock.monotonic(), within: RETRY_FOR };
        Patience { deadline: self.deadline.unwrap_or_else(begun), attempts: 0 }
    }

    /// Waits a random part of the longest wait, so that clients that failed together do not return together; `false`
    /// when there is no time left.
    async fn waits(&self, patience: &mut Patience) -> bool {
        let Patience { deadline: Deadline { begun, within }, attempts } = patience;
        let left = within.saturating_sub(self.clock.monotonic().saturating_sub(*begun));
        if left.is_zero() {
            return false;
        }
        let longest = FIRST_BACKOFF.saturating_mul(1 << (*attempts).min(8)).min(LONGEST_BACKOFF);
        *attempts += 1;
        let part = u32::try_from(self.clock.random() % 1000).unwrap_or_default();
        self.clock.sleep((longest * part / 1000).min(left)).await;
        true
    }
}

/// The rounds of an operation that looks again whenever others were faster.
#[derive(Debug, Default)]
pub(crate) struct Rounds(Option<Patience>);

/// When a write began, by both clocks.
#[derive(Debug, Clone, Copy)]
struct Begun {
    at: Timestamp,
    monotonic: Duration,
}

/// The attempts of one write that were not answered.
#[derive(Debug, Default)]
struct Lost {
    saved_ats: Vec<SavedAt>,
    error: Option<BucketError>,
}
