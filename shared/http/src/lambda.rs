//! The Lambda adapter: one function's routes behind API Gateway's HTTP API, payload format 2.0.

use std::convert::Infallible;
use std::future::ready;
use std::pin::Pin;

use analysis_storage::Config;
use axum::Router;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use lambda_http::{Body, Request};
use tower::ServiceExt;

use crate::app::{App, finish};
use crate::problem::{Code, Problem, chain};
use crate::telemetry;

/// AWS Lambda Developer Guide, "Lambda quotas": 6 MB for a synchronous response, which Lambda enforces as
/// this many bytes of the encoded response.
const MAX_RESPONSE: usize = 6_291_556;
/// What the response holds beside body and headers: status, field names, punctuation.
const FRAME: usize = 512;

/// Serves these routes as a Lambda function, until the runtime ends it.
///
/// # Errors
/// A wrong configuration, or a failure of the Lambda runtime.
pub async fn run(routes: Router<App>) -> Result<(), lambda_http::Error> {
    let config = Config::from_env()?;
    telemetry::init(&config)?;
    let app = App::open(config).await?;
    // The first TLS handshake is the slowest part of a cold start; init time has the most CPU for it.
    if let Err(error) = app.analyses().probe().await {
        tracing::warn!(cause = chain(&error), "the storage did not answer during init");
    }
    lambda_http::run(service(finish(routes, app))).await
}

/// A router as the service that [`lambda_http::run`] wants.
#[must_use]
pub fn service(
    router: Router,
) -> impl tower::Service<Request, Response = Reply, Error = Infallible, Future: Send> + Clone + Send {
    tower::service_fn(move |request: Request| {
        let router = router.clone();
        async move {
            let response = router.oneshot(request.map(axum::body::Body::new)).await?;
            Ok(encode(response).await)
        }
    })
}

/// A response whose body is already what Lambda will send.
#[derive(Debug)]
pub struct Reply(Response<Body>);

impl lambda_http::IntoResponse for Reply {
    fn into_response(self) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        Box::pin(ready(self.0))
    }
}

async fn encode(response: Response) -> Reply {
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        return Reply(Problem::internal().into_response().map(|_| Body::Empty));
    };
    let body = body.to_bytes();
    let headers: usize =
        parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 6).sum();
    let (size, encoded) = smallest(&body);
    if size + headers + FRAME <= MAX_RESPONSE {
        return Reply(Response::from_parts(parts, encoded));
    }
    let request_id =
        parts.headers.get("x-request-id").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let problem = Problem::new(
        Code::ResponseTooLarge,
        format!(
            "the document has {} bytes; encoded for Lambda it passes the limit of {MAX_RESPONSE} bytes",
            body.len()
        ),
    );
    let (parts, body) = problem.render(request_id).into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Reply(Response::from_parts(parts, smallest(&body).1))
}

/// The body in the encoding that takes less room, and its encoded size.
///
/// Bytes that are not UTF-8 must not pass as text: they would arrive changed.
fn smallest(body: &Bytes) -> (usize, Body) {
    let base64 = body.len().div_ceil(3) * 4;
    match std::str::from_utf8(body) {
        Ok("") => (0, Body::Empty),
        Ok(text) if escaped_size(text) <= base64 => (escaped_size(text), Body::Text(text.to_owned())),
        _ => (base64, Body::Binary(body.to_vec())),
    }
}

/// The size of a text as a JSON string.
fn escaped_size(text: &str) -> usize {
    let size = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(size).sum::<usize>() + 2
}
