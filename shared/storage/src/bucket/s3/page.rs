//! One page of a listing: read, and held to what the protocol relies on.

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::Object;
use jiff::Timestamp;

use super::failure::Failure;
use super::request::Request;
use super::{advice, key_encoding};
use crate::bucket::{BucketError, Key, Listed, Listing, Result};
use crate::token::ContentToken;

/// How often a store may answer an empty page with the token that it was asked for with.
const MOST_REPETITIONS: u32 = 10;

/// The objects of the page, which must come behind this key and in order: whoever went on behind the last key of another
/// page would go round for ever. Folder markers are left out.
pub(super) fn read(
    request: &Request<'_>,
    output: &ListObjectsV2Output,
    behind: Option<&str>,
    date: Timestamp,
) -> Result<Listing> {
    let mut objects =
        output.contents().iter().map(|object| listed(request, output, object)).collect::<Result<Vec<_>>>()?;
    if let Some((behind, first)) = behind.zip(objects.first()).filter(|(b, first)| first.key.as_str() <= *b) {
        return Err(BucketError::misconfigured(advice::begins_before(request, behind, first.key.as_str())));
    }
    if let Some(pair) = objects.windows(2).find(|pair| pair[0].key >= pair[1].key) {
        let keys = (pair[0].key.as_str(), pair[1].key.as_str());
        return Err(BucketError::misconfigured(advice::out_of_order(request, keys)));
    }
    objects.retain(|object| !object.is_folder_marker());
    Ok(Listing { objects, truncated: output.is_truncated() == Some(true), date })
}

/// The last key of the page, folder markers included.
pub(super) fn last_key(request: &Request<'_>, output: &ListObjectsV2Output) -> Result<Option<String>> {
    let last = output.contents().last();
    last.map(|object| key(request, output, object).map(|key| key.to_string())).transpose()
}

/// What the next page is asked for with.
#[derive(Debug, Default)]
pub(super) struct Continuation {
    token: Option<String>,
    /// How often it was the same.
    repeated: u32,
}

impl Continuation {
    pub(super) fn token(&self) -> Option<String> {
        self.token.clone()
    }

    /// Behind this page, unless it has been the same page all the time.
    pub(super) fn behind(self, request: &Request<'_>, output: &ListObjectsV2Output) -> Result<Self> {
        let next = request.present(output.next_continuation_token(), "NextContinuationToken")?.to_owned();
        let repeated = if self.token.as_ref() == Some(&next) { self.repeated + 1 } else { 0 };
        if repeated > MOST_REPETITIONS {
            return Err(
                request.error(Failure::NoAnswer("the answer is the same empty page each time".into()))
            );
        }
        Ok(Self { token: Some(next), repeated })
    }
}

fn key(request: &Request<'_>, output: &ListObjectsV2Output, object: &Object) -> Result<Key> {
    let key = request.present(object.key(), "Key")?;
    request.present(key_encoding::decode(key, output.encoding_type()), "readable Key").map(Key::new)
}

fn listed(request: &Request<'_>, output: &ListObjectsV2Output, object: &Object) -> Result<Listed> {
    let etag = request.etag(object.e_tag())?;
    Ok(Listed {
        key: key(request, output, object)?,
        size: request.present(object.size().and_then(|size| u64::try_from(size).ok()), "Size")?,
        token: Some(ContentToken::of_tag(&etag)),
        etag,
        saved_at: None,
        last_modified: request.timestamp(object.last_modified())?,
    })
}
