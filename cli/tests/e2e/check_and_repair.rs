//! `check` and `repair`: a store that has lost everything but its documents is what it was before.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Client, Cloud, Server, examples, program};

fn run(variables: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = program(variables).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code(), text)
}

fn assert_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

/// Saves the examples, one of them under a named id, and one replaced.
fn save_examples(client: &Client) {
    for (_, bytes) in examples() {
        assert_eq!(client.post(&bytes).status, 201);
    }
    let (_, bytes) = &examples()[0];
    for (id, status) in [("study-1", 201), ("study-1", 200), ("018cc251-f400-7000-8000-000000000000", 201)] {
        assert_eq!(client.put(id, bytes).status, status);
    }
}

/// What list and stats say, but for what a repair cannot know to the millisecond: when a named id was made.
fn seen(client: &Client) -> (Vec<Value>, Value) {
    let mut items = client.get("/analyses?limit=1000").json()["analyses"].as_array().unwrap().clone();
    for item in &mut items {
        let created_at = item["created_at"].as_str().unwrap()[.."2024-01".len()].to_owned();
        item["created_at"] = created_at.into();
    }
    items.sort_by_key(|item| item["request_id"].to_string());
    let mut stats = client.get("/stats").json();
    for field in ["as_of", "oldest", "newest"] {
        stats.as_object_mut().unwrap().remove(field).unwrap();
    }
    (items, stats)
}

/// Checks, repairs and checks a store whose metadata are gone.
fn check_and_repair(client: &Client, variables: &[(&str, &str)], before: &(Vec<Value>, Value)) {
    let documents = before.0.len();
    assert_eq!(client.get("/stats").json()["total_analyses"], 0);

    let (code, text) = run(variables, &["check"]);
    assert_eq!(code, Some(1), "{text}");
    // All were saved just now: those without an entry are not judged, those without an id record are.
    let young = format!("a save may be in flight: {}", documents - 2);
    assert_contains(
        &text,
        &["document without an id record: ", "study-1.json", &young, "error: damaged: 2 x "],
    );
    let (code, text) = run(variables, &["check", "--grace", "0"]);
    assert_eq!(code, Some(1), "{text}");
    let orphans = format!("error: damaged: {} x document without a current index entry", documents - 2);
    assert_contains(&text, &["analysis/2024/01/018cc251-f400-7000-8000-000000000000.json", &orphans]);
    assert_eq!(client.get("/stats").json()["total_analyses"], 0, "a check writes nothing");

    let (code, text) = run(variables, &["repair"]);
    assert_eq!(code, Some(0), "{text}");
    let examined = format!("examined: 0 analyses in the index, {documents} documents");
    assert_contains(&text, &["repaired document without an id record", &examined, "no damage left"]);
    assert_eq!(&seen(client), before);
    let (code, text) = run(variables, &["check", "--grace", "0"]);
    assert_eq!(code, Some(0), "{text}");
    assert_contains(&text, &["no damage found"]);
    let (code, text) = run(variables, &["repair"]);
    assert!(code == Some(0) && !text.contains("repaired"), "{text}");
}

