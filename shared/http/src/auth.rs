//! The server's bearer token. Behind API Gateway an authorizer stands in its place.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use crate::problem::Problem;
use crate::server_config::Secret;

/// What load balancers ask for without a token.
pub(crate) const OPEN: [&str; 2] = ["/health", "/ready"];

/// What tells no data to callers without a token.
const FRONT_PAGE: &str = "/";

/// The request has sent the token: in the extensions of requests to what is also answered without.
#[derive(Debug, Clone, Copy)]
pub struct Authorized;

/// Middleware that lets only requests with `Authorization: Bearer <token>` pass (RFC 6750, section 2.1).
pub(crate) async fn require_token(State(token): State<Secret>, mut request: Request, next: Next) -> Response {
    match check(&token, request.headers()) {
        Ok(authorized) => {
            request.extensions_mut().insert(authorized);
            next.run(request).await
        }
        Err(_) if is_open(&request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn is_open(request: &Request) -> bool {
    let path = request.uri().path();
    OPEN.contains(&path) || (path == FRONT_PAGE && !request.headers().contains_key(AUTHORIZATION))
}

fn check(token: &Secret, headers: &HeaderMap) -> Result<Authorized, Problem> {
    let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let sent = sent
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match sent {
        None => Err(Problem::unauthorized("send `Authorization: Bearer <API_TOKEN>`")),
        Some((_, sent)) if bool::from(sent.trim().as_bytes().ct_eq(token.expose().as_bytes())) => {
            Ok(Authorized)
        }
        Some(_) => Err(Problem::unauthorized("the bearer token is not the one in API_TOKEN")),
    }
}
