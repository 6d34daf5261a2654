//! The settings of an S3 bucket: the store's own, and another one.

use super::NamedBy;
use super::environment::{DefaultValue, Environment, Variable, wrong};
use crate::bucket::s3::{Encryption, S3Settings};
use crate::error::{Error, Result};

pub(super) const BUCKET: Variable = Variable {
    name: "S3_BUCKET_NAME",
    fallbacks: &[],
    default: DefaultValue::Words("none; required for `s3`"),
    meaning: "an existing bucket",
    is_secret: false,
};
pub(super) const REGION: Variable = Variable {
    name: "S3_REGION",
    fallbacks: &["AWS_REGION"],
    default: DefaultValue::Value("us-east-1"),
    meaning: "the region of the bucket",
    is_secret: false,
};
pub(super) const PREFIX: Variable = Variable {
    name: "S3_PREFIX",
    fallbacks: &[],
    default: DefaultValue::Value("design-analysis"),
    meaning: "what all keys begin with",
    is_secret: false,
};
pub(super) const ENDPOINT: Variable = Variable {
    name: "S3_ENDPOINT_URL",
    fallbacks: &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"],
    default: DefaultValue::Words("Amazon's"),
    meaning: "URL of another store that speaks the S3 protocol",
    is_secret: false,
};
pub(super) const SSE: Variable = Variable {
    name: "S3_SSE",
    fallbacks: &[],
    default: DefaultValue::Value("AES256"),
    meaning: "how the store encrypts objects: `AES256`, `aws:kms`, or `none` to ask for nothing",
    is_secret: false,
};
pub(super) const KMS_KEY: Variable = Variable {
    name: "S3_KMS_KEY_ID",
    fallbacks: &[],
    default: DefaultValue::Words("the key `aws/s3` of the account"),
    meaning: "id or ARN of the KMS key for `S3_SSE=aws:kms`",
    is_secret: false,
};
pub(super) const OWNER: Variable = Variable {
    name: "S3_EXPECTED_OWNER",
    fallbacks: &[],
    default: DefaultValue::Words("any"),
    meaning: "number of the AWS account that must own the bucket",
    is_secret: false,
};

const BUCKET_NAME: &str = "a bucket name: 3 to 63 characters of a-z 0-9 . -";
const HTTP_URL: &str = "a URL that begins with http:// or https://";

/// The settings of another bucket than the store's own, named by the options `--from`, `--from-region` and
/// `--from-endpoint`. A region or endpoint that is not given is that of the process environment, as for the store's own
/// bucket.
///
/// # Errors
/// [`Error::Misconfigured`] names what is wrong.
pub fn other_bucket_from_env(
    bucket: &str,
    region: Option<String>,
    endpoint: Option<String>,
) -> Result<S3Settings> {
    let (environment, named_by) = (Environment::of_process(), NamedBy::FromOption);
    let bucket = checked_bucket(bucket, named_by)?;
    let endpoint_url = match endpoint {
        Some(url) if !is_http(&url) => return Err(wrong(named_by.endpoint(), &url, HTTP_URL)),
        Some(url) => Some(url),
        None => endpoint_url(&environment)?,
    };
    let region = region.unwrap_or_else(|| environment.text(&REGION));
    Ok(S3Settings::new(&bucket, &region, endpoint_url.as_deref(), named_by))
}

/// The settings of the store's own bucket.
pub(super) fn own_bucket(environment: &Environment<'_>) -> Result<S3Settings> {
    let name = environment.get(&BUCKET).ok_or_else(|| {
        Error::misconfigured(
            "S3_BUCKET_NAME is not set; STORAGE_TYPE=s3 needs the name of an existing bucket",
        )
    })?;
    bucket_of_store(&name, NamedBy::Variables, environment)
}

/// The settings of the bucket that `--store` names.
pub(super) fn named_bucket(name: &str, environment: &Environment<'_>) -> Result<S3Settings> {
    bucket_of_store(name, NamedBy::StoreOption, environment)
}

fn bucket_of_store(name: &str, named_by: NamedBy, environment: &Environment<'_>) -> Result<S3Settings> {
    Ok(S3Settings {
        bucket: checked_bucket(name, named_by)?,
        region: environment.text(&REGION),
        endpoint_url: endpoint_url(environment)?,
        encryption: encryption(environment)?,
        expected_owner: expected_owner(environment)?,
        named_by,
    })
}

fn encryption(environment: &Environment<'_>) -> Result<Encryption> {
    let key_id = environment.get(&KMS_KEY);
    let encryption = match environment.text(&SSE).as_str() {
        "AES256" => Encryption::Aes256,
        "aws:kms" => Encryption::Kms { key_id: key_id.clone() },
        "none" => Encryption::None,
        other => return Err(SSE.wrong(other, "one of AES256, aws:kms, none")),
    };
    match (key_id, &encryption) {
        // Who names a key wants it used.
        (Some(key), Encryption::Aes256 | Encryption::None) => {
            Err(KMS_KEY.wrong(&key, &format!("used while S3_SSE is {encryption}; set S3_SSE=aws:kms")))
        }
        _ => Ok(encryption),
    }
}

fn expected_owner(environment: &Environment<'_>) -> Result<Option<String>> {
    match environment.get(&OWNER) {
        Some(owner) if owner.len() != 12 || !owner.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(OWNER.wrong(&owner, "the number of an AWS account: 12 digits"))
        }
        owner => Ok(owner),
    }
}

fn checked_bucket(name: &str, named_by: NamedBy) -> Result<String> {
    if is_bucket_name(name) { Ok(name.to_owned()) } else { Err(wrong(named_by.bucket(), name, BUCKET_NAME)) }
}

/// Amazon S3 User Guide, "General purpose bucket naming rules".
fn is_bucket_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    (3..=63).contains(&name.len()) && name.chars().all(allowed)
}

fn endpoint_url(environment: &Environment<'_>) -> Result<Option<String>> {
    match environment.find(&ENDPOINT) {
        Some((name, url)) if !is_http(&url) => Err(wrong(name, &url, HTTP_URL)),
        found => Ok(found.map(|(_, url)| url)),
    }
}

fn is_http(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

pub(super) fn prefix(environment: &Environment<'_>) -> Result<String> {
    checked_prefix(PREFIX.name, environment.text(&PREFIX))
}

/// The prefix that `--store` names, else the default one.
pub(super) fn named_prefix(prefix: Option<&str>) -> Result<String> {
    let prefix = prefix.or(PREFIX.default_value()).unwrap_or_default();
    checked_prefix(NamedBy::StoreOption.bucket(), prefix.to_owned())
}

fn checked_prefix(setting: &str, prefix: String) -> Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let trimmed = prefix.trim_matches('/');
    // A key is at most 1,024 bytes long; ours need fewer than 300 behind the prefix.
    if trimmed.len() <= 512
        && trimmed.split('/').all(|part| part.chars().all(plain) && !matches!(part, "." | ".."))
    {
        Ok(prefix)
    } else {
        Err(wrong(setting, &prefix, "a path of at most 512 characters of A-Z a-z 0-9 . _ - /"))
    }
}
