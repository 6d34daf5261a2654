//! What stands in front of a function, and the HTTP request that is in its event.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lambda_http::aws_lambda_events::alb::AlbTargetGroupRequest;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayV2httpRequest};
use lambda_http::aws_lambda_events::query_map::QueryMap;
use serde_json::Value;

use super::target;

const UNSUPPORTED: &str = "this function answers HTTP requests that come through API Gateway (an HTTP API, or a REST API \
    with Lambda proxy integration), a function URL, or an Application Load Balancer; the event is none of them";

/// One request, whatever front has taken it.
#[derive(Debug)]
pub(super) struct Call {
    /// The method.
    pub(super) method: Method,
    /// The request target, without the stage.
    pub(super) target: String,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// The body as it stands in the event.
    body: Option<String>,
    /// Whether that is base64.
    is_base64: bool,
    /// Whether the answer must give its headers as lists of values (User Guide for Application Load Balancers, "Lambda
    /// functions as targets").
    pub(super) wants_lists: bool,
}

impl Call {
    /// The request in an event.
    ///
    /// # Errors
    /// The event is no request, or not of a front that is supported; the message names those.
    pub(super) fn from_event(event: Value) -> Result<Self, lambda_http::Error> {
        let context = &event["requestContext"];
        if context.get("elb").is_some() {
            return Ok(serde_json::from_value::<AlbTargetGroupRequest>(event)?.into());
        }
        if context.get("http").is_some() {
            return Ok(serde_json::from_value::<ApiGatewayV2httpRequest>(event)?.into());
        }
        if event.get("httpMethod").is_some() && event.get("resource").is_some() {
            return Ok(serde_json::from_value::<ApiGatewayProxyRequest>(event)?.into());
        }
        Err(UNSUPPORTED.into())
    }

    /// The body as the client has sent it; `None` if the event says that it is base64, and it is not.
    pub(super) fn take_body(&mut self) -> Option<Bytes> {
        let body = self.body.take().unwrap_or_default();
        if self.is_base64 { BASE64_STANDARD.decode(body).ok().map(Bytes::from) } else { Some(body.into()) }
    }
}

/// Payload format 2.0: an HTTP API, or a function URL.
impl From<ApiGatewayV2httpRequest> for Call {
    fn from(event: ApiGatewayV2httpRequest) -> Self {
        let template = event.route_key.as_deref().and_then(|key| key.split_once(' ')).map(|(_, path)| path);
        let path = target::path(template, &event.path_parameters, event.raw_path.as_deref());
        Self {
            method: event.request_context.http.method,
            target: target::with_query(path, event.raw_query_string.as_deref().unwrap_or_default()),
            headers: event.headers,
            body: event.body,
            is_base64: event.is_base64_encoded,
            wants_lists: false,
        }
    }
}

/// Payload format 1.0: a REST API, or an HTTP API that was told so. It gives query parameters decoded.
impl From<ApiGatewayProxyRequest> for Call {
    fn from(event: ApiGatewayProxyRequest) -> Self {
        let path = target::path(event.resource.as_deref(), &event.path_parameters, event.path.as_deref());
        let pairs = some(event.multi_value_query_string_parameters, event.query_string_parameters);
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs.iter()).finish();
        Self {
            method: event.http_method,
            target: target::with_query(path, &query),
            headers: if event.multi_value_headers.is_empty() {
                event.headers
            } else {
                event.multi_value_headers
            },
            body: event.body,
            is_base64: event.is_base64_encoded,
            wants_lists: false,
        }
    }
}

/// A load balancer gives path and query as they were sent.
impl From<AlbTargetGroupRequest> for Call {
    fn from(event: AlbTargetGroupRequest) -> Self {
        let pairs = some(event.multi_value_query_string_parameters, event.query_string_parameters);
        let query: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let wants_lists = !event.multi_value_headers.is_empty();
        Self {
            method: event.http_method,
            target: target::with_query(target::as_sent(event.path.as_deref()), &query.join("&")),
            headers: if wants_lists { event.multi_value_headers } else { event.headers },
            body: event.body,
            is_base64: event.is_base64_encoded,
            wants_lists,
        }
    }
}

/// The first that holds something: what is given as lists holds all that the other does.
fn some(lists: QueryMap, single: QueryMap) -> QueryMap {
    if lists.is_empty() { single } else { lists }
}
