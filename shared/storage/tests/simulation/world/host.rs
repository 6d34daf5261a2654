//! The machines that processes run on: their clocks, and the bucket as they see it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use analysis_storage::bucket::{
    BucketInfo, GetOptions, Got, Listing, ObjectMeta, Put, RestoreTier, Restoring, Result, Version,
};
use analysis_storage::{Bucket, Clock, ClockOffset, ContentToken, ETag, Key};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::World;
use super::call::{Answer, Call};
use crate::random::Random;

/// How the clocks of processes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ticks {
    /// No two processes ever see the same microsecond.
    Unique,
    /// They may, which the protocol forbids: clocks show whole seconds.
    Shared,
}

/// So many processes have microseconds of their own: each sees times that leave its number as the rest.
const PHASES: i64 = 64;

/// A wall clock against the time of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// How far it is ahead, in microseconds.
    pub(crate) ahead: i64,
    /// How much it gains in a second, in microseconds.
    pub(crate) drift: i64,
}

/// What the clocks of a host do while it is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// Both go on.
    Running,
    /// The monotonic clock stands still.
    Sleep,
    /// Both stand still, as those of a virtual machine.
    Frozen,
}

#[derive(Debug)]
struct Clocks {
    wrong: Wrong,
    /// For how long the monotonic clock has stood still.
    stood_still: i64,
}

/// The machine of one process.
#[derive(Debug)]
pub(crate) struct Host {
    world: Arc<World>,
    ticks: Ticks,
    phase: i64,
    born: i64,
    clocks: Mutex<Clocks>,
    random: Mutex<Random>,
}

impl Host {
    pub(crate) fn new(world: Arc<World>, ticks: Ticks, wrong: Wrong, process: usize, seed: u64) -> Self {
        Self {
            born: world.time.micros(),
            world,
            ticks,
            phase: i64::try_from(process).unwrap() % PHASES,
            clocks: Mutex::new(Clocks { wrong, stood_still: 0 }),
            random: Mutex::new(Random::new(seed ^ (process as u64) << 48)),
        }
    }

    /// Somebody sets the wall clock.
    pub(crate) fn step(&self, micros: i64) {
        self.clocks.lock().unwrap().wrong.ahead += micros;
    }

    /// It was suspended for so long.
    pub(crate) fn was_suspended(&self, micros: i64, pause: Pause) {
        let mut clocks = self.clocks.lock().unwrap();
        if pause != Pause::Running {
            clocks.stood_still += micros;
        }
        if pause == Pause::Frozen {
            clocks.wrong.ahead -= micros;
        }
    }

    fn drifted(&self, now: i64, drift: i64) -> i64 {
        (now - self.born) / 1_000_000 * drift
    }

    /// The `Date` of an answer, as this process shall see it.
    fn date(&self, micros: i64) -> Timestamp {
        let second = micros.div_euclid(1_000_000) * 1_000_000;
        let phase = if self.ticks == Ticks::Unique { self.phase } else { 0 };
        Timestamp::from_microsecond(second + phase).unwrap()
    }
}

#[async_trait]
impl Clock for Host {
    fn now(&self) -> Timestamp {
        let world = self.world.time.tick(2 * PHASES);
        let Wrong { ahead, drift } = self.clocks.lock().unwrap().wrong;
        let shown = world + ahead + self.drifted(world, drift);
        let micros = match self.ticks {
            Ticks::Unique => shown.div_euclid(PHASES) * PHASES + self.phase,
            Ticks::Shared => shown.div_euclid(1_000_000) * 1_000_000,
        };
        Timestamp::from_microsecond(micros).unwrap()
    }

    fn monotonic(&self) -> Duration {
        let world = self.world.time.micros();
        let Clocks { wrong: Wrong { drift, .. }, stood_still } = *self.clocks.lock().unwrap();
        let passed = world - self.born - stood_still + self.drifted(world, drift);
        Duration::from_micros(u64::try_from(passed).unwrap_or_default())
    }

    fn random(&self) -> u64 {
        self.random.lock().unwrap().next()
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.world.time.micros() + i64::try_from(duration.as_micros()).unwrap();
        self.world.send(Call::Sleep { until }).await.result.ok();
    }
}

/// The bucket as one process sees it.
#[derive(Debug)]
pub(crate) struct SimBucket {
    host: Arc<Host>,
    offset: ClockOffset,
}

impl SimBucket {
    pub(crate) fn new(host: Arc<Host>) -> Self {
        Self { host, offset: ClockOffset::default() }
    }

    async fn send(&self, call: Call) -> Result<Answer> {
        let sent = self.host.now();
        let reply = self.host.world.send(call).await;
        if let Some(effect) = reply.effect {
            self.offset.observe(sent, self.host.now(), self.host.date(effect));
        }
        reply.result
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Bucket for SimBucket {
    fn clock_offset(&self) -> Option<SignedDuration> {
        self.offset.get()
    }

    fn token(&self, etag: &ETag, content: &[u8]) -> ContentToken {
        self.host.world.bucket.token(etag, content)
    }

    async fn put(&self, put: Put) -> Result<ETag> {
        match self.send(Call::Put(put)).await? {
            Answer::Put(tag) => Ok(tag),
            other => unreachable!("{other:?}"),
        }
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got> {
        match self.send(Call::Get(key.clone(), options)).await? {
            Answer::Got(got) => Ok(got),
            other => unreachable!("{other:?}"),
        }
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        match self.send(Call::Head(key.clone())).await? {
            Answer::Head(meta) => Ok(meta),
            other => unreachable!("{other:?}"),
        }
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        self.send(Call::Delete(key.clone(), if_match.cloned())).await.map(drop)
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing> {
        let call =
            Call::List { prefix: prefix.to_owned(), start_after: start_after.map(ToOwned::to_owned), limit };
        match self.send(call).await? {
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
