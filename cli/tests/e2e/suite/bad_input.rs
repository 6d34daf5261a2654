//! Bad input gets a problem that names what is wrong, and changes nothing.

use super::{Deployment, Front};
use crate::harness::{Client, JSON};

pub(super) fn run(client: &Client, deployment: Deployment) {
    client.put("kept", br#"{"n":1}"#);
    let before = (client.get("/analyses").body, client.get("/analyses/kept").body);
    bodies(client, deployment);
    ids(client, deployment);
    queries(client);
    routes(client, deployment);
    types(client);
    assert_eq!((client.get("/analyses").body, client.get("/analyses/kept").body), before);
    assert_eq!(client.get("/stats").json()["total_analyses"], 1);
    assert_eq!(client.delete("kept").status, 204);
}

fn bodies(client: &Client, deployment: Deployment) {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    let long = format!(r#"{{"implementation":"{}"}}"#, "x".repeat(33));
    let large = vec![b' '; deployment.max_document_bytes + 1];
    for (body, status, code, detail) in [
        (&b""[..], 400, "malformed_document", "the body is empty"),
        (b"{\n\"a\":x}", 400, "malformed_document", "line 2 column 5"),
        (b"{\"a\":1", 400, "malformed_document", "line 1 column 6"),
        (b"{} trailing", 400, "malformed_document", "trailing characters at line 1 column 4"),
        (b"{\"a\":\"\xff\"}", 400, "malformed_document", "not valid UTF-8 at byte 6 (line 1 column 7)"),
        (b"\xef\xbb\xbf{}", 400, "malformed_document", "byte order mark"),
        (br#"{"a":[NaN]}"#, 400, "malformed_document", "`NaN` is no number of JSON; write null"),
        (br#"{"a":-Infinity}"#, 400, "malformed_document", "json.dumps refuses it with allow_nan=False"),
        (br#"{"status":"\ud83d"}"#, 422, "invalid_document", "`status` holds half of a surrogate pair"),
        (br#"{"execution_time":1e400}"#, 422, "invalid_document", "`execution_time` is 1e400"),
        (b"[1]", 422, "invalid_document", "not an array"),
        (b"\"text\"", 422, "invalid_document", "not a string"),
        (deep.as_bytes(), 422, "invalid_document", "more than 100 levels deep"),
        (br#"{"implementation":7}"#, 422, "invalid_document", "`implementation` must be a string"),
        (long.as_bytes(), 422, "invalid_document", "`implementation` has 33 characters"),
        (br#"{"status":["a"]}"#, 422, "invalid_document", "`status` must be a string"),
        (br#"{"timestamp":"soon"}"#, 422, "invalid_document", "`timestamp` \"soon\" is not a date and time"),
        (br#"{"execution_time":-1}"#, 422, "invalid_document", "`execution_time` is -1"),
        (br#"{"request_id":1}"#, 422, "invalid_document", "`request_id` must be a string"),
        (br#"{"request_id":"other"}"#, 422, "invalid_document", "the path says \"kept\""),
        (&large, 413, "document_too_large", "MAX_DOCUMENT_BYTES"),
    ] {
        if deployment.front.routes() && std::str::from_utf8(body).is_err() {
            continue;
        }
        let what = String::from_utf8_lossy(&body[..body.len().min(80)]);
        client.put("kept", body).assert_problem(&what, status, code, detail);
        if detail != "the path says \"kept\"" {
            client.post(body).assert_problem(&what, status, code, detail);
        }
    }
    client.post(br#"{"request_id":"a/b"}"#).assert_problem("request_id", 422, "invalid_id", "contains '/'");
    client.post(br#"{"request_id":""}"#).assert_problem("request_id", 422, "invalid_id", "has 0 characters");
}

fn ids(client: &Client, deployment: Deployment) {
    let long = "x".repeat(129);
    // Where the gateway finds a slash in the path, it finds no route.
    for id in ["a%2Fb", "..%2F..%2Fetc", "%2e%2e%2f"] {
        if deployment.front == Front::ApiGateway {
            let answer = client.get(&format!("/analyses/{id}"));
            assert_eq!((answer.status, &answer.json()["message"]), (404, &"Not Found".into()), "{id}");
        } else {
            refused(client, id, "contains '/'");
        }
    }
    for (id, detail) in [
        ("a%20b", "contains ' '"),
        ("a%00b", "contains '\\0'"),
        ("%ff", if deployment.front == Front::ApiGateway { "contains '\u{fffd}'" } else { "not UTF-8" }),
        ("caf%C3%A9", "contains 'é'"),
        (&long, "has 129 characters"),
        ("018CC251-F400-7000-8000-000000000000", "canonical lower case"),
        ("ffffffff-ffff-7fff-bfff-ffffffffffff", "future"),
        ("0fffffff-ffff-7fff-bfff-ffffffffffff", "future"),
    ] {
        refused(client, id, detail);
    }
    client.get("/analyses/unknown").assert_problem("unknown", 404, "not_found", "analysis `unknown`");
    client.get("/analyses/018cc251-f400-7000-8000-00000000beef").assert_problem(
        "uuid",
        404,
        "not_found",
        "018cc251",
    );
}

/// In every route that takes an id.
fn refused(client: &Client, id: &str, detail: &str) {
    for (method, body) in [("GET", &b""[..]), ("PUT", b"{}"), ("DELETE", b"")] {
        let answer = client.send(method, &format!("/analyses/{id}"), &[JSON], body);
        answer.assert_problem(&format!("{method} {id}"), 422, "invalid_id", detail);
    }
    assert_eq!(client.send("HEAD", &format!("/analyses/{id}"), &[], b"").status, 422);
    client.get(&format!("/analyses/{id}/versions")).assert_problem(id, 422, "invalid_id", detail);
}

fn queries(client: &Client) {
    for (query, detail) in [
        ("limit=0", "`limit`: \"0\" is not a number from 1 to 1000"),
        ("limit=abc", "`limit`: \"abc\""),
        ("limit=1001", "`limit`: \"1001\""),
        ("limit=", "`limit`: \"\""),
        ("limit=1&limit=2", "\"limit\" appears twice"),
        ("cursor=abc", "`cursor`: is not a cursor of this query"),
        ("cursor=AR1PYbM4MjA0NTExOTMxOTAxITAx", "`cursor`: is not a cursor of this query"),
        ("from=2024-02&to=2024-01", "`from`: lies after `to`"),
        ("from=yesterday", "`from`: \"yesterday\" is not a time"),
        ("to=2024-02-30", "`to`: \"2024-02-30\" is not a time"),
        ("implementation=a%20b", "`implementation`: contains ' '"),
        ("status=", "`status`: has 0 characters"),
        ("sort=asc", "\"sort\" is unknown here; known: limit, cursor"),
    ] {
        client.get(&format!("/analyses?{query}")).assert_problem(query, 400, "invalid_query", detail);
    }
    client.get("/stats?x=1").assert_problem("stats", 400, "invalid_query", "known: pretty");
    client.get("/analyses/kept?version=1").assert_problem("load", 400, "invalid_query", "known: version_id");
    let cursor = {
        client.put("second", b"{}");
        let page = client.get("/analyses?limit=1").json();
        assert_eq!(client.delete("second").status, 204);
        page["next_cursor"].as_str().unwrap().to_owned()
    };
    let other = client.get(&format!("/analyses?limit=1&status=error&cursor={cursor}"));
    other.assert_problem("cursor of another query", 400, "invalid_query", "the same filters");
}

fn routes(client: &Client, deployment: Deployment) {
    for path in ["/nothing", "/analyses/a/b"] {
        let answer = client.get(path);
        if deployment.front.routes() {
            assert_eq!(answer.status, 404);
        } else {
            answer.assert_problem("route", 404, "unknown_route", path);
        }
    }
    for (method, path, allowed) in [
        ("PATCH", "/analyses", ["GET", "POST"]),
        ("POST", "/analyses/kept", ["DELETE", "PUT"]),
        ("DELETE", "/stats", ["GET", "HEAD"]),
    ] {
        let answer = client.send(method, path, &[JSON], b"{}");
        if deployment.front.routes() {
            assert!([404, 405].contains(&answer.status), "{method} {path}: {}", answer.status);
            continue;
        }
        answer.assert_problem(path, 405, "method_not_allowed", "Allow");
        let allow = answer.header("allow");
        assert!(allowed.iter().all(|method| allow.contains(method)), "{allow}");
    }
}

fn types(client: &Client) {
    let unsaid = client.send("PUT", "/analyses/kept", &[], b"{}");
    unsaid.assert_problem("none", 415, "unsupported_media_type", "send `Content-Type: application/json`");
    for value in ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"] {
        let answer = client.send("PUT", "/analyses/kept", &[("content-type", value)], b"{}");
        answer.assert_problem(value, 415, "unsupported_media_type", value);
    }
    let compressed = client.send("PUT", "/analyses/kept", &[JSON, ("content-encoding", "gzip")], b"{}");
    compressed.assert_problem("compressed", 415, "unsupported_media_type", "gzip");
}