#[test]
fn on_files() {
    let directory = TempDir::new().unwrap();
    let variables = [("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap())];
    let server = Server::on_files(directory.path());
    save_examples(&server.client());
    let before = seen(&server.client());
    fs::remove_dir_all(directory.path().join("metadata")).unwrap();
    check_and_repair(&server.client(), &variables, &before);
}

#[test]
fn on_s3() {
    let cloud = Cloud::start();
    let server = cloud.server();
    save_examples(&server.client());
    let before = seen(&server.client());
    cloud.remove("design-analysis/metadata/");
    check_and_repair(&server.client(), &cloud.variables(), &before);
}

#[test]
fn wrong_totals_are_reported_and_put_right() {
    let directory = TempDir::new().unwrap();
    let variables = [("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap())];
    let server = Server::on_files(directory.path());
    let old = "018cc251-f400-7000-8000-000000000000";
    assert_eq!(server.client().put(old, b"{}").status, 201);
    // Nobody doubts the past day once the marker of its change has gone.
    fs::remove_dir_all(directory.path().join("metadata/dirty")).unwrap();
    let snapshot = directory.path().join("metadata/storage-stats.json");
    assert_eq!(server.client().get("/stats").json()["total_analyses"], 1);
    let right = fs::read_to_string(&snapshot).unwrap();
    fs::write(&snapshot, right.replace("\"analyses\":1", "\"analyses\":7")).unwrap();
    assert_eq!(server.client().get("/stats").json()["total_analyses"], 7);

    let (code, text) = run(&variables, &["check"]);
    assert_eq!(code, Some(1), "{text}");
    assert_contains(&text, &["total_analyses is 7 instead of 1"]);
    assert_eq!(run(&variables, &["repair"]).0, Some(0));
    assert_eq!(server.client().get("/stats").json()["total_analyses"], 1);
    assert_eq!(run(&variables, &["check"]).0, Some(0));
}

#[test]
fn a_month_or_the_month_before_selects_what_is_examined() {
    let directory = TempDir::new().unwrap();
    let variables = [("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap())];
    for (month, id) in [("2024/01", "a"), ("2024/02", "b"), ("2024/02", "c")] {
        place(directory.path(), &format!("analysis/{month}/{id}.json"));
    }
    let check = |arguments: &[&str]| run(&variables, &[&["check", "--grace", "0"], arguments].concat()).1;
    assert_contains(&check(&[]), &["3 documents", "damaged: 3 x "]);
    assert_contains(&check(&["--month", "2024-01"]), &["1 documents", "damaged: 1 x "]);
    assert_contains(&check(&["--start-after", "2024-01"]), &["2 documents", "2024/02/c.json"]);
    for (wrong, message) in [
        (["repair", "--month", "January"], "error: \"January\" is not a month, such as 2024-01"),
        (["check", "--start-after", "here"], "\"here\" is not a month"),
    ] {
        let (code, text) = run(&variables, &wrong);
        assert_eq!(code, Some(2), "{text}");
        assert_contains(&text, &["error: ", message]);
    }
}

#[test]
fn what_cannot_be_repaired_is_reported_with_advice() {
    let directory = TempDir::new().unwrap();
    let variables = [("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap())];
    place(directory.path(), "analysis/2024/01/study-1.json");
    assert_eq!(run(&variables, &["repair"]).0, Some(0));
    place(directory.path(), "analysis/2024/02/study-1.json");
    place(directory.path(), "analysis/notes.txt");
    for command in ["repair", "check"] {
        let (code, text) = run(&variables, &[command]);
        assert_eq!(code, Some(1), "{text}");
        let moved = "2024/02/study-1.json (its id belongs to analysis/2024/01/study-1.json)";
        let foreign = "analysis/notes.txt (it is not analysis/YYYY/MM/{id}.json with a valid id)";
        assert_contains(&text, &[moved, foreign, "2 x misplaced object"]);
    }
}

#[test]
fn an_interrupted_repair_says_how_to_go_on() {
    // An S3 that takes requests and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let arguments = ["repair", "--start-after", "2024-01"];
    let child = program(&s3(&endpoint)).args(arguments).stderr(Stdio::piped()).spawn().unwrap();
    let _connection = listener.accept().unwrap();
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert_contains(&text, &["error: interrupted; go on with: design-analysis repair --start-after 2024-01"]);
}

#[test]
fn a_check_that_fails_says_how_to_go_on() {
    let (code, text) = run(&s3("http://127.0.0.1:9"), &["check", "--start-after", "2024-01"]);
    assert_eq!(code, Some(2), "{text}");
    let failed = "go on with: design-analysis check --grace 15 --start-after 2024-01";
    assert_contains(
        &text,
        &[failed, "error: stopped by a failure", "caused by: storage is unavailable: LIST"],
    );
}

fn s3(endpoint: &str) -> [(&str, &str); 5] {
    [
        ("STORAGE_TYPE", "s3"),
        ("S3_BUCKET_NAME", "analyses"),
        ("S3_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]
}

fn place(root: &Path, key: &str) {
    let path = root.join(key);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, r#"{"implementation":"hybrid"}"#).unwrap();
}
