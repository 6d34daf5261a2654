//! A bucket whose every request waits until it is let through, or given up.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{BucketError, GetOptions, Got, Listing, ObjectMeta, Put, Result};
use analysis_storage::testing::{Around, ManualClock};
use analysis_storage::{Bucket, Clock, ETag, Key};
use async_trait::async_trait;

/// What becomes of the request that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Through,
    /// Its sender gets no answer, and the request stays on its way.
    GivenUp,
}

/// What a request reads or writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Access {
    key: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    /// Of all keys that begin so.
    List,
    Put,
    Delete,
}

impl Access {
    fn new(kind: Kind, key: impl Into<String>) -> Self {
        Self { key: key.into(), kind }
    }

    pub(crate) fn is_write(&self) -> bool {
        matches!(self.kind, Kind::Put | Kind::Delete)
    }

    pub(crate) fn is_put(&self) -> bool {
        self.kind == Kind::Put
    }

    /// Whether it matters which of the two comes first.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let covers = |a: &Self, b: &Self| a.kind == Kind::List && b.key.starts_with(&a.key);
        let is_shared = self.key == other.key || covers(self, other) || covers(other, self);
        is_shared && (self.is_write() || other.is_write())
    }
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
    waiting: Mutex<Vec<Access>>,
    on_its_way: Mutex<Option<Held>>,
}

fn take(permits: &AtomicUsize) -> bool {
    permits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok()
}

impl Gate {
    pub(crate) fn new(inner: Arc<MemoryBucket>) -> Self {
        let none = AtomicUsize::default;
        let (let_through, give_up) = (none(), none());
        Self { inner, let_through, give_up, waiting: Mutex::default(), on_its_way: Mutex::default() }
    }

    /// The requests that wait: several if they are sent at once.
    pub(crate) fn waiting(&self) -> Vec<Access> {
        self.waiting.lock().unwrap().clone()
    }

    pub(crate) fn decide(&self, fate: Fate) {
        let permits = if fate == Fate::Through { &self.let_through } else { &self.give_up };
        permits.store(1, Ordering::Relaxed);
    }

    /// The write that was given up, and may still be carried out.
    pub(crate) fn on_its_way(&self) -> Option<Access> {
        self.on_its_way.lock().unwrap().as_ref().map(Held::access)
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

    /// Waits; whether it is let through.
    async fn wait(&self, access: Access) -> bool {
        let may_give_up = access.is_write();
        self.waiting.lock().unwrap().push(access.clone());
        let is_through = std::future::poll_fn(|_| {
            if take(&self.let_through) {
                Poll::Ready(true)
            } else if may_give_up && take(&self.give_up) {
                Poll::Ready(false)
            } else {
                Poll::Pending
            }
        });
        let is_through = is_through.await;
        let mut waiting = self.waiting.lock().unwrap();
        if let Some(index) = waiting.iter().position(|other| *other == access) {
            waiting.remove(index);
        }
        is_through
    }

    async fn pass(&self, kind: Kind, key: &str) -> &MemoryBucket {
        self.wait(Access::new(kind, key)).await;
        &self.inner
    }

    async fn pass_write(&self, held: Held) -> Result<&MemoryBucket> {
        if self.wait(held.access()).await {
            return Ok(&self.inner);
        }
        *self.on_its_way.lock().unwrap() = Some(held);
        Err(BucketError::NoAnswer { operation: "write".to_owned(), source: "given up".into() })
    }
}

impl Held {
    fn access(&self) -> Access {
        match self {
            Self::Put(put) => Access::new(Kind::Put, put.key.as_str()),
            Self::Delete(key, _) => Access::new(Kind::Delete, key.as_str()),
        }
    }
}

#[async_trait]
impl Around for Gate {
    fn inner(&self) -> &dyn Bucket {
        &*self.inner
    }

    async fn put(&self, put: Put) -> Result<ETag> {
        self.pass_write(Held::Put(put.clone())).await?.put(put).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got> {
        self.pass(Kind::Read, key.as_str()).await.get(key, options).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.pass(Kind::Read, key.as_str()).await.head(key).await
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        let held = Held::Delete(key.clone(), if_match.cloned());
        self.pass_write(held).await?.delete(key, if_match).await
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing> {
        self.pass(Kind::List, prefix).await.list(prefix, start_after, limit).await
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
