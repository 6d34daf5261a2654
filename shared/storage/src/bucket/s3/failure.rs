//! What the SDK reports, sorted by what is known about the request, and what that means to the caller: the one place that
//! decides between trying again, giving up and calling for an operator.

use std::error::Error as StdError;
use std::fmt;
use std::iter::successors;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat as Format};
use jiff::Timestamp;

use super::request::Request;
use super::{S3Settings, advice};
use crate::bucket::BucketError;
use crate::error::Cause;

const NO_CREDENTIALS: [&str; 2] =
    ["the credential provider was not enabled", "the credentials provider was not properly configured"];
const BAD_CREDENTIALS: [&str; 2] =
    ["an error occurred while loading credentials", "unexpected credentials error"];
const LATE_CREDENTIALS: [&str; 2] = ["credentials provider timed out", "identity resolver timed out"];
/// How the errors of the HTTP client begin.
const HTTP_CLIENT: &str = "client error (";

/// Codes of answers that refuse a request for the moment, without effect: Amazon S3 API Reference, "Error responses", and
/// "Conditional writes" in the Amazon S3 User Guide.
const REFUSED: [&str; 20] = [
    "BadDigest",
    "BandwidthLimitExceeded",
    "ConditionalRequestConflict",
    "IncompleteBody",
    "KMS.ThrottlingException",
    "OperationAborted",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "SlowDown",
    "TemporaryRedirect",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
];

