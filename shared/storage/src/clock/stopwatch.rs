//! How much time has passed, when no clock is to be trusted alone.

use std::time::Duration;

use jiff::Timestamp;

use super::Clock;

/// Measures from its start on.
///
/// The monotonic clock may stand still while a host is suspended, as a Lambda function is between two calls; the wall
/// clock may be set. The larger of the two is taken: a window that seems over too early costs a request, one that seems
/// open for too long costs the promise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch {
    wall: Timestamp,
    monotonic: Duration,
}

impl Stopwatch {
    /// Starts to measure.
    pub(crate) fn start(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), monotonic: clock.monotonic() }
    }

    /// The time since its start, at least.
    pub(crate) fn elapsed(&self, clock: &dyn Clock) -> Duration {
        let wall = Duration::try_from(clock.now().duration_since(self.wall)).unwrap_or_default();
        wall.max(clock.monotonic().saturating_sub(self.monotonic))
    }
}
