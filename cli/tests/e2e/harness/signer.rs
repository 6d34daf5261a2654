//! Requests as AWS takes them from IAM principals: signed, version 4.

use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use ureq::http::header::HOST;
use ureq::http::{HeaderValue, Request};

/// Who calls which service.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    credentials: Credentials,
    region: Arc<str>,
    service: &'static str,
    /// The service's own name and port, which need not be known to DNS.
    host: Arc<str>,
}

impl Signer {
    pub(crate) fn new(keys: &Keys, region: &str, service: &'static str, host: &str) -> Self {
        let credentials =
            Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "testing");
        Self { credentials, region: region.into(), service, host: host.into() }
    }

    /// Addresses the request to the service and signs it.
    #[expect(clippy::disallowed_methods, reason = "a signature is good for minutes of the real time")]
    pub(crate) fn sign<B>(&self, request: &mut Request<B>, body: &[u8]) {
        request.headers_mut().insert(HOST, HeaderValue::from_str(&self.host).unwrap());
        let path = request.uri().path_and_query().unwrap().as_str();
        let url = format!("https://{}{path}", self.host);
        let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let signable =
            SignableRequest::new(request.method().as_str(), url, headers, SignableBody::Bytes(body)).unwrap();
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(SystemTime::now())
            .settings(self.settings())
            .build()
            .unwrap();
        let (instructions, _) = sign(signable, &params.into()).unwrap().into_parts();
        instructions.apply_to_request_http1x(request);
    }

    fn settings(&self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        if self.service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        settings
    }
}

/// The keys of an IAM user.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
}