/// Codes of answers that refuse a write for want of room: of Ceph, and of MinIO for its disks and for the quota of a bucket.
const FULL: [&str; 3] = ["QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "XMinioStorageFull"];

/// Why a request has no result.
#[derive(Debug)]
pub(super) enum Failure {
    /// S3 answered, but not with success.
    Answered(Answer),
    /// There is no answer, or none that can be read: the request may or may not have been carried out.
    NoAnswer(Cause),
    /// No connection was made: nothing was sent.
    NotConnected(Cause),
    /// There were no credentials to sign the request with.
    NoCredentials(Cause),
    /// The credentials did not come in time.
    LateCredentials(Cause),
    /// There is no such request: a name, region or URL is malformed.
    NotBuilt(Cause),
}

/// An answer of S3 that is not a success.
#[derive(Debug)]
pub(super) struct Answer {
    /// HTTP status.
    pub(super) status: u16,
    /// S3's name for the error; empty in answers without a body, those to HEAD above all.
    pub(super) code: String,
    /// S3's explanation.
    pub(super) message: String,
    /// The region that the bucket is in, where the answer names it.
    pub(super) region: Option<String>,
    /// When the object was written, where the answer says so.
    pub(super) last_modified: Option<Timestamp>,
    request_id: Option<String>,
}

impl Failure {
    /// The failure behind an error of the SDK.
    pub(super) fn from_sdk<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        match error {
            SdkError::ServiceError(_) => Self::answered(error),
            SdkError::ConstructionFailure(_) => Self::NotBuilt(error.into()),
            SdkError::DispatchFailure(_) => Self::not_sent(error.into()),
            _ => Self::NoAnswer(error.into()),
        }
    }

    fn answered<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        // A success whose body makes no sense is reported as an error, too.
        let Some(raw) = error.raw_response().filter(|raw| !raw.status().is_success()) else {
            return Self::NoAnswer(error.into());
        };
        Self::Answered(Answer {
            status: raw.status().as_u16(),
            code: error.code().unwrap_or_default().to_owned(),
            message: error.message().unwrap_or_default().to_owned(),
            region: raw.headers().get("x-amz-bucket-region").map(str::to_owned),
            last_modified: raw.headers().get("last-modified").and_then(http_date),
            request_id: raw.headers().request_id().map(str::to_owned),
        })
    }

    /// The SDK gives no type to what fails before it sends: it reports missing credentials and malformed names
    /// among the failed connections, so their texts must tell. `tests/s3/` holds the SDK to these texts.
    fn not_sent(error: Cause) -> Self {
        let chain = || successors(Some(&*error as &(dyn StdError + 'static)), |&error| error.source());
        let says =
            |texts: &[&str]| chain().any(|error| texts.iter().any(|text| error.to_string().contains(text)));
        let unreachable = chain().any(is_connection_failure);
        let not_connected = chain().any(is_not_connected);
        if says(&LATE_CREDENTIALS) || (says(&BAD_CREDENTIALS) && unreachable) {
            Self::LateCredentials(error)
        } else if says(&NO_CREDENTIALS) || says(&BAD_CREDENTIALS) {
            Self::NoCredentials(error)
        } else if not_connected {
            Self::NotConnected(error)
        } else if unreachable || says(&[HTTP_CLIENT]) {
            Self::NoAnswer(error)
        } else {
            Self::NotBuilt(error)
        }
    }

    /// Whether this identity may not ask.
    pub(super) fn is_denied(&self) -> bool {
        matches!(self, Self::Answered(answer) if answer.code == "AccessDenied")
    }

    /// Whether this store, which is not Amazon's, knows no such request.
    pub(super) fn is_unsupported(&self) -> bool {
        matches!(self, Self::Answered(answer) if matches!(answer.status, 405 | 501))
    }
}

pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    let at = DateTime::from_str(text, Format::HttpDate).ok()?;
    Timestamp::from_second(at.secs()).ok()
}

fn is_connection_failure(error: &(dyn StdError + 'static)) -> bool {
    error.downcast_ref::<ConnectorError>().is_some_and(|error| error.is_io() || error.is_timeout())
}

/// Whether the connection itself was refused, or its host not found.
fn is_not_connected(error: &(dyn StdError + 'static)) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    kind == Some(std::io::ErrorKind::ConnectionRefused) || error.to_string().starts_with("dns error")
}

impl Answer {
    /// Whether the bucket is there but the object is not. A 404 without a code is not from S3, except to HEAD.
    pub(super) fn is_no_such_object(&self) -> bool {
        self.status == 404 && !matches!(self.code.as_str(), "" | "NoSuchBucket")
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3 answered {}", self.status)?;
        if !self.code.is_empty() {
            write!(f, " {}: {}", self.code, self.message)?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request id {id})"),
            None => Ok(()),
        }
    }
}

/// It has no source: what the SDK makes of an answer says the same again, in the notation of its own types.
impl StdError for Answer {}

impl Request<'_> {
    /// What a failure means to the caller.
    pub(super) fn error(&self, failure: Failure) -> BucketError {
        let fix = |advice, cause| BucketError::Misconfigured { advice, source: Some(cause) };
        match failure {
            Failure::Answered(answer) => self.refused(answer),
            Failure::NoAnswer(cause) => BucketError::no_answer(self.somewhere(), cause),
            Failure::NotConnected(cause) => BucketError::refused(self.somewhere(), cause),
            Failure::NoCredentials(cause) => fix(advice::no_credentials(self, &*cause), cause),
            Failure::LateCredentials(cause) => {
                BucketError::refused(format!("{self} ({})", advice::no_credentials(self, &*cause)), cause)
            }
            Failure::NotBuilt(cause) => fix(advice::not_built(self, &*cause), cause),
        }
    }

    fn refused(&self, answer: Answer) -> BucketError {
        if answer.status == 412 || (answer.is_no_such_object() && self.action.is_conditional_write()) {
            BucketError::PreconditionFailed(self.target.to_owned())
        } else if answer.code == "InvalidObjectState" {
            BucketError::Archived(self.target.to_owned())
        } else if advice::is_elsewhere(self, &answer) {
            BucketError::Misconfigured { advice: advice::on(self, &answer), source: Some(answer.into()) }
        } else if answer.status == 507 || FULL.contains(&answer.code.as_str()) {
            let advice = format!("{}: the store is full; make room there", self.somewhere());
            BucketError::StorageFull { advice, source: answer.into() }
        } else if is_refused(&answer) {
            BucketError::refused(self.to_string(), answer)
        } else if matches!(answer.status, 408 | 425 | 500..=599) && answer.code != "NotImplemented" {
            BucketError::no_answer(self.to_string(), answer)
        } else {
            BucketError::Misconfigured { advice: advice::on(self, &answer), source: Some(answer.into()) }
        }
    }

    fn somewhere(&self) -> String {
        let S3Settings { region, endpoint_url, named_by, .. } = self.settings;
        let (place, setting) = match endpoint_url {
            Some(url) => (format!("{self} at {url}"), named_by.endpoint()),
            None => (format!("{self} in {region}"), named_by.region()),
        };
        // Of the store, all settings are listed in one place; of another bucket the caller has just typed them.
        if named_by.is_store() { place } else { format!("{place} ({setting})") }
    }
}

/// Whether the request was refused for the moment. Without a code an answer may be a proxy's, who does not know whether
/// S3 has carried the request out.
fn is_refused(answer: &Answer) -> bool {
    REFUSED.contains(&answer.code.as_str())
        || matches!(answer.status, 307 | 429)
        || (answer.status == 409 && answer.code.is_empty())
}

#[cfg(test)]
impl Answer {
    /// An answer as a test needs it.
    pub(super) fn sample(status: u16, code: &str, message: &str, region: Option<&str>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            region: region.map(str::to_owned),
            last_modified: None,
            request_id: None,
        }
    }
}
