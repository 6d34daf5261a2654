//! Range requests.

use crate::harness::{Answer, Client, JSON};

const PATH: &str = "/analyses/pieces";
const DOCUMENT: &[u8] = "{\"text\":\"0123456789 \u{e4}\u{20ac}\"}".as_bytes();

pub(super) fn run(client: &Client) {
    let tag = client.put("pieces", DOCUMENT).header("etag").to_owned();
    pieces(client, &tag);
    ignored(client);
    not_satisfiable(client, &tag);
    conditions(client, &tag);
    assert_eq!(client.delete("pieces").status, 204);
    get(client, &[("range", "bytes=0-1")]).assert_problem("deleted", 404, "not_found", "pieces");
}

fn get(client: &Client, headers: &[(&str, &str)]) -> Answer {
    client.send("GET", PATH, headers, b"")
}

fn pieces(client: &Client, tag: &str) {
    let size = DOCUMENT.len();
    for (range, first, end) in [
        ("bytes=0-0", 0, 1),
        ("bytes=0-9", 0, 10),
        // In the middle of a character.
        ("bytes=20-21", 20, 22),
        ("bytes=10-", 10, size),
        ("bytes=10-99999", 10, size),
        ("bytes=-5", size - 5, size),
        ("bytes=-99999", 0, size),
        ("bytes=0-", 0, size),
    ] {
        let answer = get(client, &[("range", range)]);
        assert_eq!((answer.status, answer.body.as_slice()), (206, &DOCUMENT[first..end]), "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes {first}-{}/{size}", end - 1), "{range}");
        assert_eq!((answer.header("etag"), answer.header("accept-ranges")), (tag, "bytes"), "{range}");
        assert_eq!(answer.header("content-length"), (end - first).to_string(), "{range}");
        assert!(answer.headers.contains_key("last-modified"), "{range}");
    }
    let mut whole = get(client, &[("range", "bytes=0-6")]).body;
    whole.extend(get(client, &[("range", "bytes=7-"), ("if-range", tag)]).body);
    assert_eq!(whole, DOCUMENT);
}

/// RFC 9110, section 14.2: what a server does not know or understand is as if it were not there.
fn ignored(client: &Client) {
    for range in ["bytes=0-1,3-4", "bytes=5-4", "bytes=x-y", "bytes=", "lines=0-1", "0-1"] {
        let answer = get(client, &[("range", range)]);
        assert_eq!((answer.status, answer.body.as_slice()), (200, DOCUMENT), "{range}");
        assert!(!answer.headers.contains_key("content-range"), "{range}");
    }
    let head = client.send("HEAD", PATH, &[("range", "bytes=0-1")], b"");
    assert_eq!((head.status, head.header("content-length")), (200, DOCUMENT.len().to_string().as_str()));
    assert_eq!(head.header("accept-ranges"), "bytes");
}

fn not_satisfiable(client: &Client, tag: &str) {
    let size = DOCUMENT.len();
    for range in [format!("bytes={size}-"), "bytes=5000-6000".to_owned(), "bytes=-0".to_owned()] {
        let answer = get(client, &[("range", &range)]);
        answer.assert_problem(&range, 416, "range_not_satisfiable", &format!("has {size} bytes"));
        assert_eq!(answer.header("content-range"), format!("bytes */{size}"), "{range}");
    }
    let beyond = ("range", "bytes=5000-");
    get(client, &[beyond, ("if-match", "\"other\"")]).assert_problem(
        "412 first",
        412,
        "precondition_failed",
        "",
    );
    assert_eq!(get(client, &[beyond, ("if-none-match", tag)]).status, 304);
    let changed = get(client, &[beyond, ("if-range", "\"other\"")]);
    assert_eq!((changed.status, changed.body.as_slice()), (200, DOCUMENT));
}

fn conditions(client: &Client, tag: &str) {
    let range = ("range", "bytes=0-1");
    for (name, value, status) in [
        ("if-range", tag, 206),
        ("if-range", "\"other\"", 200),
        ("if-range", &format!("W/{tag}"), 200),
        ("if-range", "Fri, 01 Jan 2100 00:00:00 GMT", 200),
        ("if-match", tag, 206),
        ("if-match", "\"other\"", 412),
        ("if-none-match", tag, 304),
        ("if-none-match", "\"other\"", 206),
    ] {
        let answer = get(client, &[range, (name, value)]);
        assert_eq!(answer.status, status, "{name}: {value}");
        if status == 200 {
            assert_eq!(answer.body, DOCUMENT, "{name}: {value}");
        }
    }
    let written = get(client, &[]).header("last-modified").to_owned();
    assert_eq!(get(client, &[range, ("if-range", &written)]).status, 200, "a date is too coarse");
    // A part of the old document never comes with one of the new.
    client.send("PUT", PATH, &[JSON], b"{\"n\":2}");
    let changed = get(client, &[("range", "bytes=2-3"), ("if-range", tag)]);
    assert_eq!((changed.status, changed.body.as_slice()), (200, &b"{\"n\":2}"[..]));
}
