//! The Lambda adapter: one function's routes behind API Gateway's HTTP API, payload format 2.0.

mod reply;
mod target;

use std::time::Duration;

use analysis_storage::StorageConfig;
use axum::Router;
use axum::body::Body;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use lambda_http::request::LambdaRequest;
use tower::ServiceExt;

use crate::app::{App, finish};
use crate::problem::chain;
use crate::server_config::ServerConfig;
use crate::telemetry::{self, LogConfig};

/// Lambda allows ten seconds for init; a storage that is slow to answer must not use them up.
const INIT_PROBE: Duration = Duration::from_secs(5);

/// Serves these routes as a Lambda function, until the runtime ends it.
///
/// # Errors
/// A wrong configuration, or a failure of the Lambda runtime.
pub async fn run(routes: Router<App>) -> Result<(), lambda_http::Error> {
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
/// None that an event of API Gateway can cause.
pub async fn handle(
    router: Router,
    event: LambdaEvent<ApiGatewayV2httpRequest>,
) -> Result<ApiGatewayV2httpResponse, lambda_http::Error> {
    let LambdaEvent { mut payload, context } = event;
    let target = target::from_event(&payload);
    // What `lambda_http` would make a URL of is not ours to trust: it fails on some, and rewrites others.
    payload.raw_path = None;
    payload.raw_query_string = None;
    let host = payload.headers.remove("host");
    payload.headers.remove("x-forwarded-proto");
    payload.request_context.domain_name = None;

    let mut request: lambda_http::Request = LambdaRequest::ApiGatewayV2(payload).into();
    *request.uri_mut() = target.parse()?;
    request.headers_mut().extend(host.map(|host| (axum::http::header::HOST, host)));
    request.extensions_mut().insert(context);
    let response = router.oneshot(request.map(Body::new)).await?;
    Ok(reply::encode(response).await)
}
