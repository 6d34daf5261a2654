//! The part of S3's protocol that the program speaks, answered from this process's memory: for tests of so many requests
//! that an emulator of all of AWS would compute for minutes. What S3 is like, the tests on the emulator tell.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::ops::Bound;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_LENGTH, ETAG, IF_MATCH, IF_NONE_MATCH, LAST_MODIFIED, RANGE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const MAX_KEYS: usize = 1000;

#[derive(Debug, Clone)]
struct Stored {
    body: Bytes,
    etag: String,
    last_modified: Timestamp,
    /// The user metadata, by the names of their headers.
    metadata: Vec<(HeaderName, HeaderValue)>,
}

/// The objects of all buckets: their paths begin with the bucket's name.
type Objects = Arc<Mutex<BTreeMap<String, Stored>>>;

/// What the server works on.
#[derive(Debug, Clone, Default)]
struct Shared {
    objects: Objects,
    /// How many requests there were.
    requests: Arc<AtomicUsize>,
    /// How long each takes.
    delay: Duration,
    /// Whether it takes every PUT, whatever its condition.
    forgets_conditions: bool,
    /// A PUT of a key that ends so is answered with 502.
    fails_to_put: Option<&'static str>,
}

/// The server, until it is dropped.
pub(crate) struct S3InMemory {
    endpoint: String,
    shared: Shared,
    _stop: oneshot::Sender<()>,
}

impl S3InMemory {
    /// Starts one, on a thread of its own.
    pub(crate) fn start() -> Self {
        Self::start_with(Shared::default())
    }

    /// One that takes every PUT, as stores do that do not know conditions.
    pub(crate) fn without_conditions() -> Self {
        Self::start_with(Shared { forgets_conditions: true, ..Shared::default() })
    }

    /// One that answers a PUT of a key that ends so with 502.
    pub(crate) fn failing_to_put(ending: &'static str) -> Self {
        Self::start_with(Shared { fails_to_put: Some(ending), ..Shared::default() })
    }

    /// How many requests there were so far.
    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// The keys of all objects, behind the name of their bucket.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.shared.objects.lock().unwrap().keys().cloned().collect()
    }

    /// Starts one that takes this long for each request, and at least as many at once as come.
    pub(crate) fn start_slow(delay: Duration) -> Self {
        Self::start_with(Shared { delay, ..Shared::default() })
    }

    fn start_with(shared: Shared) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let router = router.layer(axum::extract::DefaultBodyLimit::disable());
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    result = axum::serve(listener, router).into_future() => result.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self { endpoint, shared, _stop: stop }
    }

    /// What a program needs in its environment to work on a bucket here.
    pub(crate) fn variables(&self) -> [(&str, &str); 6] {
        [
            ("STORAGE_TYPE", "s3"),
            ("S3_BUCKET_NAME", "analyses"),
            ("S3_REGION", "us-east-1"),
            ("S3_ENDPOINT_URL", &self.endpoint),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]
    }
}

