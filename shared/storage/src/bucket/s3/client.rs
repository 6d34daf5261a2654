//! How the SDK is set up: credentials, endpoint, timeouts, no retries.
//!
//! The timeouts are short enough for a request to be sent several times inside the deadline of one API call, and long
//! enough for what is sent.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    Builder, IdentityCache, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    RuntimeComponents, SharedHttpClient,
};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder as HttpBuilder, Connector};

use super::S3Settings;
use super::date::{Observe, SigningTime};
use super::owner::ExpectedOwner;
use crate::clock::ClockOffset;

/// To a connection, its TLS handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// To the credentials that a request is signed with. Below [`ANSWER_TIMEOUT`], to be told apart from it.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(4);

/// For a request and its answer, credentials and connection included. The body of a document, sent or received,
/// has time of its own.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How far the body of a document may fall behind [`BYTES_PER_SECOND`] while it is received.
pub(super) const LAG: Duration = Duration::from_secs(3);

/// The slowest connection that documents are sent and received over.
const BYTES_PER_SECOND: u64 = 1 << 20;

/// The time that so much of a document may take.
pub(super) fn time_for(bytes: usize) -> Duration {
    Duration::from_millis(bytes as u64 * 1000 / BYTES_PER_SECOND)
}

/// What gives one request the time to send a body of this size.
pub(super) fn time_to_send(bytes: usize) -> Builder {
    let whole = ANSWER_TIMEOUT + time_for(bytes);
    Builder::new().timeout_config(TimeoutConfig::builder().operation_attempt_timeout(whole).build())
}

/// A client with the credentials of the default chain.
pub(super) async fn connect(settings: &S3Settings, offset: &Arc<ClockOffset>) -> Client {
    let shared = load(settings).await;
    // Only S3's own builder gets our endpoint: the chain also talks to STS.
    let endpoint = settings.endpoint_url.as_deref().or(shared.endpoint_url());
    Client::from_conf(configured(Builder::from(&shared), endpoint, settings, offset).build())
}

/// What the environment and the AWS profile say.
async fn load(settings: &S3Settings) -> SdkConfig {
    let region = Region::new(settings.region.clone());
    aws_config::defaults(BehaviorVersion::latest()).http_client(https()).region(region).load().await
}

impl S3Settings {
    /// The endpoint that requests go to, if one is set: by the settings, else by the AWS profile.
    pub(crate) async fn resolved_endpoint(&self) -> Option<String> {
        match &self.endpoint_url {
            Some(url) => Some(url.clone()),
            None => load(self).await.endpoint_url().map(str::to_owned),
        }
    }
}

/// A client with these credentials.
#[cfg(feature = "testing")]
pub(super) fn with_credentials(
    settings: &S3Settings,
    access_key_id: &str,
    secret_access_key: &str,
    offset: &Arc<ClockOffset>,
) -> Client {
    let credentials =
        aws_sdk_s3::config::Credentials::new(access_key_id, secret_access_key, None, None, "testing");
    let builder = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .http_client(https())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(credentials);
    Client::from_conf(configured(builder, settings.endpoint_url.as_deref(), settings, offset).build())
}

/// The SDK's own client, except that its cryptography is ring's: see `docs/decisions/0011-tls-by-ring.md`.
fn https() -> SharedHttpClient {
    HttpBuilder::new().build_with_connector_fn(|settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .proxy_config(ProxyConfig::from_env());
        connector
            .set_connector_settings(settings.cloned())
            .set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.build()
    })
}

fn configured(
    builder: Builder,
    endpoint_url: Option<&str>,
    settings: &S3Settings,
    offset: &Arc<ClockOffset>,
) -> Builder {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ANSWER_TIMEOUT)
        .build();
    let identities = IdentityCache::lazy().load_timeout(CREDENTIALS_TIMEOUT).build();
    let builder = builder
        .timeout_config(timeouts)
        .identity_cache(identities)
        .retry_config(RetryConfig::disabled())
        .time_source(SharedTimeSource::new(SigningTime(Arc::clone(offset))))
        .interceptor(Observe(Arc::clone(offset)));
    let builder = match &settings.expected_owner {
        Some(owner) => builder.interceptor(ExpectedOwner(owner.clone())),
        None => builder,
    };
    match endpoint_url {
        None => builder,
        // Other stores resolve no bucket names in DNS, and not all of them know the newer checksums.
        Some(url) => builder
            .endpoint_url(url)
            .force_path_style(true)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired),
    }
}
