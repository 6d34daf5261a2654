//! Configuration: environment variables, read here and nowhere else.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use crate::analyses::{Analyses, StorageType};
use crate::bucket::Bucket;
use crate::bucket::local::LocalBucket;
use crate::bucket::s3::{S3Bucket, S3Settings};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::retention::Retention;

const DEFAULT_MAX_DOCUMENT_BYTES: u64 = 32 << 20;
/// Amazon S3 User Guide, "Uploading objects": the most one PUT takes.
const MAX_MAX_DOCUMENT_BYTES: u64 = 5 << 30;

/// A word that must not appear in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The word itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where analyses are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// Files below this directory (`STORAGE_TYPE=local`).
    Local {
        /// `LOCAL_STORAGE_DIR`.
        directory: PathBuf,
    },
    /// One S3 bucket (`STORAGE_TYPE=s3`).
    S3 {
        /// `S3_BUCKET_NAME`, `S3_REGION` and `S3_ENDPOINT_URL`.
        settings: S3Settings,
        /// `S3_PREFIX`.
        prefix: String,
    },
}

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where analyses are kept.
    pub storage: Storage,
    /// `RETENTION_DAYS`.
    pub retention: Retention,
    /// `MAX_DOCUMENT_BYTES`.
    pub max_document_bytes: u64,
    /// `API_HOST`: the address the server listens on.
    pub api_host: String,
    /// `API_PORT`.
    pub api_port: u16,
    /// `API_TOKEN`: the bearer token that callers of the server must send.
    pub api_token: Option<Secret>,
    /// `RUST_LOG`, or else `AWS_LOG_LEVEL`: what is logged; `None` leaves it to the program.
    pub log_filter: Option<String>,
    /// Whether this process is a Lambda function.
    pub in_lambda: bool,
}

impl Config {
    /// The configuration in the process environment.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] names the variable and what it takes.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn from_env() -> Result<Self> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// The configuration in any set of variables. Empty ones count as unset.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] names the variable and what it takes.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        Ok(Self {
            storage: storage(&get)?,
            retention: Retention::days(
                number(&get, "RETENTION_DAYS", "a number of days; 0 keeps analyses forever")?.unwrap_or(0),
            ),
            max_document_bytes: max_document_bytes(&get)?,
            api_host: get("API_HOST").unwrap_or_else(|| "127.0.0.1".into()),
            api_port: number(&get, "API_PORT", "a port from 0 to 65535")?.unwrap_or(8000),
            api_token: api_token(&get)?,
            log_filter: log_filter(&get)?,
            in_lambda: get("AWS_LAMBDA_RUNTIME_API").is_some(),
        })
    }

    /// Opens the storage. An S3 bucket is not asked anything yet: [`Analyses::probe`] does that.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] if the local directory cannot be used.
    pub async fn open(&self) -> Result<Analyses> {
        if let Storage::Local { directory } = &self.storage {
            LocalBucket::open(directory).await?;
        }
        Ok(self.open_to_read().await)
    }

    /// Opens the storage for those who only read: a local directory is neither made nor tried out.
    pub async fn open_to_read(&self) -> Analyses {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (bucket, storage_type, layout): (Arc<dyn Bucket>, _, _) = match &self.storage {
            Storage::Local { directory } => {
                (Arc::new(LocalBucket::to_read(directory)), StorageType::Local, Layout::new(""))
            }
            Storage::S3 { settings, prefix } => {
                (Arc::new(S3Bucket::connect(settings).await), StorageType::S3, Layout::new(prefix))
            }
        };
        Analyses::new(bucket, storage_type, layout, clock).with_retention(self.retention)
    }
}

/// The settings of another bucket than the store's own. A region or endpoint that is not given is that of the process
/// environment, as for the store's own bucket.
///
/// # Errors
/// [`Error::Misconfigured`] names what is wrong.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn other_bucket_from_env(
    bucket: &str,
    region: Option<String>,
    endpoint: Option<String>,
) -> Result<S3Settings> {
    let get = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if !is_bucket_name(bucket) {
        return Err(Error::misconfigured(format!("{bucket:?} is not {BUCKET_NAME}")));
    }
    let endpoint_url = match endpoint {
        Some(url) if !is_http(&url) => {
            return Err(Error::misconfigured(format!("the endpoint {url:?} is not {HTTP_URL}")));
        }
        Some(url) => Some(url),
        None => endpoint_url(&get)?,
    };
    Ok(S3Settings {
        bucket: bucket.to_owned(),
        region: region.unwrap_or_else(|| self::region(&get)),
        endpoint_url,
    })
}

const BUCKET_NAME: &str = "a bucket name: 3 to 63 characters of a-z 0-9 . -";
const HTTP_URL: &str = "a URL that begins with http:// or https://";

/// Amazon S3 User Guide, "General purpose bucket naming rules".
fn is_bucket_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    (3..=63).contains(&name.len()) && name.chars().all(allowed)
}

