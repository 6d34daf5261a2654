//! What is left of a request body when its answer is known.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::EXPECT;
use bytes::Bytes;
use http_body_util::BodyExt;

/// How much more is read and dropped.
const MAX_BYTES: usize = 64 << 20;
/// How long the rest of a request body is read and dropped before its answer is sent.
pub const UNREAD_BODY_TIME: Duration = Duration::from_secs(10);

/// A body that the handler reads and that [`finish`](Self::finish) reads to its end.
///
/// A client that is still sending when the connection closes sees a broken pipe instead of the answer.
#[derive(Debug, Clone)]
pub(crate) struct UnreadBody(Option<Shared>);

#[derive(Debug, Clone)]
struct Shared(Arc<Mutex<Body>>);

impl UnreadBody {
    /// The request with a body of which the rest can be read later.
    pub(crate) fn new(request: Request) -> (Request, Self) {
        // RFC 9110, section 10.1.1: such a client waits for our word before it sends its body.
        if request.headers().contains_key(EXPECT) || request.body().is_end_stream() {
            return (request, Self(None));
        }
        let (parts, body) = request.into_parts();
        let shared = Shared(Arc::new(Mutex::new(body)));
        (Request::from_parts(parts, Body::new(shared.clone())), Self(Some(shared)))
    }

    /// Reads and drops the rest, within limits.
    pub(crate) async fn finish(self) {
        let Some(mut body) = self.0 else { return };
        let rest = async {
            let mut dropped = 0;
            while let Some(Ok(frame)) = body.frame().await {
                dropped += frame.data_ref().map_or(0, Bytes::len);
                if dropped > MAX_BYTES {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(UNREAD_BODY_TIME, rest).await;
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream()
    }
}
