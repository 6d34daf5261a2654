//! Where the store is: as it is configured, as a person names it, and its name in full.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::environment::Environment;
use super::{DIRECTORY, NamedBy, STORAGE_TYPE, s3};
use crate::bucket::s3::S3Settings;
use crate::error::Result;

/// Where analyses are kept. Its text is the name in full: an absolute directory, or `s3://bucket/prefix`, and where that
/// is if it is not at Amazon's.
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

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { directory } => write!(f, "{}", absolute(directory).display()),
            Self::S3 { settings: S3Settings { bucket, endpoint_url, .. }, prefix } => {
                write!(f, "s3://{bucket}/{}", prefix.trim_matches('/'))?;
                endpoint_url.as_ref().map_or(Ok(()), |url| write!(f, " at {url}"))
            }
        }
    }
}

/// The directory from the root on.
pub(crate) fn absolute(directory: &Path) -> PathBuf {
    std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned())
}

/// A store as a person names it: a directory, `s3://bucket`, or `s3://bucket/prefix`.
///
/// ```
/// use analysis_storage::config::StoreName;
///
/// let bucket = StoreName::Bucket { name: "designs".into(), prefix: Some("team-a".into()) };
/// assert_eq!("s3://designs/team-a".parse(), Ok(bucket));
/// assert_eq!("results".parse(), Ok(StoreName::Directory("results".into())));
/// assert!("https://designs".parse::<StoreName>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreName {
    /// A directory.
    Directory(PathBuf),
    /// A bucket on S3.
    Bucket {
        /// Its name.
        name: String,
        /// What all keys begin with; `None` is the default prefix.
        prefix: Option<String>,
    },
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(directory) => write!(f, "{}", directory.display()),
            Self::Bucket { name, prefix: None } => write!(f, "s3://{name}"),
            Self::Bucket { name, prefix: Some(prefix) } => write!(f, "s3://{name}/{prefix}"),
        }
    }
}

impl FromStr for StoreName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("s3://") {
            let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let prefix = Some(prefix.to_owned()).filter(|prefix| !prefix.is_empty());
            return Ok(Self::Bucket { name: name.to_owned(), prefix });
        }
        if text.is_empty() || text.contains("://") {
            return Err(format!("{text:?} is neither a directory nor s3://BUCKET or s3://BUCKET/PREFIX"));
        }
        Ok(Self::Directory(text.into()))
    }
}

/// The store that is meant, and who has named it: the name goes before the variables.
pub(super) fn chosen(name: Option<&StoreName>, environment: &Environment<'_>) -> Result<(Storage, NamedBy)> {
    match name {
        Some(name) => Ok((named(name, environment)?, NamedBy::StoreOption)),
        None => Ok((configured(environment)?, NamedBy::Variables)),
    }
}

/// The storage that a name stands for; region and endpoint are those of the variables.
fn named(name: &StoreName, environment: &Environment<'_>) -> Result<Storage> {
    match name {
        StoreName::Directory(directory) => Ok(Storage::Local { directory: directory.clone() }),
        StoreName::Bucket { name, prefix } => Ok(Storage::S3 {
            settings: s3::named_bucket(name, environment)?,
            prefix: s3::named_prefix(prefix.as_deref())?,
        }),
    }
}

/// The storage that the variables stand for.
fn configured(environment: &Environment<'_>) -> Result<Storage> {
    match environment.text(&STORAGE_TYPE).as_str() {
        "local" => Ok(Storage::Local { directory: environment.text(&DIRECTORY).into() }),
        "s3" => Ok(Storage::S3 { settings: s3::own_bucket(environment)?, prefix: s3::prefix(environment)? }),
        other => Err(STORAGE_TYPE.wrong(other, "one of local, s3")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::StorageConfig;
    use super::*;

    fn named(store: &str) -> Result<StorageConfig> {
        let variables = [
            ("STORAGE_TYPE", "local"),
            ("S3_BUCKET_NAME", "other"),
            ("S3_PREFIX", "other"),
            ("S3_ENDPOINT_URL", "http://store:9000"),
        ];
        let environment = Environment::from_pairs(&variables);
        StorageConfig::of_store(&environment, Some(&store.parse().unwrap()))
    }

    #[test]
    fn a_named_store_goes_before_the_variables_but_is_where_they_say() {
        for (store, name) in [
            ("/data/x", "/data/x"),
            ("s3://designs", "s3://designs/design-analysis at http://store:9000"),
            ("s3://designs/", "s3://designs/design-analysis at http://store:9000"),
            ("s3://designs/team/a/", "s3://designs/team/a at http://store:9000"),
        ] {
            assert_eq!(named(store).unwrap().storage.to_string(), name);
        }
        let relative = named("results").unwrap().storage.to_string();
        assert!(relative.starts_with('/') && relative.ends_with("/results"), "{relative}");
    }

    #[test]
    fn a_wrong_name_of_a_store_names_the_option() {
        for (store, message) in [
            ("s3://", "--store=\"\" is not a bucket name"),
            ("s3://My_Bucket/x", "--store=\"My_Bucket\" is not a bucket name"),
            ("s3://designs/a/../b", "--store=\"a/../b\" is not a path"),
        ] {
            let error = named(store).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
