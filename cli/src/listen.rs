//! Accepting connections, keeping them within limits, and ending them in good order.

mod admission;
mod limits;
mod pace;
mod reserve;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use analysis_storage::{Clock, SystemClock};
use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

pub(crate) use self::limits::Limits;

use self::admission::{Admission, Seat};
use self::limits::BUFFER;
use self::pace::{Pace, Paced};
use self::reserve::Reserve;

/// How long a connection may be idle between requests, the arrival of the next head included.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait when no connection can be accepted, for lack of file descriptors above all.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// How many headers are read. Far fewer are taken, but what is not read gets no answer that says so.
const MOST_HEADERS: usize = 256;

/// How much of an answer may wait in the system unsent. With some megabytes there, a client that reads slowly would look
/// like one that does not read at all.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 << 10;

/// What answers.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    /// Every route.
    pub(crate) all: Router,
    /// What remains for connections beyond the limits: whether the process lives, and that it is busy.
    pub(crate) when_full: Router,
}

/// Serves until `stop` is done, and then until every request in flight is answered or `drain` has passed.
pub(crate) async fn serve(
    listener: TcpListener,
    services: Services,
    limits: Limits,
    stop: impl Future<Output = ()>,
    drain: Duration,
) {
    let connections = GracefulShutdown::new();
    let admission = Admission::new(limits);
    let mut reserve = Reserve::default();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener) => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match admission.admit(peer.ip()) {
                Some(seat) => {
                    tokio::spawn(converse(stream, services.all.clone(), connections.watcher(), seat));
                }
                None => reserve.take(stream, services.when_full.clone()),
            },
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                SystemClock.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop((listener, reserve));
    if tokio::time::timeout(drain, connections.shutdown()).await.is_err() {
        tracing::warn!("some connections were still open after {drain:?}");
    }
}

async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    limit_unsent(&stream);
    Ok((stream, peer))
}

#[cfg(target_os = "linux")]
fn limit_unsent(stream: &TcpStream) {
    // A system that does not know of it serves all the same.
    let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT);
}

#[cfg(not(target_os = "linux"))]
fn limit_unsent(_: &TcpStream) {}

/// Answers the requests of one connection, as long as its client keeps pace.
async fn converse(stream: TcpStream, service: Router, watcher: Watcher, seat: Seat) {
    let pace = Arc::new(Pace::new());
    let io = TokioIo::new(Paced::new(stream, Arc::clone(&pace)));
    let service = TowerToHyperService::new(service);
    let noted = Arc::clone(&pace);
    let service = service_fn(move |request| {
        noted.head_is_complete();
        service.call(request)
    });
    let connection = watcher.watch(http().serve_connection(io, service));
    tokio::select! {
        // What ends a connection early is the client's business.
        _ = connection => {}
        slowness = pace.lost() => tracing::debug!("closed a connection: {slowness}"),
    }
    drop(seat);
}

fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(IDLE_TIMEOUT).max_buf_size(BUFFER);
    http.max_headers(MOST_HEADERS);
    http
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Read;

    use tokio::time::timeout;

    use super::*;

    /// Far less than a client must read before it is taken for one that does not: 20 seconds of 64 KiB each.
    const READ: usize = 8;

    #[tokio::test]
    async fn who_reads_a_little_is_seen_to_read() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = accept(&listener).await.unwrap();
        let mut part = vec![0; 64 << 10];
        let writable = async || timeout(Duration::from_millis(50), stream.writable()).await.is_ok();
        while writable().await {
            while stream.try_write(&part).is_ok() {}
        }
        for _ in 0..READ {
            client.read_exact(&mut part).unwrap();
            if writable().await {
                return;
            }
        }
        panic!("nothing can be sent after {READ} times 64 KiB were read");
    }
}
