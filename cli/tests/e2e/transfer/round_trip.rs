//! Thousands of documents go from a directory into a store, out into a backup and into another store, though every
//! command is killed again and again.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::tree::{Planted, plant};
use super::{manifest, run, text};
use crate::harness::random::Random;
use crate::harness::s3_in_memory::S3InMemory;
use crate::harness::{Cloud, program, repair};

type Variables<'a> = [(&'a str, &'a str)];

const KILLS: usize = 3;

/// Starts the command and kills it at some moment, several times. How often it was killed before it had ended.
fn kill(variables: &Variables<'_>, arguments: &[&str], longest: u64, random: &mut Random) -> usize {
    let interrupted = |_: &usize| {
        let mut command = program(variables);
        let mut child = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(20 + random.below(longest)));
        child.kill().unwrap();
        child.wait().unwrap().code().is_none()
    };
    (0..KILLS).filter(interrupted).count()
}

/// Carries `count` documents from a directory to the first store and on to the second.
fn round_trip(count: u64, seed: u64, first: &Variables<'_>, second: &Variables<'_>, each_second: u64) {
    let directory = TempDir::new().unwrap();
    let [source, backup, again] = ["source", "backup", "again"].map(|name| directory.path().join(name));
    let planted = plant(&source, count, seed);
    let mut random = Random::new(seed);
    let longest = count * 1000 / each_second;
    let mut killed = 0;

    let import = ["import", "--from", text(&source)];
    killed += kill(first, &import, longest, &mut random);
    let done = run(first, &import);
    done.assert_well(&[]);
    let totals = done.totals();
    assert_eq!(
        totals["created"].as_u64().unwrap() + totals["unchanged"].as_u64().unwrap(),
        count,
        "{totals}"
    );
    assert!(
        totals["unchanged"].as_u64().unwrap() > 0,
        "what was taken before a kill is not taken again: {totals}"
    );

    let copy = ["backup", "--to", text(&backup)];
    killed += kill(first, &copy, longest / 8, &mut random);
    run(first, &copy).assert_well(&[]);
    run(first, &copy).assert_well(&[("copied", 0), ("unchanged", count)]);
    check_backup(&planted, &source, &backup);
    let verify = ["verify", "--against", text(&source)];
    killed += kill(first, &verify, longest / 16, &mut random);
    run(first, &verify).assert_well(&[("equal", count), ("in_the_store", count)]);

    let restore = ["restore", "--from", text(&backup)];
    killed += kill(second, &restore, longest, &mut random);
    run(second, &restore).assert_well(&[]);
    run(second, &["backup", "--to", text(&again)]).assert_well(&[("copied", count)]);
    run(second, &["verify", "--against", text(&backup)]).assert_well(&[("equal", count)]);
    assert_eq!(manifest(&again), manifest(&backup));
    check_backup(&planted, &source, &again);
    assert!(killed > KILLS, "the kills came too late: {killed}");
    repair(second);
}

/// Every document is there byte for byte, with its creation time; and nothing else.
fn check_backup(planted: &[Planted], source: &Path, backup: &Path) {
    let mut expected: Vec<(&str, &str)> =
        planted.iter().map(|document| (document.id.as_str(), document.created_at.as_str())).collect();
    expected.sort_unstable();
    let lines = manifest(backup);
    let listed: Vec<(&str, &str)> = lines
        .iter()
        .map(|line| (line["id"].as_str().unwrap(), line["created_at"].as_str().unwrap()))
        .collect();
    assert_eq!(listed, expected);
    for Planted { id, path, .. } in planted {
        let copied = fs::read(backup.join(format!("{id}.json"))).unwrap();
        assert!(copied == fs::read(source.join(path)).unwrap(), "{path}");
    }
    // Beside the documents: the manifest and the directory of the backup itself.
    assert_eq!(fs::read_dir(backup).unwrap().count(), planted.len() + 2);
}

#[test]
fn five_thousand_documents_survive_it_on_files() {
    let directory = TempDir::new().unwrap();
    let [first, second] = ["first", "second"].map(|name| directory.path().join(name));
    let variables = |store| [("LOCAL_STORAGE_DIR", text(store))];
    round_trip(5000, 11, &variables(&first), &variables(&second), 1000);
}

#[test]
fn five_thousand_documents_survive_it_on_s3() {
    let s3 = S3InMemory::start();
    let directory = TempDir::new().unwrap();
    round_trip(5000, 12, &s3.variables(), &[("LOCAL_STORAGE_DIR", text(directory.path()))], 1000);
}

#[test]
fn hundreds_of_documents_survive_it_from_s3_to_s3() {
    let cloud = Cloud::alone();
    let below = |prefix: &'static str| [&cloud.variables()[..], &[("S3_PREFIX", prefix)]].concat();
    round_trip(600, 13, &below("first"), &below("second"), 150);
}
