//! A wrong configuration ends the start with one clear line that says what to set; a right one says what to try.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::thread;

use tempfile::TempDir;

use crate::harness::proxy::Fault;
use crate::harness::terminal::{CTRL_C, Terminal};
use crate::harness::{Cloud, Server, program, until};

/// The lines that `serve` ends with.
fn failure(variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let output = program(variables).arg("serve").args(["--port", "0"]).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8(output.stderr).unwrap()
}

fn assert_says(variables: &[(&str, &str)], message: &str) {
    let log = failure(variables, &[]);
    let line = log.lines().find(|line| line.starts_with("error: ")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains(message), "{log}");
}

#[test]
fn unusable_values() {
    for (name, value, message) in [
        ("STORAGE_TYPE", "gcs", "STORAGE_TYPE=\"gcs\" is not one of local, s3"),
        ("STORAGE_TYPE", "s3", "S3_BUCKET_NAME is not set"),
        ("MAX_DOCUMENT_BYTES", "lots", "MAX_DOCUMENT_BYTES=\"lots\" is not a number of bytes"),
        ("RETENTION_DAYS", "a year", "RETENTION_DAYS=\"a year\" is not a number of days"),
        ("RUST_LOG", "info=loud", "RUST_LOG=\"info=loud\" is not a log filter"),
        (
            "API_HOST",
            "no.such.host.invalid",
            "cannot listen on no.such.host.invalid:0; set API_HOST and API_PORT",
        ),
    ] {
        assert_says(&[(name, value)], message);
    }
}

#[test]
fn unusable_directories() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert_says(&[("LOCAL_STORAGE_DIR", file.to_str().unwrap())], "set LOCAL_STORAGE_DIR to a directory");
    assert_says(&[("LOCAL_STORAGE_DIR", "/proc/nowhere")], "set LOCAL_STORAGE_DIR to a directory");
    // root may read everything, so that the permission itself can only be tested as another user.
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o000)).unwrap();
    let readable = std::fs::read_dir(directory.path()).is_ok();
    if !readable {
        assert_says(
            &[("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap())],
            "this user may read and write",
        );
    }
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn an_address_that_others_reach_needs_a_token_or_an_explicit_choice() {
    let directory = TempDir::new().unwrap();
    let files = ("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap());
    let log = failure(&[files], &["--host", "0.0.0.0"]);
    assert!(
        log.contains("0.0.0.0:0 can be reached by others; set API_TOKEN")
            && log.contains("--insecure-no-auth"),
        "{log}"
    );
    let log = failure(&[files, ("API_HOST", "::")], &[]);
    assert!(log.contains("set API_TOKEN"), "{log}");
}

#[test]
fn an_s3_that_cannot_be_used() {
    let cloud = Cloud::start();
    let with = |name: &str, value: &'static str| {
        let set = cloud.variables().into_iter().filter(move |(n, _)| *n != name);
        set.chain([(if value.is_empty() { "UNSET" } else { name }, value)].map(|(n, v)| (leak(n), v)))
            .collect::<Vec<_>>()
    };
    assert_says(&with("S3_BUCKET_NAME", "no-such-bucket"), "bucket `no-such-bucket` does not exist");
    assert_says(&with("AWS_ACCESS_KEY_ID", ""), "set AWS_ACCESS_KEY_ID");
}

#[test]
fn an_s3_that_is_away_is_served_as_unavailable_until_it_is_back() {
    let cloud = Cloud::start();
    let proxy = cloud.proxy();
    proxy.plan("", 0, &[Fault::SlowDown; 1000]);
    let server = cloud.server_behind(&proxy, "design-analysis");
    let client = server.client();
    assert_eq!(client.get("/health").status, 200);
    let away = client.get("/ready");
    away.assert_problem("/ready", 503, "storage_unavailable", "");
    assert_eq!(away.header("retry-after"), "2");
    let list = client.get("/analyses");
    list.assert_problem("a list", 503, "storage_unavailable", "");
    assert_eq!(list.header("retry-after"), "2");
    proxy.withdraw("");
    until(|| client.get("/ready").status == 200);
    assert_eq!(client.put("study-1", b"{}").status, 201);
}

#[test]
fn an_s3_that_never_answers_is_no_reason_not_to_serve() {
    let cloud = Cloud::start();
    let proxy = cloud.proxy();
    proxy.plan("", 0, &[Fault::Swallow; 1000]);
    let server = cloud.server_behind(&proxy, "design-analysis");
    assert_eq!(server.client().get("/health").status, 200);
    server.client().get("/ready").assert_problem("/ready", 503, "storage_unavailable", "");
}

#[test]
fn however_often_it_is_asked_ready_costs_one_request_in_a_while() {
    let cloud = Cloud::start();
    let proxy = cloud.proxy();
    let server = cloud.server_behind(&proxy, "design-analysis");
    let client = server.client();
    proxy.plan("max-keys=1&", 1, &[Fault::SlowDown; 1000]);
    let asked: Vec<_> = (0..50).map(|_| client.get("/ready").status).collect();
    assert_eq!(asked, [200; 50]);
    assert_eq!(proxy.withdraw("max-keys=1&"), 1000);
}

#[test]
fn at_a_terminal_it_says_what_to_try_next() {
    let directory = TempDir::new().unwrap();
    let variables = [("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap())];
    let mut terminal = Terminal::start(120, 24, &["serve", "--port", "0"], &variables);
    let shown = terminal.wait_for("try: ");
    assert!(shown.contains("curl http://127.0.0.1:") && shown.contains("/health"), "{shown}");
    terminal.press(CTRL_C);
    assert_eq!(terminal.finish().code, Some(0));
}

fn leak(name: &str) -> &'static str {
    Box::leak(name.to_owned().into_boxed_str())
}

#[test]
fn a_lock_that_is_held_elsewhere_stops_neither_reads_nor_the_end_of_the_server() {
    let directory = TempDir::new().unwrap();
    let server = Server::on_files(directory.path());
    let client = server.client();
    assert_eq!(client.put("study-1", b"{}").status, 201);
    let hold = |n| {
        let place = directory.path().join(format!(".storage/locks/{n:02}"));
        let lock = File::options().create(true).truncate(false).write(true).open(place).unwrap();
        lock.lock().unwrap();
        lock
    };
    let _held: Vec<File> = (0..64).map(hold).collect();
    let write = |n| {
        let client = server.client();
        thread::spawn(move || client.try_send("PUT", &format!("/analyses/new-{n}"), b"{}").map(|a| a.status))
    };
    // More than there are threads for writes.
    let writers: Vec<_> = (0..100).map(write).collect();
    for path in ["/health", "/ready", "/analyses", "/analyses/study-1", "/stats"] {
        assert_eq!(client.get(path).status, 200, "{path}");
    }
    assert!(server.terminate(), "it ends, though the lock is still held");
    for writer in writers {
        assert!(matches!(writer.join().unwrap(), None | Some(503)));
    }
}
