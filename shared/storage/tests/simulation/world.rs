//! The simulated world: a bucket whose every request waits for the scheduler, and a time that only the scheduler moves.

pub(crate) mod call;
pub(crate) mod host;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{GetOptions, Got, Object, ObjectMeta, Result};
use analysis_storage::durations::LATE_REQUEST;
use analysis_storage::{Bucket, Clock, Key};
use async_trait::async_trait;
use futures::FutureExt;
use jiff::Timestamp;

use call::{Answer, Call, no_answer, refused, show};

/// What comes back to who sent a request.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) result: Result<Answer>,
    /// When the bucket answered, if it did.
    pub(crate) effect: Option<i64>,
}

/// How far a request has come.
#[derive(Debug)]
enum Stage {
    Sent,
    /// It has had its effect, if any; its answer is on the way.
    Answered(Reply),
    Delivered(Reply),
}

#[derive(Debug)]
struct Request {
    task: usize,
    call: Call,
    stage: Stage,
    waker: Waker,
    /// Nobody waits for it any more; it may arrive until then.
    late_until: Option<i64>,
}

/// A request as the scheduler sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) request: usize,
    pub(crate) task: usize,
    pub(crate) answered: bool,
    pub(crate) late_until: Option<i64>,
    pub(crate) sleep_until: Option<i64>,
    pub(crate) is_write: bool,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Effect,
    /// It fails, certainly without effect.
    Refused,
    /// It has no effect, and its sender cannot know.
    Vanished,
    /// It takes effect, and its answer is lost.
    Lost,
    /// Its sender gives up, and it arrives some time later, or never.
    Late,
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

    /// Somebody looks at a clock, which takes its time.
    fn tick(&self, micros: i64) -> i64 {
        self.0.fetch_add(micros, Ordering::Relaxed)
    }
}

#[async_trait]
impl Clock for WorldTime {
    fn now(&self) -> Timestamp {
        self.timestamp()
    }

    fn monotonic(&self) -> Duration {
        unreachable!("a bucket measures nothing")
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

    fn insert(&self, request: Request) -> usize {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.requests().insert(id, request);
        id
    }

    fn send(self: &Arc<Self>, call: Call) -> Pending {
        let task = self.running.load(Ordering::Relaxed);
        let sent = Request { task, call, stage: Stage::Sent, waker: Waker::noop().clone(), late_until: None };
        Pending { request: self.insert(sent), world: self.clone() }
    }

    /// The requests that are under way, oldest first.
    pub(crate) fn waiting(&self) -> Vec<Waiting> {
        self.requests().iter().map(|(id, request)| Waiting::new(*id, request)).collect()
    }

    /// The call of a request.
    pub(crate) fn call(&self, request: usize) -> Call {
        self.requests()[&request].call.clone()
    }

    /// The bucket gets the request now, or never, or its sender gives up.
    pub(crate) fn decide(&self, request: usize, fate: Fate) -> String {
        let call = self.call(request);
        if let Fate::Effect | Fate::Lost = fate {
            let result = self.perform(call);
            let shown = show(&result);
            let effect = Some(self.time.micros());
            let lost = Reply { result: Err(no_answer()), effect: None };
            self.answer(request, if fate == Fate::Lost { lost } else { Reply { result, effect } });
            return shown;
        }
        let (error, effect) = match fate {
            Fate::Refused => (refused(), Some(self.time.micros())),
            _ => (no_answer(), None),
        };
        if fate == Fate::Late && call.is_write() {
            let task = self.requests()[&request].task;
            let late_until = Some(self.late_from_now());
            self.insert(Request { task, call, stage: Stage::Sent, waker: Waker::noop().clone(), late_until });
        }
        self.answer(request, Reply { result: Err(error), effect });
        format!("{fate:?}")
    }

    fn late_from_now(&self) -> i64 {
        self.time.micros() + i64::try_from(LATE_REQUEST.as_micros()).unwrap()
    }

    fn answer(&self, request: usize, reply: Reply) {
        let mut requests = self.requests();
        let answered = requests.get_mut(&request).unwrap();
        answered.stage = Stage::Answered(reply);
        if answered.late_until.is_some() {
            requests.remove(&request);
        }
    }

    /// The answer reaches its task, which can go on then.
    pub(crate) fn deliver(&self, request: usize) {
        let waker = {
            let mut requests = self.requests();
            let answered = requests.get_mut(&request).unwrap();
            if let Stage::Answered(reply) = std::mem::replace(&mut answered.stage, Stage::Sent) {
                answered.stage = Stage::Delivered(reply);
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
        self.bucket.list(prefix, None, 1000).now_or_never().unwrap().unwrap().keys().cloned().collect()
    }

    /// What is known of an object.
    pub(crate) fn meta(&self, key: &Key) -> Option<ObjectMeta> {
        self.bucket.head(key).now_or_never().unwrap().unwrap()
    }

    /// An object and its content.
    pub(crate) fn object(&self, key: &Key) -> Option<Object> {
        match self.bucket.get(key, GetOptions::default()).now_or_never().unwrap().unwrap() {
            Got::Found(object) => Some(object),
            Got::Absent | Got::NotModified { .. } => None,
        }
    }

    /// Removes an object behind everybody's back.
    pub(crate) fn remove(&self, key: &Key) {
        self.bucket.delete(key, None).now_or_never().unwrap().unwrap();
    }
}

impl Waiting {
    fn new(id: usize, request: &Request) -> Self {
        Self {
            request: id,
            task: request.task,
            answered: !matches!(request.stage, Stage::Sent),
            late_until: request.late_until,
            sleep_until: match request.call {
                Call::Sleep { until } => Some(until),
                _ => None,
            },
            is_write: request.call.is_write(),
        }
    }
}

/// Waits for the answer to a request.
struct Pending {
    world: Arc<World>,
    request: usize,
}

impl Future for Pending {
    type Output = Reply;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut requests = self.world.requests();
        let request = requests.get_mut(&self.request).unwrap();
        request.waker.clone_from(context.waker());
        if !matches!(request.stage, Stage::Delivered(_)) {
            return Poll::Pending;
        }
        match requests.remove(&self.request).map(|request| request.stage) {
            Some(Stage::Delivered(reply)) => Poll::Ready(reply),
            _ => unreachable!("looked at just above"),
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let late_until = self.world.late_from_now();
        let mut requests = self.world.requests();
        let Some(request) = requests.get_mut(&self.request) else { return };
        // A request that is on its way may still arrive, though nobody waits for it.
        request.late_until = Some(late_until);
        if !(matches!(request.stage, Stage::Sent) && request.call.is_write()) {
            requests.remove(&self.request);
        }
    }
}
