//! Commands that are told to end.

use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::tree::plant;
use super::{index_entries, run, text, write};
use crate::harness::program;

fn start(variables: &[(&str, &str)], arguments: &[&str]) -> Child {
    let mut command = program(variables);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends the signal, and returns the exit code and what was said.
fn end(child: Child, signal: &str) -> (Option<i32>, String) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

const INTERRUPTED: &str = "error: interrupted; the same command goes on where it was";

#[test]
fn a_transfer_that_is_told_to_end_finishes_what_it_has_begun() {
    let directory = TempDir::new().unwrap();
    let [source, store] = ["source", "store"].map(|name| directory.path().join(name));
    plant(&source, 900, 14);
    let variables = [("LOCAL_STORAGE_DIR", text(&store))];
    let import = ["import", "--from", text(&source)];
    let child = start(&variables, &import);
    let deadline = Instant::now() + Duration::from_mins(1);
    while index_entries(&store).len() < 20 {
        assert!(Instant::now() < deadline, "nothing is saved");
        thread::sleep(Duration::from_millis(2));
    }
    let (code, said) = end(child, "-TERM");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("finishing what has been begun") && said.contains(INTERRUPTED), "{said}");
    let check = program(&variables).args(["check", "--grace", "0"]).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    let rest = run(&variables, &import);
    rest.assert_well(&[]);
    assert!(
        rest.totals()["created"].as_u64().unwrap() > 0 && rest.totals()["unchanged"].as_u64().unwrap() >= 20
    );
}

#[test]
fn an_import_is_finished_when_problems_cannot_be_reported() {
    let directory = TempDir::new().unwrap();
    let [source, store] = ["source", "store"].map(|name| directory.path().join(name));
    for n in 0..60 {
        write(&source, &format!("{n}.json"), if n % 2 == 0 { "{}" } else { "{" });
    }
    let variables = [("LOCAL_STORAGE_DIR", text(&store))];
    let mut import = program(&variables);
    import.args(["import", "--from", text(&source)]).stdout(File::create("/dev/full").unwrap());
    let output = import.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("cannot report"), "{said}");
    let check = program(&variables).args(["check", "--grace", "0"]).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    assert!(!index_entries(&store).is_empty(), "what was begun is stored");
}

#[test]
fn a_store_that_never_answers_does_not_keep_a_command_from_ending() {
    for arguments in [["backup", "--to"], ["verify", "--against"], ["import", "--from"]] {
        // One for each: what has been backed up to is not imported from.
        let directory = TempDir::new().unwrap();
        write(directory.path(), "study-1.json", "{}");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let variables = [
            ("STORAGE_TYPE", "s3"),
            ("S3_BUCKET_NAME", "analyses"),
            ("S3_ENDPOINT_URL", &*endpoint),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ];
        let child = start(&variables, &[&arguments[..], &[text(directory.path())]].concat());
        let _connection = listener.accept().unwrap();
        let (code, said) = end(child, "-INT");
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(INTERRUPTED), "{said}");
    }
}

#[test]
fn a_failure_of_the_store_says_how_to_go_on() {
    let directory = TempDir::new().unwrap();
    let variables = [
        ("STORAGE_TYPE", "s3"),
        ("S3_BUCKET_NAME", "analyses"),
        ("S3_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let ran = run(&variables, &["backup", "--to", text(directory.path())]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("stopped by a failure; the same command goes on where it was"), "{}", ran.err);
    assert!(ran.err.contains("caused by: storage is unavailable: LIST"), "{}", ran.err);
}
