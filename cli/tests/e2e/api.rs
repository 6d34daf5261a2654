//! The black-box API suite against the server: on files, and on S3.

use crate::harness::s3_in_memory::S3InMemory;
use crate::harness::{Client, Cloud, Server};
use crate::suite::{self, Deployment, Front};
use tempfile::TempDir;

#[test]
fn on_files() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(&[
        ("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap()),
        ("MAX_DOCUMENT_BYTES", "5000000"),
    ]);
    let deployment = Deployment {
        versions: false,
        storage_type: "local",
        front: Front::None,
        max_document_bytes: 5_000_000,
    };
    suite::run(&server.client(), deployment);
}

#[test]
fn on_s3() {
    let cloud = Cloud::start();
    let server = cloud.server();
    let deployment =
        Deployment { versions: true, storage_type: "s3", front: Front::None, max_document_bytes: 32 << 20 };
    suite::run(&server.client(), deployment);
}

/// The emulator of AWS ignores the ranges of versions.
#[test]
fn a_range_that_a_version_does_not_have_is_refused_behind_its_conditions() {
    let s3 = S3InMemory::start();
    let server = Server::start(&s3.variables());
    let client = server.client();
    let tag = client.put("study-1", b"{\"n\":1}").header("etag").to_owned();
    let get = |name: &str, value: &str| {
        let headers = [("range", "bytes=5000-"), (name, value)];
        client.send("GET", "/analyses/study-1?version_id=1", &headers, b"")
    };
    let refused = get("if-range", &tag);
    refused.assert_problem("a version", 416, "range_not_satisfiable", "has 7 bytes");
    assert_eq!(refused.header("content-range"), "bytes */7");
    get("if-match", "\"other\"").assert_problem("412 first", 412, "precondition_failed", "");
    assert_eq!(get("if-none-match", &tag).status, 304);
    let other = get("if-range", "\"other\"");
    assert_eq!((other.status, other.body.as_slice()), (200, &b"{\"n\":1}"[..]));
}

#[test]
fn a_token_is_asked_for_where_one_is_set() {
    let directory = TempDir::new().unwrap();
    let server =
        Server::start(&[("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap()), ("API_TOKEN", "s3cret")]);
    let client: Client = server.client();
    let get = |token: &str| client.send("GET", "/analyses", &[("authorization", token)], b"");
    client.get("/analyses").assert_problem("none", 401, "unauthorized", "Authorization: Bearer");
    assert_eq!(client.get("/analyses").header("www-authenticate"), "Bearer");
    for wrong in ["Bearer wrong", "Basic s3cret", "s3cret", "Bearer "] {
        assert_eq!(get(wrong).status, 401, "{wrong}");
    }
    client.get("/nothing").assert_problem("unknown", 401, "unauthorized", "Authorization: Bearer");
    assert_eq!(get("Bearer s3cret").status, 200);
    assert_eq!(get("bearer s3cret").status, 200);
    assert_eq!([client.get("/health").status, client.get("/ready").status], [200, 200]);
}

#[test]
fn a_request_id_is_passed_on_or_made() {
    let directory = TempDir::new().unwrap();
    let server = Server::on_files(directory.path());
    let client = server.client();
    let sent = client.send("GET", "/analyses/x", &[("x-request-id", "trace-42")], b"");
    let instance = |id: &str| format!("urn:design-analysis:request:{id}");
    assert_eq!(
        (sent.header("x-request-id"), &sent.json()["instance"]),
        ("trace-42", &instance("trace-42").into())
    );
    let odd = client.send("GET", "/analyses/x", &[("x-request-id", "a#b%")], b"");
    assert_eq!((odd.header("x-request-id"), &odd.json()["instance"]), ("a#b%", &instance("a%23b%25").into()));
    assert_ne!(client.get("/stats").header("x-request-id"), client.get("/stats").header("x-request-id"));
}
