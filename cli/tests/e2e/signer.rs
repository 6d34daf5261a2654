//! Requests as API Gateway takes them from IAM principals: signed with SigV4.

use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use ureq::http::header::HOST;
use ureq::http::{HeaderValue, Request};

/// Who calls which API.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    credentials: Credentials,
    region: Arc<str>,
    /// The API's own name and port, which need not be known to DNS.
    host: Arc<str>,
}

impl Signer {
    pub(crate) fn new(access_key_id: &str, secret_access_key: &str, region: &str, host: &str) -> Self {
        let credentials = Credentials::new(access_key_id, secret_access_key, None, None, "testing");
        Self { credentials, region: region.into(), host: host.into() }
    }

    /// Addresses the request to the API and signs it.
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
            .name("execute-api")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .unwrap();
        let (instructions, _) = sign(signable, &params.into()).unwrap().into_parts();
        instructions.apply_to_request_http1x(request);
    }
}
