//! The versions of one object out of a listing.

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{DeleteMarkerEntry, EncodingType, ObjectVersion};

use super::key_encoding;
use super::request::Request;
use crate::bucket::{Result, Version};

/// The versions of exactly the requested key, newest first.
pub(super) fn from_output(request: &Request<'_>, output: &ListObjectVersionsOutput) -> Result<Vec<Version>> {
    let encoding = output.encoding_type();
    let ours = |key: Option<&str>| is(request.target, key, encoding);
    let stored = output.versions().iter().filter(|v| ours(v.key())).map(|v| stored(request, v));
    let marks = output.delete_markers().iter().filter(|m| ours(m.key())).map(|m| mark(request, m));
    let mut versions = stored.chain(marks).collect::<Result<Vec<_>>>()?;
    // S3 sends versions and marks interleaved, the SDK apart, and times have whole seconds. Of two in one
    // second, a mark more likely followed the version: a deletion needs something to delete.
    versions.sort_by_key(|v| std::cmp::Reverse((v.is_latest, v.last_modified, v.deleted)));
    Ok(versions)
}

fn is(wanted: &str, key: Option<&str>, encoding: Option<&EncodingType>) -> bool {
    key.and_then(|key| key_encoding::decode(key, encoding)).is_some_and(|key| key == wanted)
}

fn stored(request: &Request<'_>, version: &ObjectVersion) -> Result<Version> {
    Ok(Version {
        version_id: request.present(version.version_id(), "VersionId")?.to_owned(),
        is_latest: version.is_latest() == Some(true),
        deleted: false,
        size: version.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
        last_modified: request.timestamp(version.last_modified())?,
        etag: version.e_tag().map(str::to_owned),
    })
}

fn mark(request: &Request<'_>, mark: &DeleteMarkerEntry) -> Result<Version> {
    Ok(Version {
        version_id: request.present(mark.version_id(), "VersionId")?.to_owned(),
        is_latest: mark.is_latest() == Some(true),
        deleted: true,
        size: 0,
        last_modified: request.timestamp(mark.last_modified())?,
        etag: None,
    })
}
