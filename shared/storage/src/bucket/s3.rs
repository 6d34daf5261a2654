//! A bucket on Amazon S3, or on a store that speaks its protocol. The only user of the AWS SDK.

mod advice;
mod archive;
mod client;
mod date;
mod encryption;
mod failure;
mod key_encoding;
mod meta;
mod owner;
mod page;
mod request;
mod setup;
#[cfg(test)]
mod tests;
mod versions;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, EncodingType};
use futures::try_join;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, timeout_at};

use self::date::DateOfAnswer;
pub use self::encryption::Encryption;
use self::failure::{Answer, Failure};
use self::meta::Head;
use self::request::{Action, Request};
pub use self::setup::Lifecycle;
use super::{
    Bucket, BucketError, BucketInfo, ETag, GetOptions, Got, Key, Listing, MAX_KEYS, Object, ObjectMeta,
    Precondition, Put, RestoreTier, Restoring, Result, Version,
};
use crate::buffer::Buffer;
use crate::clock::{Clock, ClockOffset, SystemClock};
use crate::config::{MOST_DOCUMENT_BYTES, NamedBy};
use crate::durations::LONGEST_ATTEMPT;
use crate::error::Cause;
use crate::memory_budget::MemoryBudget;
use crate::token::ContentToken;

/// The user metadata that holds `saved_at`, in microseconds since the Unix epoch.
const SAVED_AT: &str = "saved_at";

/// How much memory a document gets at most before any of it has arrived. Growing by degrees would take twice as much.
const PREALLOCATED: usize = 32 << 20;

/// Which S3 bucket, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Settings {
    /// The name of a bucket that exists.
    pub bucket: String,
    /// The region it is in.
    pub region: String,
    /// The URL of a store other than Amazon's that speaks the same protocol.
    pub endpoint_url: Option<String>,
    /// What every PUT asks for.
    pub encryption: Encryption,
    /// The account that must own the bucket: it is named with every request, and the store refuses those to a bucket of
    /// another.
    pub expected_owner: Option<String>,
    /// Who has said so: messages name what to correct.
    pub named_by: NamedBy,
}

impl S3Settings {
    /// A bucket of whatever owner, where objects are encrypted with keys of S3's own.
    #[must_use]
    pub fn new(bucket: &str, region: &str, endpoint_url: Option<&str>, named_by: NamedBy) -> Self {
        Self {
            bucket: bucket.to_owned(),
            region: region.to_owned(),
            endpoint_url: endpoint_url.map(str::to_owned),
            encryption: Encryption::default(),
            expected_owner: None,
            named_by,
        }
    }

    /// Whether it is the same bucket, whoever has named it.
    #[must_use]
    pub fn is_same_bucket(&self, other: &Self) -> bool {
        (&self.bucket, &self.region, &self.endpoint_url)
            == (&other.bucket, &other.region, &other.endpoint_url)
    }
}

const _: () = assert!(
    client::ANSWER_TIMEOUT.saturating_add(client::LAG).as_millis() <= LONGEST_ATTEMPT.as_millis(),
    "the windows of the protocol count on it"
);

/// A bucket on S3. A call is one request (two for [`info`](Bucket::info)), never sent again by itself: only the
/// protocol above can tell whether a conditional write that failed the second time had succeeded the first time.
#[derive(Clone)]
pub struct S3Bucket {
    client: Client,
    settings: S3Settings,
    offset: Arc<ClockOffset>,
    /// The most bytes of an object that are read.
    largest: u64,
}

impl S3Bucket {
    /// The bucket, with the credentials of the default AWS chain: environment, profile, web identity, container
    /// role, instance role. Sends nothing to S3 yet.
    pub async fn connect(settings: &S3Settings) -> Self {
        let offset = Arc::default();
        let client = client::connect(settings, &offset).await;
        Self { client, settings: settings.clone(), offset, largest: MOST_DOCUMENT_BYTES }
    }

