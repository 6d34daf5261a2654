//! Stores that call themselves S3: tried out before anything is written, and looked into by `doctor`.

use std::process::Output;

use analysis_storage::testing::ministack::Ministack;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::s3_in_memory::S3InMemory;
use crate::harness::{Cloud, Server, program};
use crate::suite::{self, Deployment, Front};

const DOCUMENT: &str = "examples/hybrid-bike-sharing.json";

fn run(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    program(variables).current_dir(crate::harness::root()).args(arguments).output().unwrap()
}

fn messages(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The findings of `doctor` by what was looked at, and how it ended.
fn doctor(variables: &[(&str, &str)]) -> (Vec<Value>, Option<i32>) {
    let output = run(variables, &["doctor", "--json"]);
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", messages(&output)));
    (report["findings"].as_array().unwrap().clone(), output.status.code())
}

fn of_state<'a>(findings: &'a [Value], state: &str) -> Vec<&'a str> {
    let found = findings.iter().filter(|finding| finding["state"] == state);
    found.map(|finding| finding["check"].as_str().unwrap()).collect()
}

#[test]
fn a_store_that_forgets_conditions_is_refused_before_anything_is_written() {
    let s3 = S3InMemory::without_conditions();
    for arguments in [
        &["save", DOCUMENT][..],
        &["delete", "study-1"],
        &["delete", "--status", "error", "--yes=0"],
        &["repair"],
        &["import", "--from", "examples"],
        &["serve", "--port", "0"],
    ] {
        let output = run(&s3.variables(), arguments);
        let told = messages(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        for part in [
            "the store at S3_ENDPOINT_URL=http://127.0.0.1:",
            "PUT of a taken key with If-None-Match: *: answered with success, and must be 412",
            "Use another store",
        ] {
            assert!(told.contains(part), "{arguments:?}: {part} in {told}");
        }
    }
    assert_eq!(s3.keys(), [""; 0], "nothing is saved, and nothing is left behind");
    let before = s3.requests();
    let previewed = run(&s3.variables(), &["delete", "study-1", "--dry-run"]);
    assert!(!messages(&previewed).contains("the store at"), "{}", messages(&previewed));
    assert!(s3.requests() - before <= 4, "what only looks tries nothing out");
    for arguments in [&["list"][..], &["stats"], &["check"], &["delete", "--status", "error", "--dry-run"]] {
        let output = run(&s3.variables(), arguments);
        assert!(output.status.success(), "a read is never refused: {}", messages(&output));
    }
    let (findings, code) = doctor(&s3.variables());
    assert_eq!(code, Some(1));
    let wrong = of_state(&findings, "wrong");
    assert!(wrong.contains(&"PUT with a wrong If-Match"), "{wrong:?}");
}

#[test]
fn a_store_that_only_the_aws_profile_names_is_tried_out_too() {
    let (s3, directory) = (S3InMemory::without_conditions(), TempDir::new().unwrap());
    let variables = s3.variables();
    let (_, endpoint) = variables.iter().find(|(name, _)| *name == "S3_ENDPOINT_URL").unwrap();
    let profile = directory.path().join("config");
    std::fs::write(&profile, format!("[default]\nendpoint_url = {endpoint}\n")).unwrap();
    let others = variables.iter().copied().filter(|(name, _)| *name != "S3_ENDPOINT_URL");
    let set: Vec<_> = others.chain([("AWS_CONFIG_FILE", profile.to_str().unwrap())]).collect();
    let saved = run(&set, &["save", DOCUMENT]);
    let told = messages(&saved);
    assert_eq!(saved.status.code(), Some(2), "{told}");
    assert!(told.contains("the store at endpoint_url=http://127.0.0.1:"), "{told}");
    assert_eq!(s3.keys(), [""; 0]);
}

#[test]
fn a_store_is_tried_out_once_a_day_and_the_bucket_remembers() {
    let s3 = S3InMemory::start();
    let save = || {
        let before = s3.requests();
        let output = run(&s3.variables(), &["save", DOCUMENT]);
        assert!(output.status.success() && output.stderr.is_empty(), "{}", messages(&output));
        s3.requests() - before
    };
    assert!(save() > 50, "it is tried out");
    let record = "/analyses/design-analysis/metadata/store.json".to_owned();
    assert!(s3.keys().contains(&record), "{:?}", s3.keys());
    assert!(!s3.keys().iter().any(|key| key.contains("/probe/")), "{:?}", s3.keys());
    assert!(save() <= 4, "one request more than the save itself");
    let listed = run(&s3.variables(), &["list"]);
    assert!(listed.status.success());
}

#[test]
fn a_store_that_was_tried_out_in_part_is_not_remembered() {
    let s3 = S3InMemory::failing_to_put("/b.json");
    let saved = run(&s3.variables(), &["save", DOCUMENT]);
    let told = messages(&saved);
    assert!(saved.status.success() && told.contains("could not be tried out: "), "{told}");
    assert!(!s3.keys().iter().any(|key| key.ends_with("/store.json")), "{:?}", s3.keys());
}

#[test]
fn who_may_not_try_a_store_out_is_told_so_and_goes_on() {
    let ministack = Ministack::start_with(true);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(ministack.bucket("designs", true));
    let endpoint = ministack.endpoint();
    let variables = |keys: &'static (String, String)| {
        [
            ("STORAGE_TYPE", "s3"),
            ("S3_BUCKET_NAME", "designs"),
            ("S3_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", keys.0.as_str()),
            ("AWS_SECRET_ACCESS_KEY", keys.1.as_str()),
        ]
    };
    let user = |name: &str, statements: &str| -> &'static (String, String) {
        let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        Box::leak(Box::new(ministack.user(name, &policy)))
    };
    let all = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    let not_there =
        r#"{"Effect":"Deny","Action":"s3:PutObject","Resource":"arn:aws:s3:::designs/*/probe/*"}"#;
    let narrow = user("narrow", &format!("{all},{not_there}"));
    let saved = run(&variables(narrow), &["save", DOCUMENT]);
    assert!(saved.status.success(), "{}", messages(&saved));
    assert!(
        messages(&saved).contains("could not be tried out: S3 denies s3:PutObject"),
        "{}",
        messages(&saved)
    );

    let reader =
        user("reader", r#"{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":"*"}"#);
    let listed = run(&variables(reader), &["list"]);
    assert!(listed.status.success() && !messages(&listed).contains("tried out"), "{}", messages(&listed));
    let (findings, code) = doctor(&variables(reader));
    assert_eq!(code, Some(1));
    let denied = of_state(&findings, "wrong");
    let is_write = |check: &&str| check.starts_with("s3:PutObject") || check.starts_with("s3:DeleteObject");
    assert!(!denied.iter().any(is_write), "nothing is written to what could not be tried out: {denied:?}");
    let unknown = of_state(&findings, "unknown");
    assert_eq!(unknown.iter().filter(|check| is_write(check)).count(), 9, "{unknown:?}");
    assert!(!denied.iter().any(|check| check.starts_with("s3:GetObject ")), "{denied:?}");
}

