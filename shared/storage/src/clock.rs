//! Time and chance: the two things a deterministic simulation must own. Nothing else in the workspace reads the
//! system clock, waits or draws random numbers; `.clippy.toml` sees to it.

mod corrected;
mod offset;
mod stopwatch;

use std::fmt::Debug;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;

pub(crate) use corrected::BucketClock;
pub use offset::ClockOffset;
pub(crate) use stopwatch::Stopwatch;

/// Where the storage code gets the time, waits, and rolls dice.
#[async_trait]
pub trait Clock: Send + Sync + Debug {
    /// The present instant, as the host has it: it may be wrong, and may jump.
    fn now(&self) -> Timestamp;

    /// The time since some moment in the past: it never jumps, but may stand still while the host is suspended.
    fn monotonic(&self) -> Duration;

    /// A uniformly random number: the random bits of new ids, and the jitter of retries, for example.
    fn random(&self) -> u64;

    /// Waits, before a retry for example.
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

    fn monotonic(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }

    #[expect(clippy::expect_used, reason = "a machine without a random source cannot make unique ids")]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that draws random numbers")]
    fn random(&self) -> u64 {
        getrandom::u64().expect("the operating system provides random bytes")
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that waits")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
