//! The Lambda adapter: one function's routes behind API Gateway, a function URL or a load balancer.

mod front;
mod reply;
mod target;

use std::time::Duration;

use analysis_storage::{ErrorCode, StorageConfig};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use serde_json::Value;
use tower::ServiceExt;

use self::front::Call;

use crate::app::{App, DEADLINE, finish};
use crate::problem::{Problem, chain};
use crate::server_config::ServerConfig;
use crate::telemetry::{self, LogConfig};

/// A caller may wait for the init of a function and for its request, and the storage may not answer either.
const INIT_PROBE: Duration = Duration::from_secs(2);

/// How long API Gateway waits for a function, init included.
const GATEWAY_PATIENCE: Duration = Duration::from_secs(30);

/// For what init and a request do without the storage: the start of a process, and sending the answer.
const REST: Duration = Duration::from_secs(3);

const _: () = assert!(
    INIT_PROBE.saturating_add(DEADLINE).saturating_add(REST).as_millis() < GATEWAY_PATIENCE.as_millis(),
    "a cold start beside a storage that does not answer ends in an answer"
);

/// Serves these routes as a Lambda function, until the runtime ends it.
///
/// # Errors
/// A wrong configuration, or a failure of the Lambda runtime.
pub async fn run(routes: Router<App>) -> Result<(), lambda_http::Error> {
    telemetry::report_panics();
    telemetry::report_end(serve(routes).await)
}

async fn serve(routes: Router<App>) -> Result<(), lambda_http::Error> {
    telemetry::init(&LogConfig::from_env()?)?;
    let token = ServerConfig::from_env()?.token;
    let app = App::open(StorageConfig::from_env()?).await?.with_token(token);
    // The first TLS handshake is the slowest part of a cold start; init time has the most CPU for it.
    match tokio::time::timeout(INIT_PROBE, app.analyses().probe()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(cause = chain(&error), "the storage refused the request of init"),
        Err(_) => tracing::warn!("the storage did not answer during init"),
    }
    let service = finish(routes, app);
    lambda_runtime::run(service_fn(move |event| handle(service.clone(), event))).await
}

/// Answers one event.
///
/// # Errors
/// The event is no HTTP request, or of a front that is not supported; the message says so.
pub async fn handle(
    router: Router,
    event: LambdaEvent<Value>,
) -> Result<ApiGatewayV2httpResponse, lambda_http::Error> {
    let LambdaEvent { payload, context } = event;
    let mut call = Call::from_event(payload)?;
    let Some(body) = call.take_body() else {
        let detail = "the event says that its body is base64, and it is not";
        let problem = Problem::new(ErrorCode::MalformedDocument, detail);
        return Ok(reply::encode(reply::problem(&problem, &context.request_id), call.wants_lists).await);
    };
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = call.method;
    *request.uri_mut() = call.target.parse()?;
    *request.headers_mut() = call.headers;
    request.extensions_mut().insert(context);
    let response = router.oneshot(request).await?;
    Ok(reply::encode(response, call.wants_lists).await)
}
