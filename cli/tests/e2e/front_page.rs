//! The page that people see who open the server in a browser.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Client, Server, root};

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");

/// Reads a page as a browser does: each start tag with its attributes, and the text behind it.
const PARSER: &str = "
import html.parser, json, sys
class Parser(html.parser.HTMLParser):
    found = []
    def handle_starttag(self, tag, attributes): self.found.append([tag, dict(attributes), ''])
    def handle_data(self, data): self.found and self.found[-1].__setitem__(2, self.found[-1][2] + data)
parser = Parser()
parser.feed(sys.stdin.read())
json.dump(parser.found, sys.stdout)
";

struct Element {
    tag: String,
    attributes: Value,
    text: String,
}

fn elements(page: &[u8]) -> Vec<Element> {
    let mut python = Command::new(root().join(".venv/bin/python"))
        .args(["-c", PARSER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(page).unwrap();
    let output = python.wait_with_output().unwrap();
    let found: Vec<(String, Value, String)> = serde_json::from_slice(&output.stdout).unwrap();
    found.into_iter().map(|(tag, attributes, text)| Element { tag, attributes, text }).collect()
}

fn texts<'a>(elements: &'a [Element], tag: &str) -> Vec<&'a str> {
    elements.iter().filter(|element| element.tag == tag).map(|element| element.text.trim()).collect()
}

#[test]
fn a_browser_sees_the_store_its_totals_and_the_newest_analyses() {
    let parent = TempDir::new().unwrap();
    let directory = parent.path().join("a <b> & \"c'");
    let server = Server::on_files(&directory);
    let client: Client = server.client();
    let empty = client.send("GET", "/", &[BROWSER], b"");
    assert!(texts(&elements(&empty.body), "pre")[0].contains("curl -X PUT"), "{}", empty.text());
    for n in 0..12 {
        client.put(&format!("study-{n}"), br#"{"implementation":"hybrid","status":"success"}"#);
    }

    let page = client.send("GET", "/", &[BROWSER], b"");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let elements = elements(&page.body);
    let cells = texts(&elements, "td");
    assert_eq!(&cells[..2], &[directory.to_str().unwrap(), "12"]);
    assert_eq!(&cells[3..5], &["hybrid 12", "success 12"]);
    let links = texts(&elements, "a");
    assert_eq!(links.len(), 10 + 5, "{links:?}");
    assert_eq!(links[0], client.get("/analyses").json()["analyses"][0]["request_id"]);
    // A browser takes them from where the page is.
    for element in elements.iter().filter(|element| element.tag == "a") {
        let link = element.attributes["href"].as_str().unwrap();
        assert_eq!(client.get(&format!("/{link}")).status, 200, "{link}");
    }
}

#[test]
fn the_page_runs_nothing_and_loads_nothing() {
    let directory = TempDir::new().unwrap();
    let server = Server::on_files(directory.path());
    let page = server.client().send("GET", "/", &[BROWSER], b"");
    for element in elements(&page.body) {
        assert!(
            !["script", "link", "img", "iframe", "form", "base"].contains(&&*element.tag),
            "{}",
            element.tag
        );
        for (name, value) in element.attributes.as_object().unwrap() {
            assert!(!["src", "style"].contains(&&**name) && !name.starts_with("on"), "{name}");
            assert!(name != "href" || !value.as_str().unwrap().contains(':'), "{value}");
        }
    }
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    for part in ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[test]
fn programs_get_json_that_says_the_same() {
    let directory = TempDir::new().unwrap();
    let server = Server::on_files(directory.path());
    let client = server.client();
    client.put("study-1", b"{}");
    for headers in [&[][..], &[("accept", "*/*")], &[("accept", "application/json, text/html;q=0.9")]] {
        let answer = client.send("GET", "/", headers, b"");
        assert_eq!((answer.header("content-type"), answer.header("vary")), ("application/json", "accept"));
        let said = answer.json();
        assert_eq!(said["store"], directory.path().to_str().unwrap());
        assert_eq!(
            (&said["stats"]["total_analyses"], &said["newest"][0]["request_id"]),
            (&1.into(), &"study-1".into())
        );
    }
    let head = client.send("HEAD", "/", &[BROWSER], b"");
    assert_eq!(
        (head.status, head.header("content-type"), head.body.len()),
        (200, "text/html; charset=utf-8", 0)
    );
}

#[test]
fn a_slash_too_many_leads_to_the_path_without_it() {
    let directory = TempDir::new().unwrap();
    let server = Server::on_files(directory.path());
    let client = server.client();
    client.put("study-1", b"{}");
    for (path, location) in [
        ("/analyses/", "../analyses"),
        ("/analyses/?limit=1", "../analyses?limit=1"),
        ("/analyses/study-1/", "../study-1"),
        ("//evil.example/", "../evil.example"),
    ] {
        let answer = client.without_redirects().get(path);
        assert_eq!((answer.status, answer.header("location")), (308, location), "{path}");
    }
    assert_eq!(client.get("/analyses/?limit=1").json()["analyses"][0]["request_id"], "study-1");
    assert_eq!(client.get("/analyses/study-1/").body, b"{}");
    client.send("DELETE", "/analyses/", &[], b"").assert_problem(
        "delete",
        404,
        "unknown_route",
        "/analyses/",
    );
    client.get("/analyses//").assert_problem("two", 404, "unknown_route", "/analyses//");
}

#[test]
fn json_is_indented_for_those_who_ask() {
    let directory = TempDir::new().unwrap();
    let server = Server::on_files(directory.path());
    let client = server.client();
    let saved = client.send("PUT", "/analyses/a?pretty=true", &[crate::harness::JSON], b"{ }");
    assert!(saved.status == 201 && saved.body.starts_with(b"{\n  \"request_id\": \"a\""), "{}", saved.text());
    client.put("b", b"{}");
    for path in ["/", "/analyses", "/stats", "/storage/info", "/nothing"] {
        let compact = client.get(path);
        let pretty = client.get(&format!("{path}?pretty=true"));
        assert_eq!(pretty.status, compact.status, "{path}");
        assert_eq!(pretty.header("content-type"), compact.header("content-type"), "{path}");
        let text = String::from_utf8(pretty.body).unwrap();
        assert!(text.starts_with("{\n  \"") && text.ends_with("\n}\n"), "{path}: {text}");
        assert!(!compact.body.contains(&b'\n'), "{path}");
    }
    let page = client.get("/analyses?limit=1&pretty=true");
    assert!(page.header("link").contains("pretty=true"), "{}", page.header("link"));
    client.get("/stats?pretty=yes").assert_problem("yes", 400, "invalid_query", "neither true nor false");
    // The bytes that were saved are what is loaded.
    client.get("/analyses/a?pretty=true").assert_problem(
        "document",
        400,
        "invalid_query",
        "known: version_id",
    );
}
