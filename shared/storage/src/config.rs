//! The configuration of the store: where it is, how long it keeps analyses, and how large they may be.

mod environment;
mod named_by;
mod s3;
mod size;
mod store_name;

use crate::error::Result;
use crate::retention::Retention;

pub use environment::{DefaultValue, Environment, Variable};
pub use named_by::NamedBy;
pub use s3::other_bucket_from_env;
pub use size::parse_size;
pub(crate) use store_name::absolute;
pub use store_name::{Storage, StoreName};

const STORAGE_TYPE: Variable = Variable {
    name: "STORAGE_TYPE",
    fallbacks: &[],
    default: DefaultValue::Value("local"),
    meaning: "`local` or `s3`",
    is_secret: false,
};
const DIRECTORY: Variable = Variable {
    name: "LOCAL_STORAGE_DIR",
    fallbacks: &[],
    default: DefaultValue::Value("analysis_results"),
    meaning: "directory of local storage; a save makes it if it is missing",
    is_secret: false,
};
const RETENTION_DAYS: Variable = Variable {
    name: "RETENTION_DAYS",
    fallbacks: &[],
    default: DefaultValue::Value("0"),
    meaning: "days after which analyses are hidden; 0 keeps them forever",
    is_secret: false,
};
const MAX_DOCUMENT_BYTES: Variable = Variable {
    name: "MAX_DOCUMENT_BYTES",
    fallbacks: &[],
    default: DefaultValue::Value("33554432"),
    meaning: "largest document, such as `100MB`; 1 to 5368709120 bytes",
    is_secret: false,
};

/// Amazon S3 User Guide, "Uploading objects": the most one PUT takes.
pub(crate) const MOST_DOCUMENT_BYTES: u64 = 5 << 30;

/// What is read in any case: documents that were taken under the usual limit are, and so is all that is no document.
const LEAST_READ_BYTES: u64 = 32 << 20;

/// The settings of the store. [`Analyses::open`](crate::Analyses::open) opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageConfig {
    /// Where analyses are kept.
    pub storage: Storage,
    /// `RETENTION_DAYS`: how long analyses are shown.
    pub retention: Retention,
    /// `MAX_DOCUMENT_BYTES`: the largest document that is taken.
    pub max_document_bytes: u64,
    /// Who has named the store.
    pub named_by: NamedBy,
}

impl StorageConfig {
    /// The variables that are read.
    pub const VARIABLES: [Variable; 11] = [
        STORAGE_TYPE,
        DIRECTORY,
        s3::BUCKET,
        s3::REGION,
        s3::PREFIX,
        s3::ENDPOINT,
        s3::SSE,
        s3::KMS_KEY,
        s3::OWNER,
        RETENTION_DAYS,
        MAX_DOCUMENT_BYTES,
    ];

    /// The settings in the variables of this process.
    ///
    /// # Errors
    /// [`Error::Misconfigured`](crate::Error::Misconfigured) names the variable and what it takes.
    pub fn from_env() -> Result<Self> {
        Self::from_environment(&Environment::of_process())
    }

    /// The settings in any set of variables.
    ///
    /// # Errors
    /// [`Error::Misconfigured`](crate::Error::Misconfigured) names the variable and what it takes.
    pub fn from_environment(environment: &Environment<'_>) -> Result<Self> {
        Self::of_store(environment, None)
    }

    /// The settings in a set of variables, except that the store is this one, if one is named.
    ///
    /// # Errors
    /// [`Error::Misconfigured`](crate::Error::Misconfigured) names the variable or option, and what it takes.
    pub fn of_store(environment: &Environment<'_>, store: Option<&StoreName>) -> Result<Self> {
        let (storage, named_by) = store_name::chosen(store, environment)?;
        Ok(Self {
            storage,
            retention: retention(environment)?,
            max_document_bytes: max_document_bytes(environment)?,
            named_by,
        })
    }

    /// The largest object that is read into memory: no document may be larger.
    #[must_use]
    pub fn max_read_bytes(&self) -> u64 {
        self.max_document_bytes.max(LEAST_READ_BYTES)
    }
}

fn retention(environment: &Environment<'_>) -> Result<Retention> {
    environment.parse(&RETENTION_DAYS, "a number of days; 0 keeps analyses forever").map(Retention::days)
}

