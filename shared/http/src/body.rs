//! The request body.

use std::time::Duration;

use analysis_storage::{Buffer, Error, ErrorCode, MemoryBudget, Share};
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use crate::app::App;
use crate::problem::{HttpCode, Problem};

/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_mins(1);
/// How long a client may send nothing of it: meanwhile it holds the memory for all of it.
const NOTHING_SENT: Duration = Duration::from_secs(20);

/// Room for a body of which no size was declared, to begin with.
const UNDECLARED: u64 = 64 << 10;

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
        let declared = header(&parts.headers, &CONTENT_LENGTH).and_then(|n| n.parse::<u64>().ok());
        if declared.is_some_and(|n| n > limit) {
            return Err(Error::TooLarge { limit }.into());
        }
        match timeout(ARRIVAL, read(body, declared, limit, app.budget(), NOTHING_SENT)).await {
            Ok(bytes) => bytes.map(Self),
            Err(_) => Err(Problem::new(HttpCode::RequestTimeout, "send the whole body within a minute")),
        }
    }
}

/// Into one buffer, of the right size if it was declared, as long as no pause of the client is longer than this.
async fn read(
    body: Body,
    declared: Option<u64>,
    limit: u64,
    budget: &MemoryBudget,
    pause: Duration,
) -> Result<Bytes, Problem> {
    let mut body = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
    let mut received = Received::new(declared.unwrap_or(UNDECLARED.min(limit)), budget)?;
    let stalled = |_| {
        let detail = format!("nothing of the body has come for {} seconds", pause.as_secs());
        Problem::new(HttpCode::RequestTimeout, detail)
    };
    while let Some(frame) = timeout(pause, body.frame()).await.map_err(stalled)? {
        match frame {
            Ok(frame) => received.append(frame.data_ref().map_or(&[], Bytes::as_ref), limit, budget)?,
            Err(e) if e.is::<LengthLimitError>() => return Err(Error::TooLarge { limit }.into()),
            Err(_) => {
                return Err(Problem::new(ErrorCode::MalformedDocument, "the body broke off before its end"));
            }
        }
    }
    Ok(received.bytes.freeze(received.share))
}

/// What has arrived, with the share of the memory for as much as there is room.
struct Received {
    bytes: Buffer,
    share: Share,
}

impl Received {
    fn new(size: u64, budget: &MemoryBudget) -> Result<Self, Problem> {
        let share = budget.take(size).ok_or(Error::Busy { size })?;
        Ok(Self { bytes: Buffer::with_capacity(usize::try_from(size).unwrap_or_default()), share })
    }

    /// Twice the room whenever it is full: only a body of undeclared size ever fills it before its end.
    fn append(&mut self, data: &[u8], limit: u64, budget: &MemoryBudget) -> Result<(), Problem> {
        let (length, capacity) = (self.bytes.len() + data.len(), self.bytes.capacity());
        if length > capacity {
            let most = usize::try_from(limit).unwrap_or(usize::MAX);
            let size = capacity.saturating_mul(2).min(most).max(length);
            let more = budget.take((size - capacity) as u64).ok_or(Error::Busy { size: size as u64 })?;
            self.share = std::mem::take(&mut self.share).and(more);
            self.bytes.grow(size);
        }
        self.bytes.append(data);
        Ok(())
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?").trim())
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    // Without one, a web page of any site could send a document: browsers ask nobody before such requests.
    let sent = match header(headers, &CONTENT_TYPE) {
        None | Some("") => {
            let detail = "there is no content type; send `Content-Type: application/json`";
            return Err(Problem::new(HttpCode::UnsupportedMediaType, detail));
        }
        Some(sent) => sent,
    };
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

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};

    use super::*;

    const LIMIT: u64 = 1 << 20;

    async fn status_of(body: Body, budget: &MemoryBudget) -> Result<usize, u16> {
        let read = read(body, Some(LIMIT), LIMIT, budget, Duration::from_millis(50)).await;
        read.map(|bytes| bytes.len()).map_err(|problem| problem.status().as_u16())
    }

    #[tokio::test]
    async fn a_body_that_stalls_gives_back_its_memory() {
        let budget = MemoryBudget::of(MemoryBudget::for_one_of(LIMIT));
        let first = || stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{"))]);
        let stalls = Body::from_stream(first().chain(stream::pending()));
        assert_eq!(status_of(stalls, &budget).await, Err(408));
        assert_eq!(status_of(Body::from_stream(first()), &budget).await, Ok(1));
    }
}
