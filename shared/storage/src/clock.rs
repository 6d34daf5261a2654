//! Time and chance: the two things a deterministic simulation must own. Nothing else in the workspace reads
//! the system clock.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// Where the storage code gets the time, waits, and rolls dice.
#[async_trait]
pub trait Clock: Send + Sync + Debug {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// A uniformly random number: the random bits of new ids, and the jitter of retries.
    fn random(&self) -> u64;

    /// Waits before a retry.
    async fn sleep(&self, duration: Duration);
}

/// The machine's clock and random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::expect_used, reason = "a machine without a random source cannot make unique ids")]
    fn random(&self) -> u64 {
        getrandom::u64().expect("the operating system provides random bytes")
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
