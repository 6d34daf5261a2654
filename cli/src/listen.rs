//! Accepting connections, and ending them in good order.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use analysis_storage::{Clock, SystemClock};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// How long the head of a request may take to arrive, and how long a connection may be idle before it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How many connections are served at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 1024;
/// How long to wait when no connection can be accepted, for lack of file descriptors above all.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves until `stop` is done, and then until every request in flight is answered or `drain` has passed.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Router,
    stop: impl Future<Output = ()>,
    drain: Duration,
) {
    let connections = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        match accepted {
            Ok((stream, slot)) => {
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
                let connection =
                    http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service.clone()));
                let connection = connections.watch(connection);
                tokio::spawn(async move {
                    // What ends a connection early is the client's business.
                    let _ = connection.await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                SystemClock.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(drain, connections.shutdown()).await.is_err() {
        tracing::warn!("some connections were still open after {drain:?}");
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, slot))
}
