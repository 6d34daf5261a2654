//! Conditional requests.

use crate::harness::{Client, JSON};

pub(super) fn run(client: &Client) {
    reads(client);
    writes(client);
}

fn reads(client: &Client) {
    let saved = client.put("cached", br#"{"n":1}"#);
    let tag = saved.header("etag").to_owned();
    let path = "/analyses/cached";
    let get = |name: &str, value: &str| client.send("GET", path, &[(name, value)], b"");
    for (name, value, status) in [
        ("if-none-match", tag.as_str(), 304),
        ("if-none-match", &format!("W/{tag}"), 304),
        ("if-none-match", &format!("\"other\", {tag}"), 304),
        ("if-none-match", &format!(",\"other\", ,{tag},"), 304),
        ("if-match", &format!(", {tag}"), 200),
        ("if-none-match", "*", 304),
        ("if-none-match", "\"other\"", 200),
        ("if-none-match", "\"other\", \"another\"", 200),
        ("if-match", &tag, 200),
        ("if-match", "*", 200),
        ("if-modified-since", "Sat, 01 Jan 2000 00:00:00 GMT", 200),
        ("if-modified-since", "not a date", 200),
        ("if-unmodified-since", "Fri, 01 Jan 2100 00:00:00 GMT", 200),
    ] {
        let answer = get(name, value);
        assert_eq!(answer.status, status, "{name}: {value}");
        assert_eq!(answer.header("etag"), tag, "{name}: {value}");
        assert_eq!(answer.body.is_empty(), status == 304, "{name}: {value}");
        assert_eq!(client.send("HEAD", path, &[(name, value)], b"").status, status, "HEAD {name}: {value}");
    }
    let written = client.get(path).header("last-modified").to_owned();
    assert_eq!(get("if-modified-since", &written).status, 304);
    let old = "Sat, 01 Jan 2000 00:00:00 GMT";
    get("if-unmodified-since", old).assert_problem("since", 412, "precondition_failed", "saved after");
    get("if-match", "\"other\"").assert_problem("if-match", 412, "precondition_failed", "tag of If-Match");
    for (name, value) in [("if-none-match", "other"), ("if-match", "\"open"), ("if-match", "")] {
        get(name, value).assert_problem(name, 400, "invalid_header", "entity tags in quotes");
    }

    client.put("cached", br#"{"n":2}"#);
    let changed = get("if-none-match", &tag);
    assert_eq!((changed.status, changed.body.as_slice()), (200, &br#"{"n":2}"#[..]));
    assert_eq!(client.delete("cached").status, 204);
    get("if-none-match", &tag).assert_problem("deleted", 404, "not_found", "cached");
}

fn writes(client: &Client) {
    let third = guarded_saves(client);
    guarded_deletes(client, &third);
    malformed(client);
}

/// Gives the tag in force at the end.
fn guarded_saves(client: &Client) -> String {
    let put = |name: &str, value: &str, body: &str| {
        client.send("PUT", "/analyses/guarded", &[JSON, (name, value)], body.as_bytes())
    };

    put("if-match", "*", "{}").assert_problem("absent", 412, "precondition_failed", "does not exist");
    put("if-match", "\"x\"", "{}").assert_problem("absent", 412, "precondition_failed", "does not exist");
    let first = put("if-none-match", "*", r#"{"n":1}"#);
    assert_eq!(first.status, 201);
    put("if-none-match", "*", "{}").assert_problem("taken", 412, "precondition_failed", "exists already");

    let second = put("if-match", first.header("etag"), r#"{"n":2}"#);
    assert_eq!(second.status, 200);
    put("if-match", first.header("etag"), "{}").assert_problem(
        "stale",
        412,
        "precondition_failed",
        "has changed",
    );
    let listed = format!("\"x\", {}", second.header("etag"));
    let third = put("if-match", &listed, r#"{"n":3}"#);
    assert_eq!(third.status, 200);
    put("if-match", &listed, "{}").assert_problem("stale", 412, "precondition_failed", "one of the tags");
    let weak = format!("W/{}", third.header("etag"));
    for weak in [weak.clone(), format!("\"x\", {weak}")] {
        put("if-match", &weak, "{}").assert_problem(
            "weak",
            412,
            "precondition_failed",
            "a proxy that compresses",
        );
    }
    let either = format!(", {weak}, ,{},", third.header("etag"));
    let fourth = put("if-match", &either, r#"{"n":4}"#);
    assert_eq!(fourth.status, 200, "{}", fourth.text());
    let third = put("if-match", &format!(",{}", fourth.header("etag")), r#"{"n":3}"#);
    assert_eq!(third.status, 200);
    assert_eq!(client.get("/analyses/guarded").body, br#"{"n":3}"#);

    third.header("etag").to_owned()
}

fn guarded_deletes(client: &Client, tag: &str) {
    let delete = |name: &str, value: &str| client.send("DELETE", "/analyses/guarded", &[(name, value)], b"");
    delete("if-match", "\"stale\"").assert_problem("stale", 412, "precondition_failed", "has changed");
    let weak = format!("W/{tag}");
    delete("if-match", &weak).assert_problem("weak", 412, "precondition_failed", "a proxy that compresses");
    delete("if-none-match", "*").assert_problem("delete", 400, "invalid_header", "takes `If-Match`");
    assert_eq!(client.get("/analyses/guarded").body, br#"{"n":3}"#);
    assert_eq!(delete("if-match", tag).status, 204);
    delete("if-match", "*").assert_problem("gone", 404, "not_found", "guarded");
}

fn malformed(client: &Client) {
    let put =
        |name: &str, value: &str| client.send("PUT", "/analyses/guarded", &[JSON, (name, value)], b"{}");
    put("if-match", "x").assert_problem("syntax", 400, "invalid_header", "`if-match: x`");
    put("if-none-match", "\"x\"").assert_problem("tag", 400, "invalid_header", "`If-None-Match: *` only");
    put("if-unmodified-since", "Sat, 01 Jan 2000 00:00:00 GMT").assert_problem(
        "date",
        400,
        "invalid_header",
        "`If-Match`",
    );
    put("content-range", "bytes 0-1/9").assert_problem("range", 400, "invalid_header", "`Content-Range`");
    let both = [JSON, ("if-match", "*"), ("if-none-match", "*")];
    client.send("PUT", "/analyses/guarded", &both, b"{}").assert_problem(
        "both",
        400,
        "invalid_header",
        "never both",
    );
    let create = client.send("POST", "/analyses", &[JSON, ("if-match", "\"x\"")], b"{}");
    create.assert_problem("new id", 412, "precondition_failed", "a new analysis has no tag");
    assert_eq!(client.get("/analyses/guarded").status, 404);
}
