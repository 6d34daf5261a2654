//! The simulated world: a bucket whose every request waits for the scheduler, and a clock that only the
//! scheduler moves.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{
    BucketInfo, GetOptions, Got, Listing, ObjectMeta, Put, RestoreTier, Restoring, Version,
};
use analysis_storage::{Bucket, Clock, ETag, Error, Key, Result};
use async_trait::async_trait;
use futures::FutureExt;
use jiff::Timestamp;

use crate::random::Random;

/// What a task waits for.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Put(Put),
    Get(Key, GetOptions),
    Head(Key),
    Delete(Key, Option<ETag>),
    List { prefix: String, start_after: Option<String>, limit: usize },
    Sleep { until: i64 },
}

impl Call {
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Put(put) => put.key.as_str(),
            Self::Get(key, _) | Self::Head(key) | Self::Delete(key, _) => key.as_str(),
            Self::List { prefix, .. } => prefix,
            Self::Sleep { .. } => "",
        }
    }

    pub(crate) fn is_write(&self) -> bool {
        matches!(self, Self::Put(_) | Self::Delete(..))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put(put) => write!(f, "PUT {} {:?}", put.key, put.precondition),
            Self::Get(key, _) => write!(f, "GET {key}"),
            Self::Head(key) => write!(f, "HEAD {key}"),
            Self::Delete(key, None) => write!(f, "DELETE {key}"),
            Self::Delete(key, Some(tag)) => write!(f, "DELETE {key} if {tag}"),
            Self::List { prefix, start_after, .. } => {
                write!(f, "LIST {prefix} after {}", start_after.as_deref().unwrap_or_default())
            }
            Self::Sleep { .. } => f.write_str("sleep"),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Answer {
    Put(ETag),
    Got(Got),
    Head(Option<ObjectMeta>),
    Listing(Listing),
    Nothing,
}

/// How far a request has come.
#[derive(Debug)]
enum Stage {
    Sent,
    /// It has had its effect, if any; its answer is on the way.
    Answered(Result<Answer>),
    Delivered(Result<Answer>),
}

#[derive(Debug)]
struct Request {
    task: usize,
    call: Call,
    stage: Stage,
    waker: Waker,
    /// Nobody waits for it any more.
    orphan: bool,
}

/// A request as the scheduler sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) request: usize,
    pub(crate) task: usize,
    pub(crate) answered: bool,
    pub(crate) orphan: bool,
    pub(crate) sleep_until: Option<i64>,
    pub(crate) is_write: bool,
}

/// The time of the world, in microseconds.
#[derive(Debug)]
pub(crate) struct WorldTime(AtomicI64);

impl WorldTime {
    pub(crate) fn micros(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn timestamp(&self) -> Timestamp {
        Timestamp::from_microsecond(self.micros()).unwrap()
    }

    pub(crate) fn advance_to(&self, micros: i64) {
        self.0.fetch_max(micros, Ordering::Relaxed);
    }
}

#[async_trait]
impl Clock for WorldTime {
    fn now(&self) -> Timestamp {
        self.timestamp()
    }

    fn random(&self) -> u64 {
        unreachable!("a bucket rolls no dice")
    }

    async fn sleep(&self, _: Duration) {
        unreachable!("a bucket does not wait")
    }
}

/// The bucket, the time, and all requests that are under way.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) time: Arc<WorldTime>,
    pub(crate) bucket: MemoryBucket,
    requests: Mutex<BTreeMap<usize, Request>>,
    next: AtomicUsize,
    /// The task that is being polled.
    pub(crate) running: AtomicUsize,
    /// The most keys of a listing of many ids.
    page: usize,
}

impl World {
    pub(crate) fn new(start: Timestamp, page: usize) -> Arc<Self> {
        let time = Arc::new(WorldTime(AtomicI64::new(start.as_microsecond())));
        Arc::new(Self {
            bucket: MemoryBucket::new(time.clone()),
            time,
            requests: Mutex::default(),
            next: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            page,
        })
    }

