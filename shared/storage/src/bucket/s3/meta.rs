//! What an answer's headers say of an object.

use std::collections::HashMap;
use std::ops::Range;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::StorageClass;

use super::SAVED_AT;
use super::request::Request;
use crate::bucket::{ObjectMeta, Result};
use crate::time::SavedAt;
use crate::token::ContentToken;

/// The headers of interest, alike in answers to GET and to HEAD.
pub(super) struct Head<'a> {
    size: Option<i64>,
    etag: Option<&'a str>,
    last_modified: Option<&'a DateTime>,
    version_id: Option<&'a str>,
    metadata: Option<&'a HashMap<String, String>>,
    archived: bool,
}

impl<'a> From<&'a GetObjectOutput> for Head<'a> {
    fn from(output: &'a GetObjectOutput) -> Self {
        Self {
            size: output.content_length(),
            etag: output.e_tag(),
            last_modified: output.last_modified(),
            version_id: output.version_id(),
            metadata: output.metadata(),
            // Its content is here.
            archived: false,
        }
    }
}

impl<'a> From<&'a HeadObjectOutput> for Head<'a> {
    fn from(output: &'a HeadObjectOutput) -> Self {
        let in_archive =
            matches!(output.storage_class(), Some(StorageClass::Glacier | StorageClass::DeepArchive))
                || output.archive_status().is_some();
        let restored = output.restore().is_some_and(|state| state.contains(r#"ongoing-request="false""#));
        Self {
            size: output.content_length(),
            etag: output.e_tag(),
            last_modified: output.last_modified(),
            version_id: output.version_id(),
            metadata: output.metadata(),
            archived: in_archive && !restored,
        }
    }
}

impl Head<'_> {
    /// The headers in our terms.
    pub(super) fn meta(&self, request: &Request<'_>) -> Result<ObjectMeta> {
        let last_modified = request.timestamp(self.last_modified)?;
        let saved_at =
            self.metadata.and_then(|metadata| metadata.get(SAVED_AT)).and_then(|text| text.parse().ok());
        let etag = request.etag(self.etag)?;
        Ok(ObjectMeta {
            size: request.present(self.size.and_then(|size| u64::try_from(size).ok()), "Content-Length")?,
            token: Some(ContentToken::of_tag(&etag)),
            etag,
            is_ours: saved_at.is_some(),
            saved_at: saved_at.map_or_else(|| last_modified.into(), SavedAt::from_micros),
            last_modified,
            version_id: self.version_id.map(str::to_owned),
            archived: self.archived,
            metadata: self.metadata.into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect(),
        })
    }
}

/// Which bytes of an object of which size an answer of this length holds (RFC 9110, section 14.4).
pub(super) fn content_range(text: &str, length: u64) -> Option<(Range<u64>, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, size): (u64, u64, u64) = (first.parse().ok()?, last.parse().ok()?, size.parse().ok()?);
    let part = first..last.checked_add(1)?;
    (first <= last && last < size && part.end - part.start == length).then_some((part, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_fits_the_object_and_the_answer() {
        assert_eq!(content_range("bytes 0-3/10", 4), Some((0..4, 10)));
        assert_eq!(content_range("bytes 9-9/10", 1), Some((9..10, 10)));
        for (text, length) in [
            ("bytes 0-3/10", 5),
            ("bytes 0-10/10", 11),
            ("bytes 3-2/10", 0),
            ("bytes 0-3/*", 4),
            ("bytes */10", 0),
            ("bytes 0-18446744073709551615/18446744073709551615", 0),
            ("items 0-3/10", 4),
            ("0-3/10", 4),
        ] {
            assert_eq!(content_range(text, length), None, "{text}");
        }
    }
}
