//! Range requests (RFC 9110, section 14): one range of bytes of a document.

use analysis_storage::bucket::{ByteRange, Object, ObjectMeta};
use axum::extract::FromRequestParts;
use axum::http::header::{CONTENT_RANGE, IF_RANGE, RANGE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::problem::Problem;

/// What `Range` and `If-Range` ask for.
#[derive(Debug, Clone, Default)]
pub struct RangeRequest {
    range: Option<ByteRange>,
    if_range: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for RangeRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let if_range = parts.headers.get(IF_RANGE);
        Ok(Self {
            range: only(&parts.headers, &RANGE).and_then(parse),
            if_range: if_range.map(|value| value.to_str().unwrap_or_default().trim().to_owned()),
        })
    }
}

impl RangeRequest {
    /// The bytes that are asked for, if the document is the one that the caller has a part of.
    #[must_use]
    pub fn range(&self) -> Option<ByteRange> {
        self.range
    }

    /// Whether the caller wants just these bytes of the document, and not all of it because it has changed.
    ///
    /// A date never matches (section 13.1.5): a document may be replaced within a second, and there is always a tag.
    #[must_use]
    pub fn is_of(&self, meta: &ObjectMeta) -> bool {
        self.if_range.as_ref().is_none_or(|tag| tag == meta.etag.as_str())
    }
}

/// The one value of a header that must not be repeated.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok()
}

/// `bytes=0-499`. Several ranges, other units and what cannot be read are ignored, as section 14.2 allows: the answer is
/// the whole document.
fn parse(text: &str) -> Option<ByteRange> {
    let (unit, ranges) = text.split_once('=')?;
    let mut ranges = ranges.split(',').map(str::trim).filter(|range| !range.is_empty());
    let range = ranges.next().filter(|_| ranges.next().is_none())?;
    unit.trim().eq_ignore_ascii_case("bytes").then(|| ByteRange::parse(range))?
}

/// Which bytes of the document an answer holds (section 14.4), if not all of them.
#[must_use]
pub fn content_range(object: &Object) -> Option<(HeaderName, String)> {
    let part = object.part.as_ref()?;
    Some((CONTENT_RANGE, format!("bytes {}-{}/{}", part.start, part.end.saturating_sub(1), object.meta.size)))
}

impl Problem {
    /// 416, with how long the document is (RFC 9110, section 15.5.17).
    #[must_use]
    pub fn range_not_satisfiable(size: u64) -> Self {
        let detail = format!("the document has {size} bytes, and none in the range that `Range` asks for");
        let length = HeaderValue::from_str(&format!("bytes */{size}")).ok();
        Self::new(analysis_storage::ErrorCode::RangeNotSatisfiable, detail)
            .with_header(length.map(|length| (CONTENT_RANGE, length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_of_bytes_is_served_and_anything_else_ignored() {
        for (text, range) in [
            ("bytes=0-499", Some(ByteRange::FromTo(0, 499))),
            ("Bytes = 500- ", Some(ByteRange::From(500))),
            ("bytes=,-5,", Some(ByteRange::Last(5))),
            ("bytes=0-1,3-4", None),
            ("bytes=5-4", None),
            ("bytes=", None),
            ("bytes", None),
            ("items=0-1", None),
            ("bytes=a-b", None),
        ] {
            assert_eq!(parse(text), range, "{text}");
        }
    }

    #[test]
    fn a_range_that_is_sent_twice_is_ignored() {
        let mut headers = HeaderMap::new();
        headers.append(RANGE, HeaderValue::from_static("bytes=0-1"));
        assert_eq!(only(&headers, &RANGE), Some("bytes=0-1"));
        headers.append(RANGE, HeaderValue::from_static("bytes=2-3"));
        assert_eq!(only(&headers, &RANGE), None);
    }
}
