//! How commands end, and what ends them; help and completions.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::{Place, on_files, write};
use crate::harness::proxy::Fault;
use crate::harness::{Cloud, program, root};

#[test]
fn a_reader_that_leaves_is_no_failure() {
    on_files(|place, _| {
        let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(1 << 20));
        place.pipe(&["save", "-", "--id", "large"], large.as_bytes()).text();
        for arguments in [&["load", "large"][..], &["list"], &["stats"], &["completions", "bash"]] {
            let mut child = program(place.0)
                .args(arguments)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            drop(child.stdout.take());
            let mut messages = String::new();
            child.stderr.take().unwrap().read_to_string(&mut messages).unwrap();
            assert_eq!((child.wait().unwrap().code(), messages.as_str()), (Some(0), ""), "{arguments:?}");
        }
    });
}

#[test]
fn what_cannot_be_printed_is_a_failure() {
    on_files(|place, _| {
        place.pipe(&["save", "-", "--id", "study-1"], b"{}").text();
        for arguments in [&["load", "study-1"][..], &["list"], &["stats"], &["delete", "study-1"]] {
            let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
            let output =
                program(place.0).args(arguments).stdout(full).stderr(Stdio::piped()).output().unwrap();
            let messages = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {messages}");
            assert!(messages.starts_with("error: cannot print\n  caused by: No space left"), "{messages}");
        }
    });
}

#[test]
fn a_storage_that_fails_ends_with_2() {
    let unreachable = [
        ("STORAGE_TYPE", "s3"),
        ("S3_BUCKET_NAME", "analyses"),
        ("S3_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    for arguments in [&["save", "-"][..], &["load", "a"], &["list"], &["stats"], &["delete", "a"], &["cost"]]
    {
        Place(&unreachable).pipe(arguments, b"{}").assert_ends(2, "error: storage is unavailable: ");
        Place(&[("STORAGE_TYPE", "gcs")])
            .run(arguments)
            .assert_ends(2, "error: STORAGE_TYPE=\"gcs\" is not one of");
    }
}

#[test]
fn a_signal_ends_with_2() {
    // An S3 that takes requests and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let variables = [
        ("STORAGE_TYPE", "s3"),
        ("S3_BUCKET_NAME", "analyses"),
        ("S3_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let child = program(&variables).arg("list").stderr(Stdio::piped()).spawn().unwrap();
    let _connection = listener.accept().unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()),
        (Some(2), "error: interrupted\n")
    );
}

#[test]
fn a_signal_waits_for_the_save_under_way() {
    let cloud = Cloud::start();
    let proxy = cloud.proxy();
    // The document is stored when the request for its entry is lost; it is sent again.
    proxy.plan("metadata/index/", 0, &[Fault::Swallow]);
    let others = cloud.variables().into_iter().filter(|(name, _)| *name != "S3_ENDPOINT_URL");
    let variables: Vec<_> = others.chain([("S3_ENDPOINT_URL", proxy.url.as_str())]).collect();
    let directory = TempDir::new().unwrap();
    let [first, second] = ["1.json", "2.json"].map(|name| write(directory.path(), name, "{}"));
    let mut command = program(&variables);
    command.args(["save", &first, &second]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    wait_until(|| proxy.outstanding("metadata/index/") == 0);
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let messages = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{messages}");
    assert!(messages.ends_with("error: interrupted after 1 of 2\n"), "{messages}");
    let saved = String::from_utf8(output.stdout).unwrap();
    let listed = Place(&cloud.variables()).run(&["list", "--json"]).json();
    assert_eq!((saved.lines().count(), listed.len()), (1, 1), "{saved}");
    assert_eq!(listed[0]["request_id"], saved.trim_end());
}

fn wait_until(condition: impl Fn() -> bool) {
    for _ in 0..3000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it has not come about in half a minute");
}

/// `completion` has bash, fish and zsh complete.
#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = Place(&[]).run(&["completions", shell]).text();
        assert!(script.contains("DESIGN_ANALYSIS_COMPLETE"), "{script}");
        let place = Place(&[("DESIGN_ANALYSIS_COMPLETE", shell), ("_CLAP_COMPLETE_INDEX", "2")]);
        for (command, word) in [
            ("save", "--id-from-name"),
            ("load", "--version-id"),
            ("list", "--implementation"),
            ("check", "--start-after"),
        ] {
            let offered = place.run(&["--", "design-analysis", command, "--"]).text();
            assert!(offered.contains(word), "{word} for {shell}: {offered}");
        }
    }
    Place(&[]).run(&["completions", "dos"]).assert_ends(2, "invalid value 'dos'");
}

#[test]
fn exit_codes_are_in_the_help_and_the_readme() {
    let help = Place(&[]).run(&["--help"]).text();
    let page = fs::read_to_string(root().join("docs/commands.md")).unwrap();
    for meaning in ["all is well", "refused or skipped documents, unknown ids", "input or output, a signal"] {
        assert!(help.contains(meaning) && page.contains(meaning), "{meaning}");
    }
    Place(&[]).run(&[]).assert_ends(2, "Usage: design-analysis");
    Place(&[]).run(&["frobnicate"]).assert_ends(2, "unrecognized subcommand");
}
