//! Whether the client of a connection keeps pace: sends its first request soon, and reads what it has asked for.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use analysis_storage::{Clock, SystemClock};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// How long the first byte of a connection may take.
const FIRST_BYTE: Duration = Duration::from_secs(5);
/// How long the first head may take, once it has begun.
const FIRST_HEAD: Duration = Duration::from_secs(10);
/// How long a client may read nothing at all.
const NOTHING_READ: Duration = Duration::from_secs(20);
/// How much it must read in a second, all in all: half a megabit.
const SLOWEST: u32 = 64 << 10;
/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How far one connection has come.
#[derive(Debug)]
pub(super) struct Pace(Mutex<State>);

#[derive(Debug)]
struct State {
    /// The first head, while it has not come.
    waiting: Option<(Slowness, Instant)>,
    /// What cannot be sent because the client does not read.
    blocked: Option<Blocked>,
}

#[derive(Debug, Clone, Copy)]
struct Blocked {
    since: Instant,
    last_read: Instant,
    read: u64,
}

/// What a client was too slow at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slowness {
    FirstByte,
    FirstHead,
    Reading,
}

impl fmt::Display for Slowness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirstByte => "the client sent nothing",
            Self::FirstHead => "the client did not send the whole head of its request",
            Self::Reading => "the client did not read the answer",
        })
    }
}

impl Pace {
    pub(super) fn new() -> Self {
        let waiting = Some((Slowness::FirstByte, Instant::now() + FIRST_BYTE));
        Self(Mutex::new(State { waiting, blocked: None }))
    }

    /// A request is here: from now on it is the server that works.
    pub(super) fn head_is_complete(&self) {
        self.state().waiting = None;
    }

    /// Waits until the client is too slow.
    pub(super) async fn lost(&self) -> Slowness {
        loop {
            SystemClock.sleep(LOOK).await;
            if let Some(slowness) = self.slowness(Instant::now()) {
                return slowness;
            }
        }
    }

    fn slowness(&self, now: Instant) -> Option<Slowness> {
        let state = self.state();
        if let Some((slowness, _)) = state.waiting.filter(|(_, due)| now > *due) {
            return Some(slowness);
        }
        let blocked = state.blocked?;
        let credit = Duration::from_secs(blocked.read / u64::from(SLOWEST));
        let too_slow = now > blocked.last_read + NOTHING_READ || now > blocked.since + NOTHING_READ + credit;
        too_slow.then_some(Slowness::Reading)
    }

    fn received(&self, now: Instant) {
        let mut state = self.state();
        if let Some((slowness @ Slowness::FirstByte, due)) = &mut state.waiting {
            (*slowness, *due) = (Slowness::FirstHead, now + FIRST_HEAD);
        }
    }

    fn sent(&self, bytes: usize, now: Instant) {
        if let Some(blocked) = &mut self.state().blocked {
            blocked.last_read = now;
            blocked.read += bytes as u64;
        }
    }

    fn blocked(&self, now: Instant) {
        self.state().blocked.get_or_insert(Blocked { since: now, last_read: now, read: 0 });
    }

    /// Everything is sent.
    fn flushed(&self) {
        self.state().blocked = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that notes what is received and sent.
#[derive(Debug)]
pub(super) struct Paced<S> {
    stream: S,
    pace: Arc<Pace>,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, pace: Arc<Pace>) -> Self {
        Self { stream, pace }
    }

    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => self.pace.sent(*bytes, Instant::now()),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.pace.blocked(Instant::now()),
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.pace.received(Instant::now());
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called when nothing is left to write.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.pace.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_first_request_must_come_soon_and_a_later_one_need_not() {
        let (pace, begin) = (Pace::new(), Instant::now());
        assert_eq!(pace.slowness(begin + FIRST_BYTE - SECOND), None);
        assert_eq!(pace.slowness(begin + FIRST_BYTE + SECOND), Some(Slowness::FirstByte));
        pace.received(begin + SECOND);
        pace.received(begin + SECOND * 8);
        assert_eq!(pace.slowness(begin + FIRST_BYTE + SECOND), None);
        assert_eq!(pace.slowness(begin + FIRST_HEAD + SECOND * 2), Some(Slowness::FirstHead));
        pace.head_is_complete();
        pace.received(begin + SECOND * 12);
        assert_eq!(pace.slowness(begin + SECOND * 1000), None);
    }

    #[test]
    fn who_reads_nothing_or_too_little_is_too_slow() {
        let (pace, begin) = (Pace::new(), Instant::now());
        pace.head_is_complete();
        pace.sent(1 << 30, begin);
        pace.blocked(begin);
        pace.blocked(begin + SECOND * 10);
        assert_eq!(pace.slowness(begin + NOTHING_READ), None);
        assert_eq!(pace.slowness(begin + NOTHING_READ + SECOND), Some(Slowness::Reading));
        // What it reads counts, and no credit outlasts a stop.
        pace.sent(100 * SLOWEST as usize, begin + SECOND * 15);
        assert_eq!(pace.slowness(begin + SECOND * 34), None);
        assert_eq!(pace.slowness(begin + SECOND * 36), Some(Slowness::Reading));
        pace.sent(1, begin + SECOND * 110);
        assert_eq!(pace.slowness(begin + SECOND * 119), None);
        pace.sent(1, begin + SECOND * 119);
        assert_eq!(pace.slowness(begin + SECOND * 121), Some(Slowness::Reading), "a trickle");
        pace.flushed();
        assert_eq!(pace.slowness(begin + SECOND * 1000), None);
    }
}
