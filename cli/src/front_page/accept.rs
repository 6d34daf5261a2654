//! Which form of an answer a caller prefers (RFC 9110, section 12.5.1).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// Whether HTML is wanted more than JSON: `*/*` says no more of one than of the other, and programs send it.
pub(super) fn prefers_html(headers: &HeaderMap) -> bool {
    let ranges: Vec<MediaRange> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(MediaRange::parse)
        .collect();
    quality(&ranges, "text", "html") > quality(&ranges, "application", "json")
}

/// A range of media types, and how much it is wanted, in thousandths.
struct MediaRange {
    r#type: String,
    subtype: String,
    quality: u16,
}

impl MediaRange {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
        let range = parts.next()?;
        let (r#type, subtype) = range.split_once('/')?;
        let weight = parts.find_map(|part| part.strip_prefix("q=").map(str::to_owned));
        let quality = weight.map_or(Some(1000), |weight| thousandths(&weight))?;
        Some(Self { r#type: r#type.to_owned(), subtype: subtype.to_owned(), quality })
    }

    /// How exactly this names a media type, if it does.
    fn precision(&self, r#type: &str, subtype: &str) -> Option<u8> {
        match (self.r#type.as_str(), self.subtype.as_str()) {
            (t, s) if t == r#type && s == subtype => Some(2),
            (t, "*") if t == r#type => Some(1),
            ("*", "*") => Some(0),
            _ => None,
        }
    }
}

fn thousandths(weight: &str) -> Option<u16> {
    let weight: f32 = weight.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be from 0 to 1")]
    (0.0..=1.0).contains(&weight).then_some((weight * 1000.0).round() as u16)
}

/// How much a media type is wanted: the range that names it most exactly says so.
fn quality(ranges: &[MediaRange], r#type: &str, subtype: &str) -> u16 {
    let named = ranges.iter().filter_map(|range| Some((range.precision(r#type, subtype)?, range.quality)));
    named.max().map_or(0, |(_, quality)| quality)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_for_those_who_want_it_more_than_json() {
        let firefox = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (accept, html) in [
            (firefox, true),
            ("text/html", true),
            ("TEXT/HTML ; Q=0.5", true),
            ("text/*", true),
            ("*/*;q=0.5, text/html;q=0.6", true),
            ("text/html;level=1;q=0.7, application/json;q=0.6", true),
            ("", false),
            ("*/*", false),
            ("application/json", false),
            ("application/json, text/html", false),
            ("text/html;q=0.5, application/json", false),
            ("text/html;q=0", false),
            ("text/html;q=0, */*", false),
            ("text/html;q=2", false),
            ("text/html;q=NaN", false),
            ("text/html;q=", false),
            ("html", false),
            ("text/plain, image/*", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(prefers_html(&headers), html, "{accept}");
        }
        assert!(!prefers_html(&HeaderMap::new()));
    }

    #[test]
    fn several_headers_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(ACCEPT, "application/json;q=0.1".parse().unwrap());
        headers.append(ACCEPT, "text/html".parse().unwrap());
        assert!(prefers_html(&headers));
    }
}
