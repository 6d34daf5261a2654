//! A bucket whose every request waits until it is let through, or given up.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{
    BucketInfo, GetOptions, Got, Listing, ObjectMeta, Put, RestoreTier, Restoring, Version,
};
use analysis_storage::testing::ManualClock;
use analysis_storage::{Bucket, Clock, ContentToken, ETag, Error, Key};
use async_trait::async_trait;
use jiff::SignedDuration;

type Result<T> = std::result::Result<T, Error>;

/// What becomes of the request that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Through,
    /// Its sender gets no answer, and the request stays on its way.
    GivenUp,
}

/// A request that waits.
#[derive(Debug, Clone)]
enum Held {
    Put(Put),
    Delete(Key, Option<ETag>),
}

/// The bucket of one operation.
#[derive(Debug)]
pub(crate) struct Gate {
    inner: Arc<MemoryBucket>,
    let_through: AtomicUsize,
    give_up: AtomicUsize,
    /// How many writes wait.
    waiting: AtomicUsize,
    on_its_way: Mutex<Option<Held>>,
}

fn take(permits: &AtomicUsize) -> bool {
    permits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok()
}

impl Gate {
    pub(crate) fn new(inner: Arc<MemoryBucket>) -> Self {
        let none = AtomicUsize::default;
        Self { inner, let_through: none(), give_up: none(), waiting: none(), on_its_way: Mutex::default() }
    }

    /// Whether a write waits, which may be carried out late.
    pub(crate) fn may_give_up(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn decide(&self, fate: Fate) {
        let permits = if fate == Fate::Through { &self.let_through } else { &self.give_up };
        permits.store(1, Ordering::Relaxed);
    }

    pub(crate) fn is_on_its_way(&self) -> bool {
        self.on_its_way.lock().unwrap().is_some()
    }

    /// Carries out what was given up.
    pub(crate) async fn land(&self) {
        let held = self.on_its_way.lock().unwrap().take();
        // Nobody learns what came of it.
        match held {
            Some(Held::Put(put)) => drop(self.inner.put(put).await),
            Some(Held::Delete(key, tag)) => drop(self.inner.delete(&key, tag.as_ref()).await),
            None => {}
        }
    }

    async fn pass(&self) -> &MemoryBucket {
        std::future::poll_fn(|_| if take(&self.let_through) { Poll::Ready(()) } else { Poll::Pending }).await;
        &self.inner
    }

    async fn pass_write(&self, held: Held) -> Result<&MemoryBucket> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let is_through = std::future::poll_fn(|_| match (take(&self.let_through), take(&self.give_up)) {
            (true, _) => Poll::Ready(true),
            (_, true) => Poll::Ready(false),
            _ => Poll::Pending,
        });
        let is_through = is_through.await;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        if is_through {
            return Ok(&self.inner);
        }
        *self.on_its_way.lock().unwrap() = Some(held);
        Err(Error::NoAnswer { operation: "write".to_owned(), source: "given up".into() })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Bucket for Gate {
    fn clock_offset(&self) -> Option<SignedDuration> {
        self.inner.clock_offset()
    }

    fn token(&self, etag: &ETag, content: &[u8]) -> ContentToken {
        self.inner.token(etag, content)
    }

    async fn put(&self, put: Put) -> Result<ETag> {
        self.pass_write(Held::Put(put.clone())).await?.put(put).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got> {
        self.pass().await.get(key, options).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.pass().await.head(key).await
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        let held = Held::Delete(key.clone(), if_match.cloned());
        self.pass_write(held).await?.delete(key, if_match).await
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing> {
        self.pass().await.list(prefix, start_after, limit).await
    }

    async fn versions(&self, key: &Key) -> Result<Vec<Version>> {
        self.inner.versions(key).await
    }

    async fn restore(&self, key: &Key, days: u32, tier: RestoreTier) -> Result<Restoring> {
        self.pass().await.restore(key, days, tier).await
    }

    async fn info(&self) -> Result<BucketInfo> {
        self.inner.info().await
    }
}

/// Every look at the clock shows a later microsecond, as the protocol demands of all processes together.
#[derive(Debug)]
pub(crate) struct Ticking(pub(crate) ManualClock);

#[async_trait]
impl Clock for Ticking {
    fn now(&self) -> jiff::Timestamp {
        self.0.advance(Duration::from_micros(1));
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    fn random(&self) -> u64 {
        self.0.random()
    }

    async fn sleep(&self, _: Duration) {}
}