fn max_document_bytes(environment: &Environment<'_>) -> Result<u64> {
    let text = environment.text(&MAX_DOCUMENT_BYTES);
    match parse_size(&text) {
        Ok(bytes) if (1..=MOST_DOCUMENT_BYTES).contains(&bytes) => Ok(bytes),
        _ => Err(MAX_DOCUMENT_BYTES
            .wrong(&text, "a number of bytes from 1 to 5368709120, or a size such as 100MB or 64MiB")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<StorageConfig> {
        StorageConfig::from_environment(&Environment::from_pairs(variables))
    }

    #[test]
    fn nothing_set_means_local_files() {
        let config = config(&[("RETENTION_DAYS", "")]).unwrap();
        assert_eq!(config.storage, Storage::Local { directory: "analysis_results".into() });
        assert_eq!((config.max_document_bytes, config.retention), (33_554_432, Retention::default()));
    }

    #[test]
    fn the_largest_document_is_a_size_as_people_write_it() {
        for (text, bytes) in [("100MB", 100 << 20), ("64MiB", 64 << 20), ("5000000", 5_000_000)] {
            assert_eq!(config(&[("MAX_DOCUMENT_BYTES", text)]).unwrap().max_document_bytes, bytes, "{text}");
        }
        assert!(config(&[("MAX_DOCUMENT_BYTES", "6GB")]).is_err());
    }

    #[test]
    fn the_region_and_endpoint_of_s3_have_fallbacks() {
        let s3 = |extra: &[(&str, &str)]| match config(
            &[&[("STORAGE_TYPE", "s3"), ("S3_BUCKET_NAME", "my-bucket")], extra].concat(),
        ) {
            Ok(StorageConfig { storage: Storage::S3 { settings, prefix }, .. }) => {
                (settings.region, settings.endpoint_url, prefix)
            }
            other => panic!("{other:?}"),
        };
        let prefix = || "design-analysis".to_owned();
        assert_eq!(s3(&[]), ("us-east-1".into(), None, prefix()));
        assert_eq!(s3(&[("AWS_REGION", "eu-west-1")]).0, "eu-west-1");
        assert_eq!(s3(&[("AWS_REGION", "eu-west-1"), ("S3_REGION", "eu-west-2")]).0, "eu-west-2");
        assert_eq!(
            s3(&[("AWS_ENDPOINT_URL_S3", "http://x"), ("S3_PREFIX", "a/b")]).1,
            Some("http://x".into())
        );
    }

    #[test]
    fn wrong_values_name_their_variable() {
        let s3 = ("STORAGE_TYPE", "s3");
        let bucket = ("S3_BUCKET_NAME", "my-bucket");
        for (variables, message) in [
            (&[("STORAGE_TYPE", "gcs")][..], "STORAGE_TYPE=\"gcs\" is not one of local, s3"),
            (&[s3], "S3_BUCKET_NAME is not set"),
            (&[s3, ("S3_BUCKET_NAME", "My_Bucket")], "S3_BUCKET_NAME=\"My_Bucket\" is not a bucket name"),
            (
                &[s3, bucket, ("S3_ENDPOINT_URL", "localhost:9000")],
                "S3_ENDPOINT_URL=\"localhost:9000\" is not a URL",
            ),
            (&[s3, bucket, ("AWS_ENDPOINT_URL", "localhost")], "AWS_ENDPOINT_URL=\"localhost\" is not a URL"),
            (&[s3, bucket, ("S3_SSE", "aes256")], "S3_SSE=\"aes256\" is not one of AES256, aws:kms, none"),
            (
                &[s3, bucket, ("S3_KMS_KEY_ID", "k")],
                "S3_KMS_KEY_ID=\"k\" is not used while S3_SSE is AES256; set S3_SSE=aws:kms",
            ),
            (
                &[s3, bucket, ("S3_EXPECTED_OWNER", "me")],
                "S3_EXPECTED_OWNER=\"me\" is not the number of an AWS account",
            ),
            (&[s3, bucket, ("S3_PREFIX", "a/../b")], "S3_PREFIX=\"a/../b\" is not a path"),
            (&[("RETENTION_DAYS", "-1")], "RETENTION_DAYS=\"-1\" is not a number of days"),
            (&[("MAX_DOCUMENT_BYTES", "6GB")], "MAX_DOCUMENT_BYTES=\"6GB\" is not a number of bytes"),
            (&[("MAX_DOCUMENT_BYTES", "0")], "MAX_DOCUMENT_BYTES=\"0\" is not a number of bytes"),
        ] {
            let error = config(variables).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
