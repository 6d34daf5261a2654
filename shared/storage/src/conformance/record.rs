//! When a store is tried out: at the start of what writes, once a day, where the store is not Amazon's.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{Conformance, try_out};
use crate::Analyses;
use crate::bucket::s3::S3Settings;
use crate::bucket::{BucketError, GetOptions, Got, Object};
use crate::config::{Storage, StorageConfig};
use crate::error::{Error, Result};

/// How long a store is taken for what it has shown to be: its software may be replaced.
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Changes when there is more to try out.
const REVISION: u32 = 1;

/// What the bucket remembers of being tried out. Only stores that were found sound are remembered.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// A bucket that was copied from another store has not been tried out.
    endpoint: String,
    revision: u32,
}

/// Whether a store was tried out.
#[derive(Debug)]
pub enum TriedOut {
    /// It need not be, or was within the last day.
    Known,
    /// It was, and keeps every rule.
    Sound,
    /// It was, and nothing wrong was found, but not every rule could be tried: why not the first of them.
    Partly(String),
    /// It could not be: it does not answer, or nothing may be written there.
    Not(Error),
}

/// Where the store is, if it is one of those that call themselves S3.
pub async fn needs_trying_out(settings: &S3Settings) -> Option<String> {
    let url = settings.resolved_endpoint().await?;
    let host = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let host = host.split(['/', ':', '?']).next().unwrap_or_default();
    // Amazon's own: an endpoint in a VPC, or by FIPS or dual stack.
    let is_amazons = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    (!is_amazons).then_some(url)
}

impl Analyses {
    /// Tries out the store of this configuration, unless it is Amazon's or local, or was tried out within a day. One
    /// request if it was.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] for a store that does something wrong: what, and what to do.
    pub async fn try_out_once_a_day(&self, config: &StorageConfig) -> Result<TriedOut> {
        let Storage::S3 { settings, .. } = &config.storage else { return Ok(TriedOut::Known) };
        let Some(url) = needs_trying_out(settings).await else { return Ok(TriedOut::Known) };
        let tried = match self.is_remembered(&url).await {
            Ok(true) => return Ok(TriedOut::Known),
            Ok(false) => try_out(self.requests.bucket(), &self.layout, self.clock()).await,
            Err(error) => Err(error),
        };
        match tried {
            Ok(conformance) if !conformance.is_sound() => Err(refuse(&url, settings, &conformance)),
            Ok(conformance) => {
                if let Some((_, why)) = conformance.unknown().next() {
                    return Ok(TriedOut::Partly(why.to_owned()));
                }
                self.remember(&url).await;
                Ok(TriedOut::Sound)
            }
            Err(error) if error.is_denied() || error.is_passing() => Ok(TriedOut::Not(error.into())),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the bucket says that it was tried out.
    async fn is_remembered(&self, url: &str) -> Result<bool, BucketError> {
        let key = self.layout.store_record();
        let Object { meta, body, .. } = match self.requests.bucket().get(&key, GetOptions::default()).await {
            Ok(Got::Found(object)) => object,
            Ok(Got::Absent | Got::NotModified { .. }) => return Ok(false),
            // Who may not read it may still be allowed to try.
            Err(error) if error.is_denied() => return Ok(false),
            Err(error) => return Err(error),
        };
        let age = self.clock().now().duration_since(meta.last_modified);
        let is_of_this = |record: Record| record.endpoint == url && record.revision == REVISION;
        Ok(age < REMEMBERED_FOR && serde_json::from_slice(&body).is_ok_and(is_of_this))
    }

    async fn remember(&self, url: &str) {
        let record = Record { endpoint: url.to_owned(), revision: REVISION };
        let body = serde_json::to_vec(&record).unwrap_or_default();
        // If it is not remembered it is tried out again.
        drop(self.requests.put_whatever(&self.layout.store_record(), |_| body.clone().into()).await);
    }
}

fn refuse(url: &str, settings: &S3Settings, conformance: &Conformance) -> Error {
    let setting = match settings.endpoint_url {
        Some(_) => settings.named_by.endpoint(),
        None => "endpoint_url",
    };
    Error::misconfigured(format!(
        "the store at {setting}={url} cannot be used: {conformance}; analyses would be lost on it. Use another store, or a later \
         release of it: docs/stores.md has those that were tried out"
    ))
}
