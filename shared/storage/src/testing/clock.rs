//! A clock that stands still until it is told otherwise, and clocks that are wrong.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::SplitMix64;
use crate::clock::Clock;

/// Time set by hand, and a reproducible random sequence.
#[derive(Debug)]
pub struct ManualClock {
    start: Timestamp,
    now: Mutex<Timestamp>,
    random: Mutex<SplitMix64>,
}

impl ManualClock {
    /// A clock that shows this instant (RFC 3339), and a random sequence begun with `seed`.
    #[must_use]
    pub fn at(now: &str, seed: u64) -> Self {
        let start = now.parse().unwrap();
        Self { start, now: Mutex::new(start), random: Mutex::new(SplitMix64::new(seed)) }
    }

    /// Moves the clock on.
    pub fn advance(&self, duration: Duration) {
        let mut now = self.now.lock().unwrap();
        *now += duration;
    }

    /// Sets the clock.
    pub fn set(&self, now: Timestamp) {
        *self.now.lock().unwrap() = now;
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::try_from(self.now().duration_since(self.start)).unwrap_or_default()
    }

    fn random(&self) -> u64 {
        self.random.lock().unwrap().draw()
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
        tokio::task::yield_now().await;
    }
}

/// A clock that is fast, or slow, by always the same. It measures time as well as the other.
#[derive(Debug)]
pub struct ShiftedClock {
    right: Arc<ManualClock>,
    fast_by: SignedDuration,
}

impl ShiftedClock {
    /// A clock that is fast by so much, or slow if that is negative.
    #[must_use]
    pub fn new(right: Arc<ManualClock>, fast_by: SignedDuration) -> Self {
        Self { right, fast_by }
    }
}

#[async_trait]
impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        self.right.now() + self.fast_by
    }

    fn monotonic(&self) -> Duration {
        self.right.monotonic()
    }

    fn random(&self) -> u64 {
        self.right.random()
    }

    async fn sleep(&self, duration: Duration) {
        self.right.sleep(duration).await;
    }
}