    fn requests(&self) -> MutexGuard<'_, BTreeMap<usize, Request>> {
        self.requests.lock().unwrap()
    }

    fn send(self: &Arc<Self>, call: Call) -> Pending {
        let request = self.next.fetch_add(1, Ordering::Relaxed);
        let task = self.running.load(Ordering::Relaxed);
        let sent = Request { task, call, stage: Stage::Sent, waker: Waker::noop().clone(), orphan: false };
        self.requests().insert(request, sent);
        Pending { world: self.clone(), request }
    }

    /// The requests that are under way, oldest first.
    pub(crate) fn waiting(&self) -> Vec<Waiting> {
        self.requests().iter().map(|(id, request)| Waiting::of(*id, request)).collect()
    }

    pub(crate) fn describe(&self, request: usize) -> String {
        self.requests()[&request].call.to_string()
    }

    pub(crate) fn key(&self, request: usize) -> String {
        self.requests()[&request].call.key().to_owned()
    }

    /// The request takes effect now; what the scheduler says may then befall its answer.
    pub(crate) fn apply(&self, request: usize, lost: bool) -> String {
        let call = self.requests()[&request].call.clone();
        let result = self.perform(call);
        let shown = show(&result);
        self.answer(request, if lost { Err(unavailable("the answer was lost")) } else { result });
        shown
    }

    /// The request has no effect, neither now nor later.
    pub(crate) fn refuse(&self, request: usize) {
        self.answer(request, Err(unavailable("503 SlowDown")));
    }

    fn answer(&self, request: usize, result: Result<Answer>) {
        let mut requests = self.requests();
        let answered = requests.get_mut(&request).unwrap();
        answered.stage = Stage::Answered(result);
        if answered.orphan {
            requests.remove(&request);
        }
    }

    /// The answer reaches its task, which can go on then.
    pub(crate) fn deliver(&self, request: usize) {
        let waker = {
            let mut requests = self.requests();
            let answered = requests.get_mut(&request).unwrap();
            if let Stage::Answered(result) = std::mem::replace(&mut answered.stage, Stage::Sent) {
                answered.stage = Stage::Delivered(result);
            }
            answered.waker.clone()
        };
        waker.wake();
    }

    fn perform(&self, call: Call) -> Result<Answer> {
        let now = "a bucket in memory answers at once";
        match call {
            Call::Put(put) => self.bucket.put(put).now_or_never().expect(now).map(Answer::Put),
            Call::Get(key, options) => {
                self.bucket.get(&key, options).now_or_never().expect(now).map(Answer::Got)
            }
            Call::Head(key) => self.bucket.head(&key).now_or_never().expect(now).map(Answer::Head),
            Call::Delete(key, tag) => {
                self.bucket.delete(&key, tag.as_ref()).now_or_never().expect(now).map(|()| Answer::Nothing)
            }
            Call::List { prefix, start_after, limit } => {
                // S3 may return fewer keys than it was asked for. The few of one id it returns together.
                let limit = if prefix.ends_with('/') { limit.min(self.page) } else { limit };
                let listing = self.bucket.list(&prefix, start_after.as_deref(), limit);
                listing.now_or_never().expect(now).map(Answer::Listing)
            }
            Call::Sleep { until } => {
                self.time.advance_to(until);
                Ok(Answer::Nothing)
            }
        }
    }

    /// All keys that begin so.
    pub(crate) fn keys(&self, prefix: &str) -> Vec<Key> {
        self.bucket.list(prefix, None, 1000).now_or_never().unwrap().unwrap().keys
    }

    /// What is known of an object.
    pub(crate) fn meta(&self, key: &Key) -> Option<ObjectMeta> {
        self.bucket.head(key).now_or_never().unwrap().unwrap()
    }

    /// Removes an object behind everybody's back.
    pub(crate) fn remove(&self, key: &Key) {
        self.bucket.delete(key, None).now_or_never().unwrap().unwrap();
    }
}

impl Waiting {
    fn of(id: usize, request: &Request) -> Self {
        Self {
            request: id,
            task: request.task,
            answered: !matches!(request.stage, Stage::Sent),
            orphan: request.orphan,
            sleep_until: match request.call {
                Call::Sleep { until } => Some(until),
                _ => None,
            },
            is_write: request.call.is_write(),
        }
    }
}

fn unavailable(why: &str) -> Error {
    Error::Unavailable { operation: "simulated".to_owned(), source: why.into() }
}

