//! How objects are encrypted at rest: what each PUT asks the store for.

use std::fmt;

use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::types::ServerSideEncryption;

/// The server-side encryption that every PUT asks for (Amazon S3 User Guide, "Protecting data with server-side
/// encryption").
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Encryption {
    /// With keys of S3's own: the header `x-amz-server-side-encryption: AES256`.
    #[default]
    Aes256,
    /// With a key in AWS KMS.
    Kms {
        /// Its id or ARN; without one, S3 takes the key `aws/s3` of the account.
        key_id: Option<String>,
    },
    /// No header is sent: for stores that refuse it, or to leave it to the bucket.
    None,
}

impl fmt::Display for Encryption {
    /// The value of `S3_SSE`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes256 => "AES256",
            Self::Kms { .. } => "aws:kms",
            Self::None => "none",
        })
    }
}

impl Encryption {
    /// The PUT with its headers.
    pub(super) fn ask(&self, put: PutObjectFluentBuilder) -> PutObjectFluentBuilder {
        match self {
            Self::Aes256 => put.server_side_encryption(ServerSideEncryption::Aes256),
            Self::Kms { key_id } => {
                put.server_side_encryption(ServerSideEncryption::AwsKms).set_ssekms_key_id(key_id.clone())
            }
            Self::None => put,
        }
    }
}
