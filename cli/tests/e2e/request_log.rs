//! What a server writes of the requests that it has answered.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use tempfile::TempDir;

use crate::harness::terminal::{CTRL_C, Seen, Terminal};
use crate::harness::{Client, program};

/// Runs a server at a terminal, sends it some requests, and ends it.
fn seen(variables: &[(&str, &str)]) -> Seen {
    let directory = TempDir::new().unwrap();
    let store = ("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap());
    let variables = [&[store], variables].concat();
    let mut terminal = Terminal::start(200, 40, &["serve", "--port", "0"], &variables);
    let shown = terminal.wait_for("/health");
    let url = shown.split("listening on ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let client = Client::new(&url);
    client.put("study-1", b"{\"n\":1}");
    let id = [("x-request-id", "trace-42")];
    client.send("GET", "/analyses/study-1", &id, b"");
    client.send("GET", "/analyses/none", &id, b"");
    client.send("GET", &format!("/{}", "x".repeat(5000)), &id, b"");
    terminal.wait_for("/xxx");
    terminal.press(CTRL_C);
    terminal.finish()
}

fn lines<'a>(seen: &'a Seen, part: &str) -> Vec<&'a str> {
    seen.lines.iter().map(|line| line.trim_end()).filter(|line| line.contains(part)).collect()
}

#[test]
fn at_a_terminal_each_request_is_one_short_line_that_ends_with_its_id() {
    let seen = seen(&[]);
    assert_eq!(seen.code, Some(0));
    let loaded = lines(&seen, "GET    /analyses/study-1 200 ");
    assert!(
        loaded.len() == 1 && loaded[0].ends_with(" ms 7 B  trace-42") && loaded[0].len() < 80,
        "{loaded:?}"
    );
    assert!(lines(&seen, "PUT    /analyses/study-1 201 ").len() == 1, "{}", seen.text());
    let long = lines(&seen, "/xxx");
    assert!(long.len() == 1 && long[0].len() < 250 && long[0].ends_with("  trace-42"), "{long:?}");
    for (colour, status) in [(32, 200), (32, 201), (33, 404)] {
        assert!(seen.raw.contains(&format!("\u{1b}[{colour}m{status}\u{1b}[0m")), "{:?}", seen.raw);
    }
}

#[test]
fn no_color_means_no_colours() {
    for variable in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let seen = seen(&[variable]);
        assert!(!lines(&seen, "GET    /analyses/none 404 ").is_empty(), "{}", seen.text());
        assert!(!seen.raw.contains('\u{1b}'), "{variable:?}: {:?}", seen.raw);
    }
}

#[test]
fn elsewhere_the_log_is_whole_and_plain() {
    let directory = TempDir::new().unwrap();
    let mut child = program(&[("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap())])
        .args(["serve", "--port", "0"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let started = lines.find(|line| line.contains("listening on ")).unwrap();
    let url = started.split("listening on ").nth(1).unwrap().split_whitespace().next().unwrap();
    Client::new(url).send("GET", "/analyses/none", &[("x-request-id", "trace-42")], b"");
    let line = lines.find(|line| line.contains("answered"));
    child.kill().unwrap();
    child.wait().unwrap();
    let line = line.unwrap();
    for part in ["id=\"trace-42\"", "method=GET", "path=\"/analyses/none\"", "status=404", "ms=", "bytes="] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!line.contains('\u{1b}'), "{line:?}");
}