#[test]
fn doctor_finds_nothing_wrong_with_a_sound_store_and_says_what_could_be_better() {
    let (cloud, directory) = (Cloud::start(), TempDir::new().unwrap());
    let (findings, code) = doctor(&cloud.variables());
    assert_eq!((code, of_state(&findings, "wrong")), (Some(0), vec![]), "{findings:?}");
    for finding in &findings {
        let has_advice = finding["advice"].is_string();
        assert_eq!(has_advice, finding["state"] != "ok", "a line of advice for each finding: {finding}");
    }
    for check in ["credentials", "clock", "versioning", "encryption", "lifecycle rules", "leftovers"] {
        assert!(findings.iter().any(|finding| finding["check"] == check), "{check}");
    }
    let variables = cloud.variables();
    let kept = [&variables[..], &[("RETENTION_DAYS", "30")]].concat();
    let (findings, _) = doctor(&kept);
    assert!(of_state(&findings, "advice").contains(&"lifecycle rules"), "{findings:?}");

    let files = [("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap())];
    assert_eq!(doctor(&files).1, Some(0));
    assert_eq!(doctor(&[("LOCAL_STORAGE_DIR", "/nowhere")]).1, Some(1));
    let table = String::from_utf8(run(&files, &["doctor"]).stdout).unwrap();
    assert!(table.contains("CHECK") && table.contains("file system  ok "), "{table}");
}

#[test]
fn doctor_says_what_keeps_it_from_the_bucket() {
    let cloud = Cloud::start();
    let with = |name: &'static str, value: &'static str| {
        let others = cloud.variables().into_iter().filter(|(other, _)| *other != name);
        let set: Vec<(String, String)> =
            others.chain([(name, value)]).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        let set: Vec<(&str, &str)> = set.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let (findings, code) = doctor(&set);
        assert_eq!((code, findings.len()), (Some(1), 1), "{findings:?}");
        findings[0]["advice"].as_str().unwrap().to_owned()
    };
    assert!(with("S3_BUCKET_NAME", "no-such-bucket").contains("does not exist at"));
    assert!(with("S3_ENDPOINT_URL", "http://127.0.0.1:9").contains("Connection refused"));
}

#[test]
#[ignore = "`make stores` runs it against the stores that it starts"]
fn the_whole_api_on_the_store_that_store_url_names() {
    let set = |name: &str| std::env::var(name).unwrap();
    let (url, bucket) = (set("STORE_URL"), set("STORE_BUCKET"));
    let (key, secret, sse) = (set("STORE_KEY_ID"), set("STORE_SECRET"), set("STORE_SSE"));
    let server = Server::start(&[
        ("STORAGE_TYPE", "s3"),
        ("S3_BUCKET_NAME", &bucket),
        ("S3_ENDPOINT_URL", &url),
        ("S3_SSE", &sse),
        ("AWS_ACCESS_KEY_ID", &key),
        ("AWS_SECRET_ACCESS_KEY", &secret),
    ]);
    let deployment =
        Deployment { versions: true, storage_type: "s3", front: Front::None, max_document_bytes: 32 << 20 };
    suite::run(&server.client(), deployment);
}