    /// The bucket, with these credentials.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_credentials(settings: &S3Settings, access_key_id: &str, secret_access_key: &str) -> Self {
        let offset = Arc::default();
        let client = client::with_credentials(settings, access_key_id, secret_access_key, &offset);
        Self { client, settings: settings.clone(), offset, largest: MOST_DOCUMENT_BYTES }
    }

    /// The same bucket, of which no larger object is read.
    #[must_use]
    pub fn reading_at_most(self, largest: u64) -> Self {
        Self { largest, ..self }
    }

    /// The client beneath, for what tests do to a bucket that the product never does.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    fn request<'a>(&'a self, action: Action, target: &'a str) -> Request<'a> {
        Request { settings: &self.settings, action, target }
    }

    fn put_request(&self, put: Put) -> PutObjectFluentBuilder {
        let mut request = self.client.put_object().bucket(&self.settings.bucket).key(put.key.as_str());
        for (name, value) in put.metadata {
            request = request.metadata(name, value);
        }
        let request = match put.precondition {
            Precondition::None => request,
            Precondition::Absent => request.if_none_match("*"),
            Precondition::Match(tag) => request.if_match(tag.as_str()),
        };
        let request = request
            .metadata(SAVED_AT, put.saved_at.micros().to_string())
            .content_type(content_type(&put.key))
            .body(ByteStream::from(put.body));
        self.settings.encryption.ask(request)
    }

    fn now(&self) -> Timestamp {
        let now = SystemClock.now();
        now.checked_add(self.offset.get().unwrap_or_default()).unwrap_or(now)
    }

    async fn versioning_status(&self) -> Result<String> {
        let sent = self.client.get_bucket_versioning().bucket(&self.settings.bucket).send().await;
        match sent.map_err(Failure::from_sdk) {
            Ok(output) => Ok(match output.status() {
                Some(BucketVersioningStatus::Enabled) => "Enabled".into(),
                Some(BucketVersioningStatus::Suspended) => "Suspended".into(),
                Some(other) => other.as_str().into(),
                None => "Disabled".into(),
            }),
            Err(failure) if failure.is_denied() || failure.is_unsupported() => Ok("unknown".into()),
            Err(failure) => Err(self.request(Action::GetVersioning, &self.settings.bucket).error(failure)),
        }
    }

    async fn encryption_enabled(&self) -> Result<Option<bool>> {
        let sent = self.client.get_bucket_encryption().bucket(&self.settings.bucket).send().await;
        match sent.map_err(Failure::from_sdk) {
            Ok(output) => Ok(Some(
                output.server_side_encryption_configuration().is_some_and(|set| !set.rules().is_empty()),
            )),
            Err(failure) if failure.is_denied() || failure.is_unsupported() => Ok(None),
            Err(Failure::Answered(answer))
                if answer.code == "ServerSideEncryptionConfigurationNotFoundError" =>
            {
                Ok(Some(false))
            }
            Err(failure) => Err(self.request(Action::GetEncryption, &self.settings.bucket).error(failure)),
        }
    }
}

/// Whether this is the answer to what an identity may not do.
pub(super) fn is_denial(cause: &Cause) -> bool {
    cause.downcast_ref::<Answer>().is_some_and(|answer| matches!(answer.status, 401 | 403))
}

impl fmt::Debug for S3Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Bucket").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[async_trait]
impl Bucket for S3Bucket {
    fn clock_offset(&self) -> Option<SignedDuration> {
        self.offset.get()
    }

    fn token(&self, etag: &ETag, _: &[u8]) -> ContentToken {
        ContentToken::of_tag(etag)
    }

