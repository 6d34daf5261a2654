//! A response as Lambda sends it: inside JSON.

use axum::http::HeaderValue;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;
use lambda_http::Body;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;

use crate::envelope::{REQUEST_ID, guard};
use crate::json::JsonStyle;
use crate::problem::{HttpCode, Problem};

/// AWS Lambda Developer Guide, "Lambda quotas": 6 MB for a synchronous response, which Lambda enforces as this many
/// bytes of the encoded response.
const MAX_RESPONSE: usize = 6_291_556;
/// A piece of a document that always fits.
const PIECE: usize = 4 << 20;
/// What the response holds beside body and headers: status, field names, punctuation.
const FRAME: usize = 512;

/// The response, or a problem if it would not fit; with its headers as lists of values, or as one value each.
pub(super) async fn encode(response: Response, in_lists: bool) -> ApiGatewayV2httpResponse {
    let request_id = response.headers().get(REQUEST_ID).cloned();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let headers: usize =
        parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 6).sum();
    let (size, encoded) = smallest(&body);
    if size + headers + FRAME <= MAX_RESPONSE {
        return frame(Response::from_parts(parts, encoded), in_lists);
    }
    tracing::warn!(size, "the response does not fit into what Lambda sends");
    let detail = format!(
        "the answer has {} bytes; encoded for Lambda it passes the limit of {MAX_RESPONSE} bytes; a document can be loaded \
         in pieces, the first by the header `Range: bytes=0-{}`",
        body.len(),
        PIECE - 1
    );
    let id = request_id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default();
    let (parts, body) = problem(&Problem::new(HttpCode::ResponseTooLarge, detail), id).into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    frame(Response::from_parts(parts, smallest(&body).1), in_lists)
}

/// A problem that no route has answered, for the request with this id.
pub(super) fn problem(problem: &Problem, request_id: &str) -> Response {
    let mut response = problem.render(request_id, JsonStyle::Compact);
    guard(response.headers_mut());
    let id = HeaderValue::from_str(request_id).ok();
    response.headers_mut().extend(id.map(|id| (REQUEST_ID, id)));
    response
}

fn frame(response: Response<Body>, in_lists: bool) -> ApiGatewayV2httpResponse {
    let (parts, body) = response.into_parts();
    let mut framed = ApiGatewayV2httpResponse::default();
    framed.status_code = parts.status.as_u16().into();
    let headers = if in_lists { &mut framed.multi_value_headers } else { &mut framed.headers };
    *headers = parts.headers;
    framed.is_base64_encoded = matches!(body, Body::Binary(_));
    framed.body = Some(body).filter(|body| !matches!(body, Body::Empty));
    framed
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
