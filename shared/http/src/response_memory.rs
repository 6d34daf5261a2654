//! The memory that answers take until they are sent.

use analysis_storage::{Error, MemoryBudget};
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

/// Marks an answer whose body has its share of the memory already.
#[derive(Debug, Clone, Copy)]
pub struct Counted;

/// What is not worth counting.
const TINY: u64 = 4 << 10;

/// Middleware that gives the body of an answer its share of the memory, until it is sent or its client has gone.
pub(crate) async fn account(State(budget): State<MemoryBudget>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let size = response.body().size_hint().exact().unwrap_or_default();
    if size <= TINY || response.extensions().get::<Counted>().is_some() {
        return response;
    }
    let Some(share) = budget.take(size) else { return Problem::from(Error::Busy { size }).into_response() };
    let (parts, body) = response.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(bytes) => Response::from_parts(parts, Body::from(share.hold(bytes))),
        Err(_) => Problem::internal().into_response(),
    }
}