fn show(result: &Result<Answer>) -> String {
    match result {
        Ok(Answer::Put(tag)) => format!("stored {tag}"),
        Ok(Answer::Got(Got::Found(object))) => {
            format!("{:.160}", String::from_utf8_lossy(&object.body).replace(['\n', ' '], ""))
        }
        Ok(Answer::Got(_) | Answer::Head(None)) => "nothing".to_owned(),
        Ok(Answer::Head(Some(meta))) => format!("saved_at {}", meta.saved_at.micros()),
        Ok(Answer::Listing(listing)) => {
            let keys: Vec<&str> = listing.keys.iter().filter_map(|k| k.as_str().rsplit('/').next()).collect();
            format!("{keys:?}{}", if listing.truncated { " ..." } else { "" })
        }
        Ok(Answer::Nothing) => "done".to_owned(),
        Err(Error::PreconditionFailed(_)) => "412".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Waits for the answer to a request.
struct Pending {
    world: Arc<World>,
    request: usize,
}

impl Future for Pending {
    type Output = Result<Answer>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut requests = self.world.requests();
        let request = requests.get_mut(&self.request).unwrap();
        request.waker.clone_from(context.waker());
        if !matches!(request.stage, Stage::Delivered(_)) {
            return Poll::Pending;
        }
        match requests.remove(&self.request).map(|request| request.stage) {
            Some(Stage::Delivered(result)) => Poll::Ready(result),
            _ => unreachable!("looked at just above"),
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let mut requests = self.world.requests();
        let Some(request) = requests.get_mut(&self.request) else { return };
        request.orphan = true;
        // A request that is on its way may still arrive, though nobody waits for it.
        if !(matches!(request.stage, Stage::Sent) && request.call.is_write()) {
            requests.remove(&self.request);
        }
    }
}

/// The bucket as one process sees it.
#[derive(Debug)]
pub(crate) struct SimBucket(pub(crate) Arc<World>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Bucket for SimBucket {
    async fn put(&self, put: Put) -> Result<ETag> {
        match self.0.send(Call::Put(put)).await? {
            Answer::Put(tag) => Ok(tag),
            other => unreachable!("{other:?}"),
        }
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got> {
        match self.0.send(Call::Get(key.clone(), options)).await? {
            Answer::Got(got) => Ok(got),
            other => unreachable!("{other:?}"),
        }
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        match self.0.send(Call::Head(key.clone())).await? {
            Answer::Head(meta) => Ok(meta),
            other => unreachable!("{other:?}"),
        }
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        self.0.send(Call::Delete(key.clone(), if_match.cloned())).await.map(drop)
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing> {
        let call =
            Call::List { prefix: prefix.to_owned(), start_after: start_after.map(ToOwned::to_owned), limit };
        match self.0.send(call).await? {
            Answer::Listing(listing) => Ok(listing),
            other => unreachable!("{other:?}"),
        }
    }

    async fn versions(&self, _: &Key) -> Result<Vec<Version>> {
        unreachable!("not part of the simulation")
    }

    async fn restore(&self, _: &Key, _: u32, _: RestoreTier) -> Result<Restoring> {
        unreachable!("not part of the simulation")
    }

    async fn info(&self) -> Result<BucketInfo> {
        unreachable!("not part of the simulation")
    }
}

/// How the clocks of processes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ticks {
    /// Every look at any clock shows a later microsecond.
    Unique,
    /// Two processes may see the same instant, which the protocol forbids: clocks show whole seconds.
    Shared,
}

/// The clock as one process sees it.
#[derive(Debug)]
pub(crate) struct SimClock {
    world: Arc<World>,
    ticks: Ticks,
    random: Mutex<Random>,
}

impl SimClock {
    pub(crate) fn new(world: Arc<World>, ticks: Ticks, process: usize, seed: u64) -> Self {
        let random = Mutex::new(Random::new(seed ^ (process as u64) << 48));
        Self { world, ticks, random }
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let tick = || self.world.time.0.fetch_add(1, Ordering::Relaxed);
        let micros = match self.ticks {
            Ticks::Unique => tick(),
            Ticks::Shared => tick().div_euclid(1_000_000) * 1_000_000,
        };
        Timestamp::from_microsecond(micros).unwrap()
    }

    fn random(&self) -> u64 {
        self.random.lock().unwrap().next()
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.world.time.micros() + i64::try_from(duration.as_micros()).unwrap();
        self.world.send(Call::Sleep { until }).await.ok();
    }
}