    async fn put(&self, put: Put) -> Result<ETag> {
        let key = put.key.clone();
        let action = Action::Put { precondition: put.precondition.clone() };
        let request = self.request(action, key.as_str());
        let size = put.body.len();
        let send = self.put_request(put).customize().config_override(client::time_to_send(size));
        let output = send.send().await.map_err(|error| request.error(Failure::from_sdk(error)))?;
        request.etag(output.e_tag())
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got> {
        let request = self.request(Action::Get { version: options.version_id.is_some() }, key.as_str());
        let send = self
            .client
            .get_object()
            .bucket(&self.settings.bucket)
            .key(key.as_str())
            .set_version_id(options.version_id)
            .set_range(options.range.map(|range| format!("bytes={range}")))
            .set_if_none_match(options.if_none_match.map(|tag| tag.as_str().to_owned()));
        read(&request, key, send, self.largest, &options.budget).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        let request = self.request(Action::Head, key.as_str());
        let sent = self.client.head_object().bucket(&self.settings.bucket).key(key.as_str()).send().await;
        match sent.map_err(Failure::from_sdk) {
            Ok(output) => Head::from(&output).meta(&request).map(Some),
            Err(Failure::Answered(answer)) if answer.status == 404 => Ok(None),
            Err(failure) => Err(request.error(failure)),
        }
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        let request = self.request(Action::Delete { conditional: if_match.is_some() }, key.as_str());
        let delete = self.client.delete_object().bucket(&self.settings.bucket).key(key.as_str());
        let sent = delete.set_if_match(if_match.map(|tag| tag.as_str().to_owned())).send().await;
        match sent.map_err(Failure::from_sdk) {
            Ok(_) => Ok(()),
            Err(Failure::Answered(answer)) if if_match.is_none() && answer.is_no_such_object() => Ok(()),
            Err(failure) => Err(request.error(failure)),
        }
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing> {
        let request = self.request(Action::List, prefix);
        let limit = i32::try_from(limit.clamp(1, MAX_KEYS)).unwrap_or(i32::MAX);
        let list = self.client.list_objects_v2().bucket(&self.settings.bucket).prefix(prefix).max_keys(limit);
        let mut position = start_after.filter(|key| !key.is_empty()).map(str::to_owned);
        let list = list.set_start_after(position.clone()).encoding_type(EncodingType::Url);
        let mut continuation = page::Continuation::default();
        loop {
            let sent_at = self.now();
            let date = DateOfAnswer::default();
            let send = list
                .clone()
                .set_continuation_token(continuation.token())
                .customize()
                .interceptor(date.clone());
            let output = send.send().await.map_err(|error| request.error(Failure::from_sdk(error)))?;
            let listing = page::read(&request, &output, position.as_deref(), date.get().unwrap_or(sent_at))?;
            if !listing.truncated || !listing.objects.is_empty() {
                return Ok(listing);
            }
            // A page may be empty and not the last: callers, who go on behind the last key, could not.
            position = page::last_key(&request, &output)?.or(position);
            continuation = continuation.behind(&request, &output)?;
        }
    }

    async fn versions(&self, key: &Key) -> Result<Vec<Version>> {
        let request = self.request(Action::Versions, key.as_str());
        let list = self.client.list_object_versions().bucket(&self.settings.bucket).prefix(key.as_str());
        match list.encoding_type(EncodingType::Url).send().await.map_err(Failure::from_sdk) {
            Ok(output) => versions::from_output(&request, &output),
            Err(failure) if failure.is_unsupported() => {
                Err(BucketError::Unsupported("this storage keeps no versions"))
            }
            Err(failure) => Err(request.error(failure)),
        }
    }

    async fn restore(&self, key: &Key, days: u32, tier: RestoreTier) -> Result<Restoring> {
        let request = self.request(Action::Restore, key.as_str());
        let restore = self.client.restore_object().bucket(&self.settings.bucket).key(key.as_str());
        let sent = restore.restore_request(archive::request(days, tier)).send().await;
        match sent.map_err(Failure::from_sdk) {
            Ok(_) => Ok(Restoring::Accepted),
            Err(Failure::Answered(answer)) if answer.is_no_such_object() => Ok(Restoring::Absent),
            Err(failure) => archive::refused(&failure).ok_or_else(|| request.error(failure)),
        }
    }

    async fn info(&self) -> Result<BucketInfo> {
        let (versioning_status, encryption_enabled) =
            try_join!(self.versioning_status(), self.encryption_enabled())?;
        Ok(BucketInfo {
            bucket_name: self.settings.bucket.clone(),
            region: self.settings.region.clone(),
            versioning_status,
            encryption_enabled,
        })
    }
}

async fn read(
    request: &Request<'_>,
    key: &Key,
    get: GetObjectFluentBuilder,
    largest: u64,
    budget: &MemoryBudget,
) -> Result<Got> {
    let output = match get.send().await.map_err(Failure::from_sdk) {
        Ok(output) => output,
        Err(Failure::Answered(answer)) if answer.status == 304 => {
            return Ok(Got::NotModified { last_modified: answer.last_modified });
        }
        Err(Failure::Answered(answer)) if answer.status == 416 => {
            return Err(BucketError::RangeNotSatisfiable(request.target.to_owned()));
        }
        Err(Failure::Answered(answer)) if request.finds_nothing(&answer) => return Ok(Got::Absent),
        Err(failure) => return Err(request.error(failure)),
    };
    let mut meta = Head::from(&output).meta(request)?;
    let length = meta.size;
    BucketError::unless_too_large(key, length, largest)?;
    let part = match output.content_range() {
        None => None,
        Some(range) => {
            let (part, size) = request.present(meta::content_range(range, length), "usable Content-Range")?;
            meta.size = size;
            Some(part)
        }
    };
    let share = budget.take(length).ok_or(BucketError::NoRoom(length))?;
    match collect(output.body, length).await {
        Ok(body) => Ok(Got::Found(Object { meta, body: body.freeze(share), part })),
        Err(cause) => Err(request.error(Failure::NoAnswer(cause))),
    }
}

/// The whole body, unless it stalls or trickles: the SDK's timeouts end with the headers.
async fn collect(mut body: ByteStream, size: u64) -> Result<Buffer, Cause> {
    let begin = Instant::now();
    let size = usize::try_from(size)?;
    let mut received = Buffer::with_capacity(size.min(PREALLOCATED));
    loop {
        let due = begin + client::LAG + client::time_for(received.len());
        let Some(chunk) = timeout_at(due, body.try_next()).await?? else { return Ok(received) };
        if received.len() + chunk.len() > received.capacity() {
            received.grow(size);
        }
        received.append(&chunk);
    }
}

fn content_type(key: &Key) -> &'static str {
    match key.as_str().rsplit_once('.') {
        Some((_, "json")) => "application/json",
        _ => "application/octet-stream",
    }
}
