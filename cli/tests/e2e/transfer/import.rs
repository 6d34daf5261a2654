//! `import --from DIR`: what is taken, and what is reported.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::TempDir;

use super::{run, text, write};
use crate::harness::{Server, program};

const UUID7: &str = "018cc251-f400-7000-8000-000000000000";

/// Three documents that can be taken, among many that cannot.
fn fill(root: &Path) {
    for (path, content) in [
        ("good.json", r#"{"request_id":"good"}"#.to_owned()),
        ("nested/deeper/also good.txt", "not ours".to_owned()),
        ("nested/deeper/.good.json", "{}".to_owned()),
        ("torn.json", r#"{"a":"#.to_owned()),
        ("array.json", "[]".to_owned()),
        ("day.json", r#"{"timestamp":"15.01.2024"}"#.to_owned()),
        ("other.json", r#"{"request_id":"another"}"#.to_owned()),
        ("a b.json", "{}".to_owned()),
        ("018CC251-F400-7000-8000-000000000000.json", "{}".to_owned()),
        ("ffffffff-0000-7000-8000-000000000000.json", "{}".to_owned()),
        ("large.json", format!("{{\"a\":\"{}\"}}", "x".repeat(100))),
        ("one/twice.json", r#"{"n":1}"#.to_owned()),
        ("two/twice.json", r#"{"n":2}"#.to_owned()),
        ("one/same.json", r#"{"n":3}"#.to_owned()),
        ("two/same.json", r#"{"n":3}"#.to_owned()),
    ] {
        write(root, path, content);
    }
    fs::create_dir(root.join("directory.json")).unwrap();
    symlink(root.join("good.json"), root.join("linked.json")).unwrap();
    symlink(root.join("nowhere"), root.join("broken.json")).unwrap();
    symlink(root, root.join("circle")).unwrap();
}

#[test]
fn bad_files_are_reported_one_by_one_and_all_others_are_taken() {
    let directory = TempDir::new().unwrap();
    let (root, store) = (directory.path().join("in"), directory.path().join("store"));
    let variables = [("LOCAL_STORAGE_DIR", text(&store)), ("MAX_DOCUMENT_BYTES", "100")];
    fill(&root);
    let problems = [
        "document_too_large large.json",
        "duplicate one/twice.json",
        "duplicate two/twice.json",
        "id_mismatch linked.json",
        "id_mismatch other.json",
        "invalid_document array.json",
        "invalid_document day.json",
        "invalid_id 018CC251-F400-7000-8000-000000000000.json",
        "invalid_id a b.json",
        "invalid_id ffffffff-0000-7000-8000-000000000000.json",
        "malformed_document torn.json",
        "symbolic_link circle",
        "unreadable broken.json",
    ];
    for counts in [[3, 0], [0, 3]] {
        let ran = run(&variables, &["import", "--from", text(&root)]);
        let mut found = ran.problems();
        // Which of two equal files is taken is not said.
        let same = found.iter().position(|problem| problem.ends_with("same.json")).unwrap();
        assert!(found.remove(same).starts_with("duplicate "), "{}", ran.out);
        assert_eq!((ran.code, found), (Some(1), problems.map(String::from).to_vec()), "{}", ran.out);
        assert_eq!([&ran.totals()["created"], &ran.totals()["unchanged"]], counts);
    }
    let server = Server::start(&variables);
    let client = server.client();
    assert_eq!(client.get("/analyses/good").body, br#"{"request_id":"good"}"#);
    assert_eq!(client.get("/analyses/same").body, br#"{"n":3}"#);
    assert_eq!(client.ids("").len(), 3);
}

#[test]
fn a_conflict_is_reported_and_replaced_only_when_told() {
    let directory = TempDir::new().unwrap();
    let (root, store) = (directory.path().join("in"), directory.path().join("store"));
    let variables = [("LOCAL_STORAGE_DIR", text(&store))];
    write(&root, "study-1.json", r#"{"timestamp":"2024-03-01T10:00:00","n":1}"#);
    write(&root, &format!("{UUID7}.json"), r#"{"timestamp":"2020-03-01T10:00:00"}"#);
    let import = ["import", "--from", text(&root)];

    let dry = run(&variables, &[&import[..], &["--dry-run"]].concat());
    dry.assert_well(&[("would_be_created", 2), ("would_be_replaced", 0)]);
    assert!(!store.join("analysis").exists(), "nothing is written");
    run(&variables, &import).assert_well(&[("created", 2)]);
    run(&variables, &[&import[..], &["--dry-run"]].concat()).assert_well(&[("unchanged", 2)]);

    write(&root, "study-1.json", r#"{"timestamp":"2021-03-01T10:00:00","n":2}"#);
    for arguments in [&["--dry-run"][..], &[]] {
        let ran = run(&variables, &[&import[..], arguments].concat());
        ran.assert_found(&["conflict study-1.json"]);
        assert_eq!(ran.totals()["unchanged"], 1);
    }
    run(&variables, &[&import[..], &["--dry-run", "--replace"]].concat())
        .assert_well(&[("would_be_replaced", 1)]);
    run(&variables, &[&import[..], &["--replace"]].concat())
        .assert_well(&[("replaced", 1), ("unchanged", 1)]);

    let server = Server::start(&variables);
    let client = server.client();
    assert_eq!(client.get("/analyses/study-1").json()["n"], 2);
    let page = client.get("/analyses").json();
    let created = |n: usize| page["analyses"][n]["created_at"].as_str().unwrap().to_owned();
    assert_eq!([created(0), created(1)], ["2024-03-01T10:00:00.000Z", "2024-01-01T00:00:00.000Z"]);
}

#[test]
fn one_id_that_cannot_be_saved_does_not_keep_others_from_it() {
    let directory = TempDir::new().unwrap();
    let (root, store) = (directory.path().join("in"), directory.path().join("store"));
    write(&store, "metadata/ids/aaa", "garbage");
    for id in ["aaa", "bbb", ".storage"] {
        write(&root, &format!("{id}.json"), "{}");
    }
    let variables = [("LOCAL_STORAGE_DIR", text(&store))];
    for counts in [[2, 0], [0, 2]] {
        let ran = run(&variables, &["import", "--from", text(&root)]);
        ran.assert_found(&["corrupt aaa.json"]);
        assert_eq!([&ran.totals()["created"], &ran.totals()["unchanged"]], counts);
    }
    assert_eq!(Server::start(&variables).client().get("/analyses/.storage").body, b"{}");
}

/// Everything below a directory, and when it was last written.
fn tree(root: &Path) -> Vec<(PathBuf, SystemTime)> {
    let mut found = vec![(root.to_owned(), fs::metadata(root).unwrap().modified().unwrap())];
    for entry in fs::read_dir(root).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(tree(&entry.path()));
        } else {
            found.push((entry.path(), entry.metadata().unwrap().modified().unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_dry_run_writes_nothing() {
    let directory = TempDir::new().unwrap();
    let (root, store) = (directory.path().join("in"), directory.path().join("store"));
    write(&root, "study-1.json", r#"{"timestamp":"2024-03-01"}"#);
    let dry = ["import", "--from", text(&root), "--dry-run"];
    let variables = [("LOCAL_STORAGE_DIR", text(&store))];
    run(&variables, &dry).assert_well(&[("would_be_created", 1)]);
    assert!(!store.exists());
    // Of a day that is over: a look at the totals would store them.
    run(&variables, &dry[..3]).assert_well(&[("created", 1)]);
    write(&root, "study-2.json", r#"{"timestamp":"2024-03-02"}"#);
    let before = tree(directory.path());
    run(&variables, &dry).assert_well(&[("would_be_created", 1), ("unchanged", 1)]);
    assert_eq!(tree(directory.path()), before);
}

#[test]
fn people_read_lines_and_the_wrong_use_is_explained() {
    let directory = TempDir::new().unwrap();
    let (root, store) = (directory.path().join("in"), directory.path().join("store"));
    let empty = directory.path().join("empty");
    write(&empty, "deeper/notes.txt", "not ours");
    write(&root, "array.json", "[]");
    let said = |arguments: &[&str]| {
        let output = program(&[("LOCAL_STORAGE_DIR", text(&store))]).args(arguments).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    for n in 1..=3 {
        write(&root, &format!("{n}/same.json"), n.to_string());
    }
    write(&root, "a\nb\u{1b}[2J.json", "{}");
    let (code, lines) = said(&["import", "--from", text(&root)]);
    assert_eq!(code, Some(1));
    assert!(lines.contains("a\\nb\\u{1b}[2J.json: ") && !lines.contains('\u{1b}'), "{lines:?}");
    let duplicate = "3/same.json: is one of 3 files with one id, as 1/same.json, and different content";
    assert!(lines.contains(duplicate), "{lines}");
    assert!(lines.contains("array.json: the body must be a JSON object, not an array"), "{lines}");
    assert!(
        lines.contains("import: 0 created, 0 replaced, 0 unchanged, 0 other files ignored, 5 problems"),
        "{lines}"
    );
    for (arguments, message) in [
        (&["import", "--from", text(&empty)][..], "there is no file {id}.json in"),
        (&["import", "--from", "/nonexistent"][..], "cannot read /nonexistent"),
        (&["import", "--from", text(directory.path())], "overlap; choose another directory"),
        (&["backup", "--to", text(&store.join("metadata"))], "overlap; choose another directory"),
        (&["import"], "--from"),
        (&["import", "--from", text(&root), "--from-region", "eu-west-1"], "go with --from s3://"),
        (&["import", "--from", "s3://Not_A_Bucket/x"], "\"Not_A_Bucket\" is not a bucket name"),
        (&["restore", "--from", text(&root)], "there is no manifest.jsonl in"),
        (&["verify", "--against", "/nonexistent"], "cannot read /nonexistent"),
        (&["backup", "--to", "/proc/nowhere"], "cannot use /proc/nowhere"),
    ] {
        let (code, text) = said(arguments);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(message), "{message:?} in {text}");
    }
}