fn is_http(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

fn region(get: &impl Fn(&str) -> Option<String>) -> String {
    get("S3_REGION").or_else(|| get("AWS_REGION")).unwrap_or_else(|| "us-east-1".into())
}

fn wrong(name: &str, value: &str, expected: &str) -> Error {
    Error::misconfigured(format!("{name}={value:?} is not {expected}"))
}

fn number<T: FromStr>(
    get: &impl Fn(&str) -> Option<String>,
    name: &str,
    expected: &str,
) -> Result<Option<T>> {
    get(name).map(|value| value.parse().map_err(|_| wrong(name, &value, expected))).transpose()
}

fn storage(get: &impl Fn(&str) -> Option<String>) -> Result<Storage> {
    match get("STORAGE_TYPE").as_deref().unwrap_or("local") {
        "local" => Ok(Storage::Local {
            directory: get("LOCAL_STORAGE_DIR").unwrap_or_else(|| "analysis_results".into()).into(),
        }),
        "s3" => Ok(Storage::S3 {
            settings: S3Settings {
                bucket: bucket_name(get)?,
                region: region(get),
                endpoint_url: endpoint_url(get)?,
            },
            prefix: prefix(get)?,
        }),
        other => Err(wrong("STORAGE_TYPE", other, "one of local, s3")),
    }
}

fn bucket_name(get: &impl Fn(&str) -> Option<String>) -> Result<String> {
    let name = get("S3_BUCKET_NAME").ok_or_else(|| {
        Error::misconfigured(
            "S3_BUCKET_NAME is not set; STORAGE_TYPE=s3 needs the name of an existing bucket",
        )
    })?;
    if is_bucket_name(&name) { Ok(name) } else { Err(wrong("S3_BUCKET_NAME", &name, BUCKET_NAME)) }
}

fn endpoint_url(get: &impl Fn(&str) -> Option<String>) -> Result<Option<String>> {
    for name in ["S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"] {
        if let Some(url) = get(name) {
            return if is_http(&url) { Ok(Some(url)) } else { Err(wrong(name, &url, HTTP_URL)) };
        }
    }
    Ok(None)
}

fn prefix(get: &impl Fn(&str) -> Option<String>) -> Result<String> {
    let prefix = get("S3_PREFIX").unwrap_or_else(|| "design-analysis".into());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let trimmed = prefix.trim_matches('/');
    // A key is at most 1,024 bytes long; ours need fewer than 300 behind the prefix.
    if trimmed.len() <= 512
        && trimmed.split('/').all(|part| part.chars().all(plain) && !matches!(part, "." | ".."))
    {
        Ok(prefix)
    } else {
        Err(wrong("S3_PREFIX", &prefix, "a path of at most 512 characters of A-Z a-z 0-9 . _ - /"))
    }
}

fn max_document_bytes(get: &impl Fn(&str) -> Option<String>) -> Result<u64> {
    const NAME: &str = "MAX_DOCUMENT_BYTES";
    const EXPECTED: &str = "a number of bytes from 1 to 5368709120";
    let bytes = number(get, NAME, EXPECTED)?.unwrap_or(DEFAULT_MAX_DOCUMENT_BYTES);
    if (1..=MAX_MAX_DOCUMENT_BYTES).contains(&bytes) {
        Ok(bytes)
    } else {
        Err(wrong(NAME, &bytes.to_string(), EXPECTED))
    }
}

fn api_token(get: &impl Fn(&str) -> Option<String>) -> Result<Option<Secret>> {
    match get("API_TOKEN") {
        // RFC 6750, section 2.1: what fits an Authorization header.
        Some(token) if !token.chars().all(|c| c.is_ascii_graphic()) => Err(Error::misconfigured(
            "API_TOKEN is not a token: it may hold visible ASCII characters only, no spaces",
        )),
        token => Ok(token.map(Secret)),
    }
}

fn log_filter(get: &impl Fn(&str) -> Option<String>) -> Result<Option<String>> {
    if let Some(filter) = get("RUST_LOG") {
        return Ok(Some(filter));
    }
    let Some(level) = get("AWS_LOG_LEVEL") else { return Ok(None) };
    let filter = level.to_ascii_lowercase();
    if ["trace", "debug", "info", "warn", "error"].contains(&filter.as_str()) {
        Ok(Some(filter))
    } else {
        Err(wrong("AWS_LOG_LEVEL", &level, "one of TRACE, DEBUG, INFO, WARN, ERROR"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<Config> {
        Config::from_lookup(|name| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_set_means_local_files_on_loopback() {
        let config = config(&[("API_TOKEN", "")]).unwrap();
        assert_eq!(config.storage, Storage::Local { directory: "analysis_results".into() });
        assert_eq!((config.api_host.as_str(), config.api_port), ("127.0.0.1", 8000));
        assert_eq!((config.api_token, config.retention), (None, Retention::default()));
        assert_eq!((config.max_document_bytes, config.log_filter), (33_554_432, None));
    }

    #[test]
    fn the_region_and_endpoint_of_s3_have_fallbacks() {
        let s3 = |extra: &[(&str, &str)]| match config(
            &[&[("STORAGE_TYPE", "s3"), ("S3_BUCKET_NAME", "my-bucket")], extra].concat(),
        ) {
            Ok(Config { storage: Storage::S3 { settings, prefix }, .. }) => {
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
            (&[s3, bucket, ("S3_PREFIX", "a/../b")], "S3_PREFIX=\"a/../b\" is not a path"),
            (&[("RETENTION_DAYS", "-1")], "RETENTION_DAYS=\"-1\" is not a number of days"),
            (&[("MAX_DOCUMENT_BYTES", "0")], "MAX_DOCUMENT_BYTES=\"0\" is not a number of bytes"),
            (&[("API_PORT", "70000")], "API_PORT=\"70000\" is not a port"),
            (&[("API_TOKEN", "two words")], "API_TOKEN is not a token"),
            (&[("AWS_LOG_LEVEL", "LOUD")], "AWS_LOG_LEVEL=\"LOUD\" is not one of"),
        ] {
            let error = config(variables).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn a_log_filter_goes_before_a_log_level() {
        let filter = |variables| config(variables).unwrap().log_filter.unwrap();
        assert_eq!(filter(&[("AWS_LOG_LEVEL", "DEBUG")]), "debug");
        assert_eq!(filter(&[("AWS_LOG_LEVEL", "DEBUG"), ("RUST_LOG", "warn")]), "warn");
    }

    #[test]
    fn the_token_is_not_logged() {
        let config = config(&[("API_TOKEN", "s3cret")]).unwrap();
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
