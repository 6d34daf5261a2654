//! The request body.

use std::time::Duration;

use analysis_storage::{Error, ErrorCode};
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::app::App;
use crate::problem::{HttpCode, Problem};

/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_mins(1);

/// A body sent as JSON, within the size limit. Whether it *is* JSON is for `Document::parse` to say.
#[derive(Debug, Clone)]
pub struct JsonBody(pub Bytes);

impl FromRequest<App> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        check_type(&parts.headers)?;
        check_encoding(&parts.headers)?;
        // RFC 9110, section 14.5: a part must not be stored as if it were the whole.
        if parts.headers.contains_key(CONTENT_RANGE) {
            return Err(Problem::new(
                HttpCode::InvalidHeader,
                "`Content-Range` is not supported; send the whole document",
            ));
        }
        let limit = app.config().max_document_bytes;
        if header(&parts.headers, &CONTENT_LENGTH)
            .and_then(|n| n.parse::<u64>().ok())
            .is_some_and(|n| n > limit)
        {
            return Err(Error::TooLarge { limit }.into());
        }
        match tokio::time::timeout(ARRIVAL, read(body, limit)).await {
            Ok(bytes) => bytes.map(Self),
            Err(_) => Err(Problem::new(HttpCode::RequestTimeout, "send the whole body within a minute")),
        }
    }
}

/// Into one buffer: a body that comes in tiny pieces takes no more memory than any other.
async fn read(body: Body, limit: u64) -> Result<Bytes, Problem> {
    let mut body = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(frame.data_ref().map_or(&[], Bytes::as_ref)),
            Err(e) if e.is::<LengthLimitError>() => return Err(Error::TooLarge { limit }.into()),
            Err(_) => {
                return Err(Problem::new(ErrorCode::MalformedDocument, "the body broke off before its end"));
            }
        }
    }
    Ok(bytes.freeze())
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?").trim())
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(sent) = header(headers, &CONTENT_TYPE) else { return Ok(()) };
    let mut parts = sent.split(';').map(|part| part.trim().to_ascii_lowercase());
    let media_type = parts.next().unwrap_or_default();
    let is_json = media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"));
    let is_utf8 = parts
        .all(|p| p.strip_prefix("charset=").is_none_or(|c| matches!(c.trim_matches('"'), "utf-8" | "utf8")));
    if is_json && is_utf8 {
        return Ok(());
    }
    let detail =
        format!("content type {sent:?} is not accepted; send `Content-Type: application/json`, in UTF-8");
    Err(Problem::new(HttpCode::UnsupportedMediaType, detail))
}

fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    match header(headers, &CONTENT_ENCODING) {
        None => Ok(()),
        Some(encoding) if encoding.eq_ignore_ascii_case("identity") => Ok(()),
        Some(encoding) => Err(Problem::new(
            HttpCode::UnsupportedMediaType,
            format!("content encoding {encoding:?} is not accepted; send the body as it is to be stored"),
        )),
    }
}
