//! One request: its name in messages, and what its failure means to the caller. The one place that decides
//! between trying again, giving up and calling for an operator.

use std::fmt;

use aws_sdk_s3::primitives::DateTime;
use jiff::Timestamp;

use super::failure::{Answer, Failure};
use super::{S3Settings, advice};
use crate::bucket::{BucketError, ETag, Precondition, Result};
use crate::error::Cause;

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

/// What is asked of S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// `PutObject`.
    Put {
        /// Its condition.
        precondition: Precondition,
    },
    /// `GetObject`.
    Get {
        /// Whether it names a version.
        version: bool,
    },
    /// `HeadObject`.
    Head,
    /// `DeleteObject`.
    Delete {
        /// Whether it has an `If-Match`.
        conditional: bool,
    },
    /// `ListObjectsV2`.
    List,
    /// `ListObjectVersions`.
    Versions,
    /// `RestoreObject`.
    Restore,
    /// `GetBucketVersioning`.
    GetVersioning,
    /// `GetBucketEncryption`.
    GetEncryption,
}

impl Action {
    fn verb(&self) -> &'static str {
        match self {
            Self::Put { .. } => "PUT",
            Self::Get { .. } => "GET",
            Self::Head => "HEAD",
            Self::Delete { .. } => "DELETE",
            Self::List => "LIST",
            Self::Versions => "LIST VERSIONS",
            Self::Restore => "RESTORE",
            Self::GetVersioning => "GET VERSIONING",
            Self::GetEncryption => "GET ENCRYPTION",
        }
    }

    fn is_conditional_write(&self) -> bool {
        match self {
            Self::Put { precondition } => *precondition != Precondition::None,
            Self::Delete { conditional } => *conditional,
            _ => false,
        }
    }
}

/// One request to S3.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// To which bucket.
    pub(super) settings: &'a S3Settings,
    /// What is asked.
    pub(super) action: Action,
    /// Of which key, prefix or bucket.
    pub(super) target: &'a str,
}

impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A listing of everything has no prefix.
        let target = if self.target.is_empty() { &self.settings.bucket } else { self.target };
        write!(f, "{} {target}", self.action.verb())
    }
}

impl Request<'_> {
    /// What a failure means to the caller.
    pub(super) fn error(&self, failure: Failure) -> BucketError {
        let fix = |advice, cause| BucketError::Misconfigured { advice, source: Some(cause) };
        match failure {
            Failure::Answered(answer) => self.refused(answer),
            Failure::NoAnswer(cause) => BucketError::no_answer(self.somewhere(), cause),
            Failure::NotConnected(cause) => BucketError::refused(self.somewhere(), cause),
            Failure::NoCredentials(cause) => fix(advice::no_credentials(&*cause), cause),
            Failure::LateCredentials(cause) => {
                BucketError::refused(format!("{self} ({})", advice::no_credentials(&*cause)), cause)
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
        } else if is_refused(&answer) {
            BucketError::refused(self.to_string(), answer)
        } else if matches!(answer.status, 408 | 425 | 500..=599) && answer.code != "NotImplemented" {
            BucketError::no_answer(self.to_string(), answer)
        } else {
            BucketError::Misconfigured { advice: advice::on(self, &answer), source: Some(answer.into()) }
        }
    }

    /// Whether a read that is refused with this answer has found that there is nothing to read.
    pub(super) fn finds_nothing(&self, answer: &Answer) -> bool {
        let version = self.action == Action::Get { version: true };
        // 405: the version is a delete marker. 400: an id that S3 never gave out.
        let no_version = answer.status == 405 || (answer.status == 400 && answer.code == "InvalidArgument");
        answer.is_no_such_object() || (version && no_version)
    }

    fn somewhere(&self) -> String {
        match &self.settings.endpoint_url {
            Some(url) => format!("{self} at {url}"),
            None => format!("{self} in {}", self.settings.region),
        }
    }

    /// A part of the answer that must be there.
    pub(super) fn present<T>(&self, part: Option<T>, name: &str) -> Result<T> {
        let missing = || Cause::from(format!("the answer has no {name}"));
        part.ok_or_else(|| self.error(Failure::NoAnswer(missing())))
    }

    /// The entity tag of an answer, in quotes, which some stores leave out.
    pub(super) fn etag(&self, tag: Option<&str>) -> Result<ETag> {
        let tag = self.present(tag, "ETag")?;
        Ok(if tag.ends_with('"') { ETag::new(tag) } else { ETag::new(format!("\"{tag}\"")) })
    }

    /// A time in an answer.
    pub(super) fn timestamp(&self, at: Option<&DateTime>) -> Result<Timestamp> {
        let at = self.present(at, "LastModified")?;
        let nanos = i32::try_from(at.subsec_nanos()).ok();
        self.present(nanos.and_then(|nanos| Timestamp::new(at.secs(), nanos).ok()), "usable LastModified")
    }
}

/// Whether the request was refused for the moment. Without a code an answer may be a proxy's, who does not know whether
/// S3 has carried the request out.
fn is_refused(answer: &Answer) -> bool {
    REFUSED.contains(&answer.code.as_str())
        || matches!(answer.status, 307 | 429)
        || (answer.status == 409 && answer.code.is_empty())
}
