//! Documents that other programs have put into a bucket: taken into another store, or adopted in place.

use serde_json::Value;

use super::run;
use crate::harness::{Cloud, program};

const ONE: &str = r#"{"implementation":"hybrid","n":1}"#;
const TWO: &str = r#"{"implementation":"openai","n":2}"#;
const UUID7: &str = "018cc251-f400-7000-8000-000000000000";

/// An older bucket, in which ids lie in any month.
fn fill(cloud: &Cloud) {
    let stamped = |id: &str, day: &str| vec![("request_id", id.to_owned()), ("timestamp", day.to_owned())];
    for (key, body, metadata) in [
        ("2024/01/in-metadata.json", ONE, stamped("in-metadata", "2023-07-01T08:00:00")),
        ("2024/01/in-document.json", r#"{"timestamp":"2022-02-02"}"#, stamped("in-document", "2023-07-01")),
        ("2019/05/by-month.json", ONE, vec![]),
        (&format!("2024/02/{UUID7}.json"), ONE, vec![]),
        ("2024/01/twice.json", ONE, stamped("twice", "2024-01-15T10:00:00")),
        ("2023/06/twice.json", TWO, stamped("twice", "2024-06-15T10:00:00")),
        ("2024/01/mislabelled.json", ONE, stamped("another", "2024-01-15")),
        ("2024/01/torn.json", "{", vec![]),
        ("2024/01/notes.txt", "notes", vec![]),
    ] {
        cloud.put_as_another_program(&format!("old/analysis/{key}"), body, metadata);
    }
}

fn listed(variables: &[(&str, &str)], directory: &str) -> Vec<(String, String)> {
    run(variables, &["backup", "--to", directory]);
    let lines = super::manifest(directory.as_ref());
    let field = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
    lines.iter().map(|line| (field(line, "id"), field(line, "created_at"))).collect()
}

/// Where the older bucket's documents lie, or what is below.
fn below(cloud: &Cloud, prefix: &str) -> String {
    format!("s3://{}/{prefix}", cloud.bucket())
}

const PROBLEMS: [&str; 4] = [
    "id_mismatch old/analysis/2024/01/mislabelled.json",
    "malformed_document old/analysis/2024/01/torn.json",
    "misplaced old/analysis/2024/01/notes.txt",
    "older old/analysis/2024/01/twice.json",
];

/// What is taken of the older bucket, and when it was created.
fn taken() -> [(String, String); 5] {
    [
        (UUID7, "2024-01-01T00:00:00.000Z"),
        ("by-month", "2019-05-31T23:59:59.999Z"),
        ("in-document", "2022-02-02T00:00:00.000Z"),
        ("in-metadata", "2023-07-01T08:00:00.000Z"),
        ("twice", "2024-06-15T10:00:00.000Z"),
    ]
    .map(|(id, created_at)| (id.to_owned(), created_at.to_owned()))
}

#[test]
fn an_older_bucket_is_taken_in_and_the_newest_of_an_id_wins() {
    let cloud = Cloud::start();
    fill(&cloud);
    let (variables, from) = (cloud.variables(), below(&cloud, "old"));
    for (arguments, counts) in [
        (&["--dry-run"][..], [("would_be_created", 5), ("unchanged", 0)]),
        (&[], [("created", 5), ("unchanged", 0)]),
        (&[], [("created", 0), ("unchanged", 5)]),
    ] {
        let ran = run(&variables, &[&["import", "--from", &from], arguments].concat());
        ran.assert_found(&PROBLEMS);
        assert!(counts.iter().all(|(name, count)| ran.totals()[*name] == *count), "{}", ran.out);
    }
    let directory = tempfile::TempDir::new().unwrap();
    let backup = directory.path().join("backup");
    assert_eq!(listed(&variables, super::text(&backup)), taken());
    assert_eq!(std::fs::read_to_string(backup.join("twice.json")).unwrap(), TWO);
}

#[test]
fn an_older_bucket_elsewhere_is_named_by_flags() {
    let cloud = Cloud::start();
    fill(&cloud);
    let directory = tempfile::TempDir::new().unwrap();
    let files = directory.path().join("files");
    let variables = [
        ("LOCAL_STORAGE_DIR", super::text(&files)),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let of_the_cloud = cloud.variables();
    let endpoint = of_the_cloud.iter().find(|(name, _)| *name == "S3_ENDPOINT_URL").unwrap().1;
    let from = ["--from", &below(&cloud, "old"), "--from-endpoint", endpoint, "--from-region", "us-east-1"];
    run(&variables, &[&["import"][..], &from].concat()).assert_found(&PROBLEMS);
    assert_eq!(listed(&variables, super::text(&directory.path().join("backup"))), taken());
}

#[test]
fn an_older_bucket_without_documents_is_an_error() {
    let cloud = Cloud::start();
    fill(&cloud);
    let ran = run(&cloud.variables(), &["import", "--from", &below(&cloud, "old/analysis")]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    let message = format!(
        "there are no objects below old/analysis/analysis/ in s3://{}; --from names what comes before",
        cloud.bucket()
    );
    assert!(ran.err.contains(&message), "{}", ran.err);
}

#[test]
fn the_store_itself_is_not_imported_but_adopted_by_a_repair() {
    let cloud = Cloud::start();
    fill(&cloud);
    cloud.put_as_another_program("old/analysis/2024/01/list.json", "[1]", vec![]);
    let variables = [&cloud.variables()[..], &[("S3_PREFIX", "old")]].concat();
    let refused = run(&variables, &["import", "--from", &below(&cloud, "old/")]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("`design-analysis repair` adopts"), "{}", refused.err);

    let output = program(&variables).arg("repair").output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let older = "misplaced object: old/analysis/2024/01/twice.json (its id belongs to \
                 old/analysis/2023/06/twice.json)";
    assert!(text.contains(older), "{text}");
    let torn = "damaged: torn (old/analysis/2024/01/torn.json has 1 bytes, and they are no JSON object)";
    assert!(text.contains(torn), "{text}");
    let directory = tempfile::TempDir::new().unwrap();
    let backup = directory.path().join("backup");
    let ids: Vec<String> = listed(&variables, super::text(&backup)).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["by-month", "in-document", "in-metadata", "list", "mislabelled", "twice"]);
    assert_eq!(std::fs::read_to_string(backup.join("twice.json")).unwrap(), TWO);
    // A document that is no analysis comes back, too.
    let restored = [&cloud.variables()[..], &[("S3_PREFIX", "restored")]].concat();
    run(&restored, &["restore", "--from", super::text(&backup)]).assert_well(&[("created", 6)]);
    run(&restored, &["verify", "--against", super::text(&backup)]).assert_well(&[("equal", 6)]);
}

#[test]
fn what_is_wrong_with_the_older_bucket_is_said_of_its_options() {
    let cloud = Cloud::start();
    let variables = cloud.variables();
    for (arguments, message) in [
        (
            &["--from", "s3://designs/old", "--from-endpoint", "http://127.0.0.1:9"][..],
            "LIST old/analysis/ at http://127.0.0.1:9 (--from-endpoint)",
        ),
        (&["--from", "s3://no-such-bucket/old"], "correct --from, --from-region or --from-endpoint"),
        (
            &["--from", "s3://designs", "--from-endpoint", "localhost"],
            "--from-endpoint=\"localhost\" is not a URL",
        ),
        (&["--from", "s3://My_Bucket"], "--from=\"My_Bucket\" is not a bucket name"),
    ] {
        let ran = run(&variables, &[&["import"], arguments].concat());
        assert_eq!(ran.code, Some(2), "{}", ran.err);
        assert!(ran.err.contains(message), "{message:?} in {}", ran.err);
        for own in ["S3_ENDPOINT_URL", "S3_BUCKET_NAME", "DispatchFailure", "ConnectorError", " { "] {
            assert!(!ran.err.contains(own), "{own} in {}", ran.err);
        }
        let mut lines: Vec<_> =
            ran.err.lines().map(|line| line.trim_start_matches("  caused by: ")).collect();
        let said = lines.len();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), said, "a cause is said twice: {}", ran.err);
    }
}
