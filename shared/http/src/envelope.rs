//! Around every request: an id, a log line, and the body of a problem.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use analysis_storage::Clock;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tracing::Instrument;

use crate::app::App;
use crate::json::JsonStyle;
use crate::problem::Problem;
use crate::unread_body::UnreadBody;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(crate) async fn wrap(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = request_id(&app, &request);
    let span = tracing::info_span!("request", id, method = %request.method(), path = request.uri().path());
    async move {
        let started = Instant::now();
        let style = JsonStyle::of_query(request.uri().query());
        let (request, unread) = UnreadBody::new(request);
        let response = AssertUnwindSafe(next.run(request)).catch_unwind().await;
        unread.finish().await;
        let response = response.unwrap_or_else(|_| Problem::internal().into_response());
        let mut response = render(response, &id, style);
        guard(response.headers_mut());
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        let status = response.status().as_u16();
        let bytes = response.body().size_hint().exact();
        tracing::info!(status, ms = started.elapsed().as_millis(), bytes, "answered");
        response
    }
    .instrument(span)
    .await
}

/// What an answer says to caches and browsers if the handler has said nothing else.
const GUARDS: [(HeaderName, &str); 6] = [
    // RFC 9111, section 4.2.2: without a word of ours, caches may keep even a 404 for a while.
    (CACHE_CONTROL, "no-store"),
    // What callers have stored is nothing but JSON, whatever it looks like.
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (REFERRER_POLICY, "no-referrer"),
];

/// Adds them, where they are missing.
pub(crate) fn guard(headers: &mut HeaderMap) {
    for (name, value) in GUARDS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// The id that Lambda, or a proxy in front of us, has given the request; else a new one.
fn request_id(app: &App, request: &Request) -> String {
    if let Some(context) = request.extensions().get::<lambda_http::Context>() {
        return context.request_id.clone();
    }
    let sent = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    match sent {
        Some(id) if (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) => {
            id.to_owned()
        }
        _ => new_id(app.analyses_without_deadline().clock()),
    }
}

/// A UUID of version 4 (RFC 9562, section 5.4).
fn new_id(clock: &dyn Clock) -> String {
    let random = u128::from(clock.random()) << 64 | u128::from(clock.random());
    uuid::Builder::from_random_bytes(random.to_be_bytes()).into_uuid().to_string()
}

fn render(mut response: Response, request_id: &str, style: JsonStyle) -> Response {
    match response.extensions_mut().remove::<Problem>() {
        Some(problem) => {
            problem.log();
            let mut rendered = problem.render(request_id, style);
            // What layers have said beside it, such as which pages may read it.
            let mut headers = std::mem::take(response.headers_mut());
            headers.extend(std::mem::take(rendered.headers_mut()));
            *rendered.headers_mut() = headers;
            rendered
        }
        None => response,
    }
}
