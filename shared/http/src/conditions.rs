//! Conditional requests (RFC 9110, section 13).

use std::time::{Duration, SystemTime};

use analysis_storage::bucket::ObjectMeta;
use analysis_storage::{Analyses, AnalysisId, Condition, ETag, Error};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};

use crate::problem::{HttpCode, Problem};

/// The value of `If-Match` or `If-None-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    Any,
    Listed(Vec<Tag>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Tag {
    weak: bool,
    /// In its quotes.
    opaque: String,
}

impl Tags {
    fn from_headers(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, Problem> {
        let values: Vec<&str> =
            headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?")).collect();
        if values.is_empty() {
            return Ok(None);
        }
        let text = values.join(",");
        Self::parse(text.trim()).map(Some).ok_or_else(|| {
            let detail =
                format!("`{name}: {text}` is not `*` or a list of entity tags in quotes, such as \"abc\"");
            Problem::new(HttpCode::InvalidHeader, detail)
        })
    }

    /// RFC 9110, section 8.8.3: `entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE`.
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        let mut rest = text;
        let mut tags = Vec::new();
        loop {
            // RFC 9110, section 5.6.1.2: elements of a list may be empty, and are ignored.
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                return if tags.is_empty() { None } else { Some(Self::Listed(tags)) };
            }
            let weak = rest.starts_with("W/");
            let quoted = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
            let (opaque, after) = quoted.split_once('"')?;
            if !opaque.bytes().all(|b| b > b' ' && b != 0x7f) {
                return None;
            }
            tags.push(Tag { weak, opaque: format!("\"{opaque}\"") });
            rest = after.trim_start();
            if !rest.is_empty() && !rest.starts_with(',') {
                return None;
            }
        }
    }

    fn matches(&self, etag: &ETag, accepts_weak: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => {
                tags.iter().any(|tag| (accepts_weak || !tag.weak) && tag.opaque == etag.as_str())
            }
        }
    }
}

/// What a read demands: `If-Match`, `If-None-Match`, `If-Modified-Since` and `If-Unmodified-Since`.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "the headers are called so")]
pub struct ReadConditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
    if_modified_since: Option<SystemTime>,
    if_unmodified_since: Option<SystemTime>,
}

impl<S: Sync> FromRequestParts<S> for ReadConditions {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // RFC 9110, section 13.1.3: a date that cannot be read is ignored.
        let date = |name: HeaderName| {
            let text = parts.headers.get(name).and_then(|value| value.to_str().ok());
            text.and_then(|text| httpdate::parse_http_date(text).ok())
        };
        Ok(Self {
            if_match: Tags::from_headers(&parts.headers, &header::IF_MATCH)?,
            if_none_match: Tags::from_headers(&parts.headers, &header::IF_NONE_MATCH)?,
            if_modified_since: date(header::IF_MODIFIED_SINCE),
            if_unmodified_since: date(header::IF_UNMODIFIED_SINCE),
        })
    }
}

impl ReadConditions {
    /// The one tag that the storage itself can compare, so that an unchanged document is not even read.
    #[must_use]
    pub fn single_tag(&self) -> Option<ETag> {
        let has_other = self.if_match.is_some() || self.if_unmodified_since.is_some();
        match &self.if_none_match {
            Some(Tags::Listed(tags)) if tags.len() == 1 && !has_other => {
                Some(ETag::new(tags[0].opaque.clone()))
            }
            _ => None,
        }
    }

    /// Whether the caller holds this document already.
    ///
    /// # Errors
    /// 412 if `If-Match` does not hold.
    pub fn is_not_modified(&self, meta: &ObjectMeta) -> Result<bool, Problem> {
        if self.if_match.as_ref().is_some_and(|tags| !tags.matches(&meta.etag, false)) {
            return Err(
                Error::PreconditionFailed("the analysis does not have the tag of If-Match".into()).into()
            );
        }
        let is_newer = |limit| last_modified(meta) > limit;
        if self.if_match.is_none() && self.if_unmodified_since.is_some_and(is_newer) {
            return Err(
                Error::PreconditionFailed("the analysis was saved after If-Unmodified-Since".into()).into()
            );
        }
        Ok(match (&self.if_none_match, self.if_modified_since) {
            (Some(tags), _) => tags.matches(&meta.etag, true),
            (None, Some(since)) => last_modified(meta) <= since,
            (None, None) => false,
        })
    }
}

/// When the document was written, in the whole seconds that HTTP dates have.
#[must_use]
pub fn last_modified(meta: &ObjectMeta) -> SystemTime {
    SystemTime::UNIX_EPOCH
        + Duration::from_secs(u64::try_from(meta.last_modified.as_second()).unwrap_or_default())
}

/// What a write demands: `If-Match` or `If-None-Match: *`.
#[derive(Debug, Clone)]
pub struct WriteConditions {
    if_match: Option<Tags>,
    if_none_match: bool,
}

