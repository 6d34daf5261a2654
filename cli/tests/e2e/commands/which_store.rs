//! Which store a command works on, and that it says so.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;

use super::{Place, on_files, write};
use crate::harness::{Cloud, program};

const READING: [&[&str]; 8] = [
    &["list"],
    &["load", "study-1"],
    &["stats"],
    &["delete", "study-1"],
    &["cost"],
    &["check"],
    &["backup", "--to", "backup"],
    &["verify", "--against", "."],
];

/// A place, and the arguments that name its store.
fn with_store(store: &Path, arguments: &[&str]) -> Vec<String> {
    let option = ["--store", store.to_str().unwrap()];
    arguments.iter().chain(&option).map(ToString::to_string).collect()
}

#[test]
fn what_reads_makes_no_store_and_names_the_one_that_is_missing() {
    let directory = TempDir::new().unwrap();
    let place = directory.path().canonicalize().unwrap();
    let missing = format!("error: there is no store in {}: ", place.join("analysis_results").display());
    for arguments in READING.into_iter().chain([&["repair"][..]]) {
        let output = program(&[]).args(arguments).current_dir(&place).output().unwrap();
        let messages = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {messages}");
        assert!(messages.starts_with(&missing), "{arguments:?}: {messages}");
        assert!(messages.contains("--store or LOCAL_STORAGE_DIR"), "{messages}");
        assert!(!messages.contains("caused by"), "the line says it: {messages}");
    }
    let made: Vec<_> = fs::read_dir(&place).unwrap().collect();
    assert!(made.is_empty(), "{made:?}");
    let file = write(&place, "file", "");
    Place(&[]).run(&["list", "--store", &file]).assert_ends(2, &format!("there is no store in {file}: "));
}

#[test]
fn what_saves_makes_the_store() {
    let directory = TempDir::new().unwrap();
    let source = directory.path().join("source");
    fs::create_dir(&source).unwrap();
    write(&source, "study-1.json", "{}");
    let (source, backup) = (source.to_str().unwrap(), directory.path().join("backup"));
    let backup = backup.to_str().unwrap();
    let run = |store: &str, arguments: &[&str]| {
        let arguments = with_store(&directory.path().join(store), arguments);
        Place(&[]).pipe(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), b"{}").text()
    };
    run("saved", &["save", "-"]);
    run("imported", &["import", "--from", source]);
    run("imported", &["backup", "--to", backup]);
    run("restored", &["restore", "--from", backup]);
    for store in ["saved", "imported", "restored"] {
        assert!(run(store, &["stats"]).contains("Analyses   1\n"), "{store}");
    }
}

#[test]
fn the_option_goes_before_the_variables_and_may_stand_anywhere() {
    on_files(|place, directory| {
        let other = directory.join("other");
        let other = other.to_str().unwrap();
        assert_eq!(place.pipe(&["--store", other, "save", "-", "--id", "a"], b"{}").text(), "a\n");
        place.pipe(&["save", "-", "--id", "b"], b"{}").text();
        assert_eq!(place.run(&["list", "--json", "--store", other]).json()[0]["request_id"], "a");
        assert_eq!(place.run(&["list", "--json"]).json()[0]["request_id"], "b");
        place.run(&["list", "--store", "gs://bucket"]).assert_ends(2, "is neither a directory nor s3://");
        place.run(&["list", "--store", "s3://B"]).assert_ends(2, "error: --store=\"B\" is not a bucket name");
    });
}

#[test]
fn the_option_names_a_bucket_and_its_prefix() {
    let cloud = Cloud::start();
    let others = cloud.variables().into_iter();
    let variables: Vec<_> =
        others.filter(|(name, _)| !["STORAGE_TYPE", "S3_BUCKET_NAME"].contains(name)).collect();
    let endpoint = variables.iter().find(|(name, _)| *name == "S3_ENDPOINT_URL").unwrap().1;
    let store = format!("s3://{}/team-a", cloud.bucket());
    let place = Place(&variables);
    place.pipe(&["save", "-", "--id", "a", "--store", &store], b"{}").text();
    let list = place.run(&["list", "--store", &store]);
    list.assert_ends(0, &format!("1 analysis in {store} at {endpoint}"));
    let whole = format!("s3://{}", cloud.bucket());
    place.run(&["list", "--store", &whole]).assert_ends(0, "there are no such analyses in s3://");
    let unknown = place.run(&["list", "--store", "s3://no-such-bucket"]);
    unknown.assert_ends(2, "bucket `no-such-bucket` does not exist");
    unknown.assert_ends(2, "set --store, or create it");
}

#[test]
fn a_bucket_that_is_set_but_not_used_is_doubted_once() {
    on_files(|place, _| {
        place.pipe(&["save", "-", "--id", "a"], b"{}").text();
        let with = |more: &[(&'static str, &'static str)], arguments: &[&str]| {
            let variables: Vec<_> = place.0.iter().copied().chain(more.iter().copied()).collect();
            let run = Place(&variables).run(arguments);
            assert_eq!(run.code, Some(0), "{}", run.messages);
            run.messages.lines().filter(|line| line.starts_with("warning: ")).map(str::to_owned).collect()
        };
        let bucket = ("S3_BUCKET_NAME", "designs");
        let warnings: Vec<String> = with(&[bucket], &["list"]);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("STORAGE_TYPE=s3 is not") && warnings[0].contains(place.0[0].1));
        assert_eq!(with(&[bucket], &["config"]).len(), 1);
        assert_eq!(with(&[bucket, ("STORAGE_TYPE", "local")], &["list"]), [""; 0]);
        assert_eq!(with(&[bucket], &["list", "--store", place.0[0].1]), [""; 0]);
    });
}

#[test]
fn overviews_and_the_server_name_the_store_in_full() {
    let directory = TempDir::new().unwrap();
    let place = directory.path().canonicalize().unwrap();
    let run = |arguments: &[&str]| {
        let output = program(&[("LOCAL_STORAGE_DIR", "a/store")])
            .args(arguments)
            .current_dir(&place)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let file = write(&place, "study-1.json", "{}");
    run(&["save", &file, "--id-from-name"]);
    let name = place.join("a/store");
    let name = name.to_str().unwrap();
    for arguments in [&["list"][..], &["stats"], &["check"], &["config"], &["backup", "--to", "b"]] {
        let said = run(arguments);
        assert!(said.contains(name), "{arguments:?}: {said}");
    }
    let mut server = program(&[("LOCAL_STORAGE_DIR", "a/store")])
        .args(["serve", "--port", "0"])
        .current_dir(&place)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("listening on")).unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(line.contains(name), "{line}");
}
