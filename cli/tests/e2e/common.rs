//! A server to talk to, and a client to talk with.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use analysis_storage::Bucket;
use analysis_storage::bucket::s3::S3Bucket;
use analysis_storage::testing::ministack::Ministack;
use serde_json::Value;
use tokio::runtime::Runtime;
use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::http::{HeaderMap, Request};
use ureq::typestate::AgentScope;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector as _, TcpConnector};

use crate::proxy::Proxy;
use crate::signer::Signer;
use crate::tls::Trusting;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What the tests build the workspace with. A Cargo within a test that builds with the same compiles nothing again.
pub(crate) const TEST_FEATURES: &str = "analysis-storage/testing";

/// Keeps from a Cargo within a test what the Cargo around it has set: build scripts that watch these variables, such as
/// ring's, would run again, and everything above them be compiled again.
pub(crate) fn without_cargo(command: &mut Command) -> &mut Command {
    let set = ["CARGO_CRATE_", "CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_PRIMARY_", "RUSTC_BOOTSTRAP"];
    for (name, _) in std::env::vars() {
        if set.iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
}

/// The example analyses: their names and bytes.
pub(crate) fn examples() -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let mut examples: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap()))
        .collect();
    examples.sort();
    assert!(examples.len() >= 5);
    examples
}

/// `design-analysis serve` on a free port of the loopback interface; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

/// The program with these variables and none of the caller's that could matter.
pub(crate) fn program(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_design-analysis"));
    for (name, _) in std::env::vars() {
        if ["AWS_", "S3_", "API_", "STORAGE_", "LOCAL_", "RETENTION_", "MAX_"]
            .iter()
            .any(|p| name.starts_with(p))
        {
            command.env_remove(name);
        }
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true").envs(variables.iter().copied());
    command
}

/// Runs `repair` to its end, and proves that nothing is left for it to do.
pub(crate) fn repair(variables: &[(&str, &str)]) {
    for arguments in [&["repair"][..], &["check", "--grace", "0"]] {
        let output = program(variables).args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{arguments:?}: {text}");
    }
}

impl Server {
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        let mut child =
            program(variables).args(["serve", "--port", "0"]).stderr(Stdio::piped()).spawn().unwrap();
        let url = listening(&mut child);
        Self { child, url }
    }

    /// A server on files below this directory.
    pub(crate) fn on_files(directory: &Path) -> Self {
        Self::start(&[("LOCAL_STORAGE_DIR", directory.to_str().unwrap())])
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url)
    }

    /// Sends SIGTERM and waits for the end; whether it was a clean one.
    pub(crate) fn terminate(mut self) -> bool {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap().success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a server with a piped standard error listens; where it does.
pub(crate) fn listening(child: &mut Child) -> String {
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut seen = String::new();
    let url = loop {
        let start = seen.len();
        assert!(log.read_line(&mut seen).unwrap() > 0, "the server ended: {seen}");
        if let Some((_, rest)) = seen[start..].split_once("listening on ") {
            break rest.split_whitespace().next().unwrap().to_owned();
        }
    };
    // Somebody must go on reading, or the server would block on a full pipe.
    std::thread::spawn(move || log.read_to_end(&mut Vec::new()));
    url
}

/// A versioned bucket in a local S3.
pub(crate) struct Cloud {
    /// Where no other test is; else the one that the tests of this process share.
    _own: Option<Ministack>,
    endpoint: String,
    name: String,
    bucket: S3Bucket,
    runtime: Runtime,
}

impl Cloud {
    /// A bucket that no other test uses, in the S3 that they share.
    pub(crate) fn start() -> Self {
        Self::new(Ministack::shared())
    }

    /// An S3 of its own: for a test of so many requests that others would wait for it.
    pub(crate) fn alone() -> Self {
        let own = Ministack::start();
        let cloud = Self::new(&own);
        Self { _own: Some(own), ..cloud }
    }

    fn new(ministack: &Ministack) -> Self {
        static CREATED: AtomicU32 = AtomicU32::new(0);
        let name = format!("analyses-{}", CREATED.fetch_add(1, Ordering::Relaxed));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let bucket = runtime.block_on(ministack.bucket(&name, true));
        Self { _own: None, endpoint: ministack.endpoint(), name, bucket, runtime }
    }

    /// The name of the bucket.
    pub(crate) fn bucket(&self) -> &str {
        &self.name
    }

    /// Removes every object whose key begins so.
    pub(crate) fn remove(&self, prefix: &str) {
        self.runtime.block_on(async {
            for key in self.bucket.list(prefix, None, 1000).await.unwrap().keys() {
                self.bucket.delete(key, None).await.unwrap();
            }
        });
    }

    /// What another program puts into the bucket.
    pub(crate) fn put_foreign(&self, key: &str, body: &str, metadata: Vec<(&str, String)>) {
        let metadata = metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let put = self.bucket.client().put_object().bucket(&self.name).key(key).set_metadata(Some(metadata));
        self.runtime.block_on(put.body(body.as_bytes().to_vec().into()).send()).unwrap();
    }

    /// The key of the one document of this id.
    pub(crate) fn document_key(&self, id: &str) -> String {
        let listed =
            self.runtime.block_on(self.bucket.list("design-analysis/analysis/", None, 1000)).unwrap();
        let mut keys = listed.keys().map(ToString::to_string);
        keys.find(|key| key.ends_with(&format!("/{id}.json"))).unwrap()
    }

    /// Moves an object into the archive, as a lifecycle rule does.
    pub(crate) fn archive(&self, key: &str) {
        let copy = self.bucket.client().copy_object().bucket(&self.name).key(key);
        let copy = copy.copy_source(format!("{}/{key}", self.name)).storage_class("GLACIER".into());
        self.runtime.block_on(copy.send()).unwrap();
    }

    /// What a program needs in its environment to work on the bucket.
    pub(crate) fn variables(&self) -> [(&str, &str); 6] {
        [
            ("STORAGE_TYPE", "s3"),
            ("S3_BUCKET_NAME", &self.name),
            ("S3_REGION", "us-east-1"),
            ("S3_ENDPOINT_URL", &self.endpoint),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]
    }

    pub(crate) fn server(&self) -> Server {
        Server::start(&self.variables())
    }

    /// A proxy in front of this S3.
    pub(crate) fn proxy(&self) -> Proxy {
        Proxy::before(&self.endpoint)
    }

    /// A server that reaches this S3 through the proxy only, and keeps all it has below the prefix.
    pub(crate) fn server_behind(&self, proxy: &Proxy, prefix: &str) -> Server {
        let others = self.variables().into_iter().filter(|(name, _)| *name != "S3_ENDPOINT_URL");
        let own = [("S3_ENDPOINT_URL", proxy.url.as_str()), ("S3_PREFIX", prefix)];
        Server::start(&others.chain(own).collect::<Vec<_>>())
    }
}

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

    /// Asserts that this is a complete problem document of that kind.
    pub(crate) fn assert_problem(&self, what: &str, status: u16, code: &str, detail: &str) {
        let problem = self.json();
        assert_eq!((self.status, &problem["code"]), (status, &code.into()), "{what}: {problem}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{what}");
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
