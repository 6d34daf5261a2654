//! Connections beyond the limits: each may send one request, which is answered at once.

use std::collections::VecDeque;
use std::time::Duration;

use analysis_http::UNREAD_BODY_TIME;
use axum::Router;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

/// How many there are at once. A further one takes the place of the oldest.
const PLACES: usize = 64;
/// How long each may take: an upload is read for a while, for its client reads no answer before it has sent it.
const TIME: Duration = UNREAD_BODY_TIME.saturating_add(Duration::from_secs(5));

/// A few connections that are told that the server is busy, or lives.
#[derive(Debug, Default)]
pub(super) struct Reserve(VecDeque<AbortHandle>);

impl Reserve {
    /// Answers one request of this connection, unless others push it out before.
    pub(super) fn take(&mut self, stream: TcpStream, service: Router) {
        self.0.retain(|task| !task.is_finished());
        if self.0.len() >= PLACES
            && let Some(oldest) = self.0.pop_front()
        {
            oldest.abort();
        }
        let mut http = super::http();
        http.keep_alive(false);
        let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let task = tokio::spawn(async move { drop(tokio::time::timeout(TIME, connection).await) });
        self.0.push_back(task.abort_handle());
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}
