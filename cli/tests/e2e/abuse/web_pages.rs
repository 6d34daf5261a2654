//! Web pages of other sites, and a server on loopback.

use tempfile::TempDir;

use super::on_files;
use crate::harness::{Client, JSON};

const EVIL: (&str, &str) = ("origin", "https://evil.example");
const REBOUND: (&str, &str) = ("host", "evil.example");

fn kept(client: &Client) {
    assert_eq!(client.get("/analyses/study-1").body, br#"{"n":1}"#);
    assert_eq!(client.ids("limit=10"), ["study-1"]);
}

#[test]
fn web_pages_of_other_sites_write_and_read_nothing() {
    let directory = TempDir::new().unwrap();
    let server = on_files(&directory, &[]);
    let client = server.client();
    assert_eq!(client.put("study-1", br#"{"n":1}"#).status, 201);
    let send = |method: &str, path: &str, headers: &[(&str, &str)]| {
        let body: &[u8] =
            if ["PUT", "POST"].contains(&method) { br#"{"request_id":"study-1"}"# } else { b"" };
        client.send(method, path, headers, body)
    };
    for (method, path) in [
        ("POST", "/analyses"),
        ("PUT", "/analyses/study-1"),
        ("DELETE", "/analyses/study-1"),
        ("GET", "/analyses"),
    ] {
        let refused = |headers: &[(&str, &str)], status, code, detail| {
            send(method, path, &[&[JSON], headers].concat()).assert_problem(path, status, code, detail);
        };
        refused(&[REBOUND], 421, "host_not_allowed", "ALLOWED_HOSTS");
        refused(&[REBOUND, ("origin", "http://evil.example")], 421, "host_not_allowed", "\"evil.example\"");
        refused(&[EVIL], 403, "cross_site", "CORS_ORIGINS");
        refused(&[("sec-fetch-site", "cross-site")], 403, "cross_site", "web page of another site");
    }
    // What a page may send without asking first carries no JSON.
    for kind in [&[][..], &[("content-type", "")], &[("content-type", "text/plain")]] {
        let answer = client.send("POST", "/analyses", kind, br#"{"request_id":"study-1"}"#);
        answer.assert_problem(
            "no JSON",
            415,
            "unsupported_media_type",
            "send `Content-Type: application/json`",
        );
    }
    kept(&client);
    assert_eq!(send("GET", "/health", &[REBOUND]).status, 200, "probes name any host");
    assert_eq!(send("OPTIONS", "/analyses", &[EVIL]).headers.get("access-control-allow-origin"), None);
}

#[test]
fn pages_of_a_configured_origin_may_use_the_server() {
    let directory = TempDir::new().unwrap();
    let origins = ("CORS_ORIGINS", "https://app.example.com, http://localhost:3000");
    let server = on_files(&directory, &[origins, ("ALLOWED_HOSTS", "analyses.lan"), ("API_TOKEN", "s3cret")]);
    let client = server.client();
    let page = ("origin", "https://app.example.com");
    let preflight = [page, ("access-control-request-method", "PUT")];
    let allowed = client.send("OPTIONS", "/analyses/study-1", &preflight, b"");
    assert_eq!(allowed.status, 200, "before any token");
    allowed.assert_guarded("a preflight");
    assert!(!allowed.header("x-request-id").is_empty(), "it has a line in the log");
    assert_eq!(allowed.header("access-control-allow-origin"), page.1);
    assert!(allowed.header("access-control-allow-methods").contains("PUT"));
    assert!(allowed.header("access-control-allow-headers").contains("if-match"));
    let refused = client.send("PUT", "/analyses/study-1", &[JSON, page], b"{}");
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, page.1));
    let saved = client.with_token("s3cret").send("PUT", "/analyses/study-1", &[JSON, page], b"{}");
    assert_eq!((saved.status, saved.header("access-control-allow-origin")), (201, page.1));
    assert!(saved.header("access-control-expose-headers").contains("etag"));
    assert!(saved.header("vary").contains("origin"));
    let other = server.client().send("OPTIONS", "/analyses", &[EVIL, preflight[1]], b"");
    assert_eq!(other.headers.get("access-control-allow-origin"), None);
}

#[test]
fn without_a_token_a_server_answers_to_its_addresses_and_allowed_names() {
    let directory = TempDir::new().unwrap();
    let server = on_files(&directory, &[("ALLOWED_HOSTS", "analyses.lan")]);
    let client = server.client();
    let status = |host: &str| client.send("GET", "/stats", &[("host", host)], b"").status;
    assert_eq!(
        ["localhost", "127.0.0.1:80", "[::1]:8000", "analyses.lan", "ANALYSES.lan:80"].map(status),
        [200; 5]
    );
    assert_eq!(["analyses.lan.evil.example", "10.0.0.1"].map(status), [421; 2]);
}