async fn answer(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    tokio::time::sleep(shared.delay).await;
    shared.requests.fetch_add(1, Ordering::Relaxed);
    let mut objects = shared.objects.lock().unwrap();
    let path = percent_decode_str(uri.path()).decode_utf8().unwrap().into_owned();
    let query = query(uri.query().unwrap_or_default());
    if query.get("list-type").is_some_and(|version| version == "2") {
        return list(&objects, &path, &query);
    }
    if method == Method::PUT && shared.fails_to_put.is_some_and(|ending| path.ends_with(ending)) {
        return error(StatusCode::BAD_GATEWAY, "BadGateway");
    }
    let found = objects.get(&path);
    let is_forgotten = shared.forgets_conditions && method == Method::PUT;
    if let Some(refused) = refused(&method, found, &headers).filter(|_| !is_forgotten) {
        return refused;
    }
    match (method, found) {
        (Method::PUT, _) => {
            let stored = store(body, &headers);
            let etag = stored.etag.clone();
            objects.insert(path, stored);
            (StatusCode::OK, [(ETAG, etag)]).into_response()
        }
        (Method::DELETE, _) => {
            objects.remove(&path);
            StatusCode::NO_CONTENT.into_response()
        }
        (Method::GET, Some(stored)) if is_behind(stored, &headers) => {
            error(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange")
        }
        (Method::GET, Some(stored)) => show(stored, Body::from(stored.body.clone())),
        (Method::HEAD, Some(stored)) => show(stored, Body::empty()),
        (Method::GET | Method::HEAD, None) => error(StatusCode::NOT_FOUND, "NoSuchKey"),
        _ => error(StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
    }
}

/// "Conditional requests" in the Amazon S3 User Guide.
fn refused(method: &Method, found: Option<&Stored>, headers: &HeaderMap) -> Option<Response> {
    let given = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(expected) = given(IF_MATCH) {
        match found {
            Some(stored) if stored.etag == expected => {}
            Some(_) => return Some(error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed")),
            None if method == Method::DELETE => {}
            None => return Some(error(StatusCode::NOT_FOUND, "NoSuchKey")),
        }
    }
    let unwanted = given(IF_NONE_MATCH)?;
    let stored = found.filter(|stored| unwanted == "*" || stored.etag == unwanted)?;
    if method == Method::PUT {
        return Some(error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed"));
    }
    Some((StatusCode::NOT_MODIFIED, [(LAST_MODIFIED, date(stored))]).into_response())
}

/// Whether the range that is asked for begins behind the object. Any other is ignored, as HTTP allows.
fn is_behind(stored: &Stored, headers: &HeaderMap) -> bool {
    let range = headers.get(RANGE).and_then(|value| value.to_str().ok());
    let first = range.and_then(|range| range.strip_prefix("bytes=")?.split('-').next()?.parse().ok());
    first.is_some_and(|first: usize| first >= stored.body.len())
}

fn store(body: Bytes, headers: &HeaderMap) -> Stored {
    let encoding = headers.get("content-encoding").map(HeaderValue::as_bytes);
    assert!(encoding.is_none(), "bodies come as they are: {encoding:?}");
    let digest = Sha256::digest(&body);
    let hex = digest.iter().take(16).fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let metadata = headers.iter().filter(|(name, _)| name.as_str().starts_with("x-amz-meta-"));
    Stored {
        body,
        etag: format!("\"{hex}\""),
        last_modified: Timestamp::now(),
        metadata: metadata.map(|(name, value)| (name.clone(), value.clone())).collect(),
    }
}

fn show(stored: &Stored, body: Body) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, stored.body.len().into());
    headers.insert(ETAG, HeaderValue::from_str(&stored.etag).unwrap());
    headers.insert(LAST_MODIFIED, HeaderValue::from_str(&date(stored)).unwrap());
    headers.extend(stored.metadata.iter().cloned());
    response
}

fn date(stored: &Stored) -> String {
    stored.last_modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn error(status: StatusCode, code: &str) -> Response {
    (status, format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>")).into_response()
}

/// `ListObjectsV2`.
fn list(objects: &BTreeMap<String, Stored>, path: &str, query: &HashMap<String, String>) -> Response {
    let bucket = format!("/{}/", path.trim_matches('/'));
    let given = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let prefix = format!("{bucket}{}", given("prefix"));
    let behind = format!("{bucket}{}", given("start-after"));
    let limit = given("max-keys").parse().unwrap_or(MAX_KEYS).min(MAX_KEYS);
    let first = if behind > prefix { Bound::Excluded(behind) } else { Bound::Included(prefix.clone()) };
    let mut rest = objects.range((first, Bound::Unbounded)).take_while(|(path, _)| path.starts_with(&prefix));
    let mut xml = String::from("<ListBucketResult><EncodingType>url</EncodingType>");
    for (path, stored) in rest.by_ref().take(limit) {
        let key = utf8_percent_encode(&path[bucket.len()..], NON_ALPHANUMERIC);
        let Stored { body, etag, last_modified, .. } = stored;
        write!(
            xml,
            "<Contents><Key>{key}</Key><LastModified>{last_modified:.3}</LastModified>\
             <ETag>{}</ETag><Size>{}</Size></Contents>",
            etag.replace('"', "&quot;"),
            body.len()
        )
        .unwrap();
    }
    write!(xml, "<IsTruncated>{}</IsTruncated></ListBucketResult>", rest.next().is_some()).unwrap();
    xml.into_response()
}

fn query(text: &str) -> HashMap<String, String> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let pairs = text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}
