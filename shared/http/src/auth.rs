//! The server's bearer token. Behind API Gateway an authorizer stands in its place.

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use crate::problem::Problem;
use crate::server_config::Secret;

/// What load balancers ask for without a token.
pub(crate) const OPEN: [&str; 2] = ["/health", "/ready"];

/// Middleware that lets only requests with `Authorization: Bearer <token>` pass (RFC 6750, section 2.1).
pub(crate) async fn require_token(State(token): State<Secret>, request: Request, next: Next) -> Response {
    if OPEN.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let sent = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let sent = sent
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match sent {
        None => Problem::unauthorized("send `Authorization: Bearer <API_TOKEN>`").into_response(),
        Some((_, sent)) if bool::from(sent.trim().as_bytes().ct_eq(token.expose().as_bytes())) => {
            next.run(request).await
        }
        Some(_) => Problem::unauthorized("the bearer token is not the one in API_TOKEN").into_response(),
    }
}
