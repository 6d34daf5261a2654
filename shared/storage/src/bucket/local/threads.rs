//! Work on files, off the threads of the runtime, and waited for only so long: a disk that stalls, or a lock that is never
//! given back, fails requests and takes nothing else along.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::bucket::{BucketError, Result};
use crate::clock::{Clock, SystemClock};
use crate::durations::LONGEST_ATTEMPT;

/// How many threads may be busy with reads, and how many with writes, of the 512 that the runtime has: writes that
/// stall leave the reads theirs.
const READING: usize = 256;
const WRITING: usize = 64;

/// The longest that a read of anything takes, but for the bytes of a document. It has no effect that could come late.
const LONGEST_READ: Duration = Duration::from_secs(30);

/// The slowest disk that is provided for, in bytes a second.
const SLOWEST: u64 = 1 << 20;

/// How long a write waits for the lock of its key.
const LONGEST_LOCK: Duration = Duration::from_secs(5);
/// The longest wait between two looks at a lock.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// The threads of one bucket.
#[derive(Debug, Clone)]
pub(super) struct Threads {
    reading: Arc<Semaphore>,
    writing: Arc<Semaphore>,
}

impl Default for Threads {
    fn default() -> Self {
        Self { reading: Arc::new(Semaphore::new(READING)), writing: Arc::new(Semaphore::new(WRITING)) }
    }
}

impl Threads {
    /// Runs what reads so many bytes.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        bytes: u64,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        within(&self.reading, LONGEST_READ + time_for(bytes), work).await
    }

    /// Runs a part of a write.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        patience: Patience,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        within(&self.writing, patience.left(), work).await
    }
}

/// How long a write is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// By the monotonic clock.
    begun: Duration,
    within: Duration,
}

impl Patience {
    /// That of a write of so many bytes which begins now.
    pub(super) fn of_write(bytes: u64) -> Self {
        Self { begun: SystemClock.monotonic(), within: LONGEST_ATTEMPT + time_for(bytes) }
    }

    fn elapsed(self) -> Duration {
        SystemClock.monotonic().saturating_sub(self.begun)
    }

    fn left(self) -> Duration {
        self.within.saturating_sub(self.elapsed())
    }

    /// The last look before a write takes effect: nobody waits for one that comes too late.
    pub(super) fn check(self) -> Result<()> {
        if self.left().is_zero() { Err(stalled()) } else { Ok(()) }
    }

    /// Waits before the next look at a lock that is held, longer each time.
    pub(super) async fn wait_for_lock(self, looks: u32) -> Result<()> {
        if self.elapsed() >= LONGEST_LOCK.min(self.within) {
            return Err(BucketError::refused(
                "writing a file",
                "its lock is held by another process or request",
            ));
        }
        SystemClock.sleep((Duration::from_millis(1) * looks).min(LONGEST_PAUSE)).await;
        Ok(())
    }
}

fn time_for(bytes: u64) -> Duration {
    Duration::from_secs(bytes / SLOWEST)
}

fn stalled() -> BucketError {
    BucketError::refused("access to files", "the disk does not answer")
}

async fn within<T: Send + 'static>(
    threads: &Arc<Semaphore>,
    limit: Duration,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let Ok(Ok(thread)) = timeout(limit, Arc::clone(threads).acquire_owned()).await else {
        return Err(stalled());
    };
    let work = blocking(move || {
        let _thread = thread;
        work()
    });
    let late = |_| BucketError::no_answer("access to files", "the disk does not answer");
    timeout(limit, work).await.map_err(late)?
}

/// Runs what waits for files on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| BucketError::no_answer("file access", e))?
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn writes_that_stall_are_given_up_and_leave_reads_their_threads() {
        let threads = Threads { writing: Arc::new(Semaphore::new(1)), ..Threads::default() };
        let (stall, stalled) = mpsc::channel::<()>();
        let short = || Patience { within: Duration::from_millis(50), ..Patience::of_write(0) };
        let write = threads.write(short(), move || {
            // Until the other end is dropped.
            let _ = stalled.recv();
            Ok(())
        });
        assert!(matches!(write.await, Err(BucketError::NoAnswer { .. })));
        // It has not begun: the thread is still busy with the first.
        assert!(matches!(threads.write(short(), || Ok(())).await, Err(BucketError::Refused { .. })));
        assert_eq!(threads.read(0, || Ok(7)).await.unwrap(), 7);
        drop(stall);
        assert_eq!(threads.write(Patience::of_write(0), || Ok(7)).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn what_comes_too_late_has_no_effect() {
        let over = Patience { within: Duration::ZERO, ..Patience::of_write(0) };
        assert!(matches!(over.check(), Err(BucketError::Refused { .. })));
        assert!(matches!(over.wait_for_lock(1).await, Err(BucketError::Refused { .. })));
        Patience::of_write(0).check().unwrap();
    }
}