impl<S: Sync> FromRequestParts<S> for WriteConditions {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let if_match = Tags::from_headers(&parts.headers, &header::IF_MATCH)?;
        let if_none_match = Tags::from_headers(&parts.headers, &header::IF_NONE_MATCH)?;
        if parts.headers.contains_key(header::IF_UNMODIFIED_SINCE) {
            let detail =
                "a write takes `If-Match`; the seconds of `If-Unmodified-Since` are too coarse to guard it";
            return Err(Problem::new(HttpCode::InvalidHeader, detail));
        }
        match (&if_match, &if_none_match) {
            (_, Some(Tags::Listed(_))) => Err(Problem::new(
                HttpCode::InvalidHeader,
                "a write takes `If-None-Match: *` only, not a list of tags",
            )),
            (Some(_), Some(_)) => Err(Problem::new(
                HttpCode::InvalidHeader,
                "`If-Match` and `If-None-Match: *` can never both hold; send one",
            )),
            _ => Ok(Self { if_none_match: if_none_match.is_some(), if_match }),
        }
    }
}

impl WriteConditions {
    /// The condition of a save of this id. Reads the current tag only if several are listed.
    ///
    /// # Errors
    /// 412 if it cannot hold.
    pub async fn for_save(&self, analyses: &Analyses, id: &AnalysisId) -> Result<Condition, Problem> {
        if self.if_none_match {
            return Ok(Condition::Absent);
        }
        match &self.if_match {
            None => Ok(Condition::None),
            Some(Tags::Any) => Ok(Condition::Present),
            Some(listed @ Tags::Listed(tags)) => pick(listed, tags, analyses, id).await.map(Condition::Match),
        }
    }

    /// The tag that a delete of this id must meet. Reads the current tag only if several are listed.
    ///
    /// # Errors
    /// 412 if it cannot hold, and 400 for `If-None-Match`.
    pub async fn for_delete(&self, analyses: &Analyses, id: &AnalysisId) -> Result<Option<ETag>, Problem> {
        if self.if_none_match {
            return Err(Problem::new(
                HttpCode::InvalidHeader,
                "a delete takes `If-Match`, not `If-None-Match`",
            ));
        }
        match &self.if_match {
            None | Some(Tags::Any) => Ok(None),
            Some(listed @ Tags::Listed(tags)) => pick(listed, tags, analyses, id).await.map(Some),
        }
    }

    /// Whether a save under a new id can meet the condition: there is nothing yet that could match.
    ///
    /// # Errors
    /// 412 for any `If-Match`.
    pub fn for_new(&self) -> Result<(), Problem> {
        match self.if_match {
            None => Ok(()),
            Some(_) => {
                Err(Error::PreconditionFailed("a new analysis has no tag that If-Match could meet".into())
                    .into())
            }
        }
    }
}

/// The listed tag that is worth sending to the storage: the only one, or the one the document has now.
async fn pick(listed: &Tags, tags: &[Tag], analyses: &Analyses, id: &AnalysisId) -> Result<ETag, Problem> {
    if let [Tag { weak: false, opaque }] = tags {
        return Ok(ETag::new(opaque.clone()));
    }
    let current = match analyses.describe(id).await {
        Ok(meta) => Some(meta.etag).filter(|etag| listed.matches(etag, false)),
        Err(Error::NotFound { .. }) => None,
        Err(e) => return Err(e.into()),
    };
    current.ok_or_else(|| Error::PreconditionFailed(no_match(tags, id)).into())
}

/// Why none of the tags of a write's `If-Match` holds. RFC 9110, section 13.1.1: a weak tag never does.
fn no_match(tags: &[Tag], id: &AnalysisId) -> String {
    match tags.iter().find(|tag| tag.weak) {
        None => format!("analysis `{id}` does not have one of the tags of If-Match"),
        Some(Tag { opaque, .. }) => format!(
            "the tag W/{opaque} of If-Match is weak, and a write needs a strong one; this service sends {opaque}, and what \
             weakens it is usually a proxy that compresses answers: switch compression off there, or send {opaque}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_tags() {
        let tag = |weak, opaque: &str| Tag { weak, opaque: opaque.into() };
        assert_eq!(Tags::parse("*"), Some(Tags::Any));
        assert_eq!(Tags::parse("\"a\""), Some(Tags::Listed(vec![tag(false, "\"a\"")])));
        let two = vec![tag(true, "\"a,b\""), tag(false, "\"\"")];
        assert_eq!(Tags::parse("W/\"a,b\" , \"\""), Some(Tags::Listed(two)));
        let empty = [",\"a\"", "\"a\",", " , ,\t\"a\" ,, ", ",,\"a\",\"a\""];
        for list in empty {
            let Some(Tags::Listed(tags)) = Tags::parse(list) else { panic!("{list}") };
            assert!(tags.iter().all(|t| *t == tag(false, "\"a\"")), "{list}: {tags:?}");
        }
        for bad in [
            "",
            ",",
            " , ",
            "a",
            "\"a",
            "a\"",
            "\"a\" \"b\"",
            "\"a\",b",
            "*,",
            ",*",
            "w/\"a\"",
            "\"a b\"",
            "*,\"a\"",
        ] {
            assert_eq!(Tags::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn weak_tags_match_for_reading_only() {
        let tags = Tags::parse("W/\"a\"").unwrap();
        assert!(tags.matches(&ETag::new("\"a\""), true));
        assert!(!tags.matches(&ETag::new("\"a\""), false));
    }
}
