//! One request: its name in messages, and the parts of its answer.

use std::fmt;

use aws_sdk_s3::primitives::DateTime;
use jiff::Timestamp;

use super::S3Settings;
use super::failure::{Answer, Failure};
use crate::bucket::{ETag, Precondition, Result};
use crate::error::Cause;

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

    pub(super) fn is_conditional_write(&self) -> bool {
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
    /// Whether a read that is refused with this answer has found that there is nothing to read.
    pub(super) fn finds_nothing(&self, answer: &Answer) -> bool {
        let version = self.action == Action::Get { version: true };
        // 405: the version is a delete marker. 400: an id that S3 never gave out.
        let no_version = answer.status == 405 || (answer.status == 400 && answer.code == "InvalidArgument");
        answer.is_no_such_object() || (version && no_version)
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
