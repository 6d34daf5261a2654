//! A client to talk with.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::http::{HeaderMap, Request};
use ureq::typestate::AgentScope;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector as _, TcpConnector};

use super::signer::Signer;
use super::tls::Trusting;

/// Sends requests to one base URL, and takes every answer as an answer.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    base: String,
    signer: Option<Signer>,
    authorization: Option<String>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {:?}", String::from_utf8_lossy(&self.body)))
    }

    /// The body for a message, whatever it is.
    pub(crate) fn text(&self) -> String {
        let start = &self.body[..self.body.len().min(1000)];
        format!("{} {}", self.status, String::from_utf8_lossy(start))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name}")).to_str().unwrap()
    }

    /// Asserts that a browser takes this for what it is said to be, for those who may see it, and for nothing else.
    pub(crate) fn assert_guarded(&self, what: &str) {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(self.header(name), value, "{what}");
        }
        let policy = self.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(["no-store", "private, no-cache"].contains(&self.header("cache-control")), "{what}");
    }

    /// Asserts that this is a complete problem document of that kind.
    pub(crate) fn assert_problem(&self, what: &str, status: u16, code: &str, detail: &str) {
        let problem = self.json();
        assert_eq!((self.status, &problem["code"]), (status, &code.into()), "{what}: {problem}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{what}");
        self.assert_guarded(what);
        assert_eq!(problem["status"], status, "{what}");
        assert_eq!(problem["type"], format!("urn:design-analysis:problem:{code}"), "{what}");
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{what}");
        let instance = format!("urn:design-analysis:request:{}", self.header("x-request-id"));
        assert_eq!(
            (&problem["instance"], &problem["request_id"]),
            (&instance.into(), &Value::Null),
            "{what}"
        );
        assert!(problem["detail"].as_str().unwrap_or_default().contains(detail), "{what}: {problem}");
    }
}

pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

/// The path that a relative reference leads to from this one (RFC 3986, section 5.2), for references without dots.
pub(crate) fn resolve(path: &str, reference: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let directory = if reference.starts_with('?') { path } else { &path[..=path.rfind('/').unwrap()] };
    format!("{directory}{reference}")
}

fn config(timeout: Duration) -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(timeout))
        .allow_non_standard_methods(true)
}

impl Client {
    pub(crate) fn new(base: &str) -> Self {
        Self::with_timeout(base, Duration::from_mins(1))
    }

    /// A client that waits as long as API Gateway does for an answer.
    pub(crate) fn as_a_gateway(base: &str) -> Self {
        Self::with_timeout(base, Duration::from_secs(29))
    }

    /// A client that waits for what has to be compiled first.
    pub(crate) fn patient(base: &str) -> Self {
        Self::with_timeout(base, Duration::from_mins(15))
    }

    fn with_timeout(base: &str, timeout: Duration) -> Self {
        Self::with_agent(base, config(timeout).build().new_agent())
    }

    /// A client that talks TLS and trusts this certificate (PEM) only.
    pub(crate) fn trusting(base: &str, certificate: &[u8]) -> Self {
        let connector = TcpConnector::default().chain(Trusting::certificate(certificate));
        let config = config(Duration::from_mins(1)).build();
        Self::with_agent(base, Agent::with_parts(config, connector, DefaultResolver::default()))
    }

    fn with_agent(base: &str, agent: Agent) -> Self {
        Self { agent, base: base.to_owned(), signer: None, authorization: None }
    }

    /// The same, with a bearer token in every request.
    pub(crate) fn with_token(self, token: &str) -> Self {
        Self { authorization: Some(format!("Bearer {token}")), ..self }
    }

    /// The same, which takes an answer that leads elsewhere as an answer.
    pub(crate) fn without_redirects(&self) -> Self {
        let agent = config(Duration::from_mins(1)).max_redirects(0).build().new_agent();
        Self { agent, ..self.clone() }
    }

    /// The same, with every request signed.
    pub(crate) fn signed_by(self, signer: Signer) -> Self {
        Self { signer: Some(signer), ..self }
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.run(method, path, headers, body).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    /// The answer, or none if the server has gone.
    pub(crate) fn try_send(&self, method: &str, path: &str, body: &[u8]) -> Option<Answer> {
        self.try_send_with(method, path, &[JSON], body)
    }

    /// The same with these headers.
    pub(crate) fn try_send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Answer> {
        self.run(method, path, headers, body).ok()
    }

    fn run(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        let authorization = self.authorization.as_deref().map(|value| ("authorization", value));
        for (name, value) in headers.iter().copied().chain(authorization) {
            request = request.header(name, value);
        }
        let mut request = request.body(body)?;
        if let Some(signer) = &self.signer {
            signer.sign(&mut request, body);
        }
        // An empty body on a GET would be sent as a chunked one.
        let mut answer = if body.is_empty() && matches!(method, "GET" | "HEAD" | "DELETE") {
            self.agent.run(request.map(|_| ()))?
        } else {
            self.agent.run(request)?
        };
        let body = answer.body_mut().with_config().limit(1 << 30).read_to_vec()?;
        Ok(Answer { status: answer.status().as_u16(), headers: answer.headers().clone(), body })
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    pub(crate) fn post(&self, body: &[u8]) -> Answer {
        self.send("POST", "/analyses", &[JSON], body)
    }

    pub(crate) fn put(&self, id: &str, body: &[u8]) -> Answer {
        self.send("PUT", &format!("/analyses/{id}"), &[JSON], body)
    }

    pub(crate) fn delete(&self, id: &str) -> Answer {
        self.send("DELETE", &format!("/analyses/{id}"), &[], b"")
    }

    /// The ids on all pages of a query, in order.
    pub(crate) fn ids(&self, query: &str) -> Vec<String> {
        let mut ids = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("/analyses?{query}{cursor}"));
            assert_eq!(page.status, 200, "{}", String::from_utf8_lossy(&page.body));
            let page = page.json();
            let items = page["analyses"].as_array().unwrap();
            ids.extend(items.iter().map(|item| item["request_id"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return ids,
            }
        }
    }
}
