//! How the SDK is set up: credentials, endpoint, timeouts, no retries.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, Region, RequestChecksumCalculation, ResponseChecksumValidation};

use super::S3Settings;

/// To a connection, its TLS handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// From the connection to the first byte of the answer, sending the request included.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// For one request and all of its answer.
pub(super) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// For one request and getting the credentials to sign it with.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);

/// A client with the credentials of the default chain.
pub(super) async fn connect(settings: &S3Settings) -> Client {
    let region = Region::new(settings.region.clone());
    let shared = aws_config::defaults(BehaviorVersion::latest()).region(region).load().await;
    // Only S3's own builder gets our endpoint: the chain also talks to STS.
    let endpoint = settings.endpoint_url.as_deref().or(shared.endpoint_url());
    Client::from_conf(configured(Builder::from(&shared), endpoint).build())
}

/// A client with these credentials.
#[cfg(feature = "testing")]
pub(super) fn with_credentials(
    settings: &S3Settings,
    access_key_id: &str,
    secret_access_key: &str,
) -> Client {
    let credentials =
        aws_sdk_s3::config::Credentials::new(access_key_id, secret_access_key, None, None, "testing");
    let builder = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(credentials);
    Client::from_conf(configured(builder, settings.endpoint_url.as_deref()).build())
}

fn configured(builder: Builder, endpoint_url: Option<&str>) -> Builder {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let builder = builder.timeout_config(timeouts).retry_config(RetryConfig::disabled());
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
