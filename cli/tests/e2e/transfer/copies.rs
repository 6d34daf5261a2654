//! Copies that are killed over, damaged, or made by an older version.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::backup::{Stage, stage};
use super::{run, text, write};
use crate::harness::program;
use crate::harness::random::Random;

/// The backup itself, and each of its runs.
fn directories(stage: &Stage) -> Vec<PathBuf> {
    let root = PathBuf::from(&stage.backup);
    let runs = fs::read_dir(root.join(".backup/history")).into_iter().flatten();
    [root].into_iter().chain(runs.map(|run| run.unwrap().path()).filter(|path| path.is_dir())).collect()
}

/// Every document of the backup and its history. Each has a line that describes it.
fn described(stage: &Stage) -> BTreeSet<String> {
    let mut documents = BTreeSet::new();
    for directory in directories(stage) {
        let manifest = fs::read_to_string(directory.join("manifest.jsonl")).unwrap();
        // A last line may be cut off.
        let lines = manifest.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let lines: BTreeSet<(String, String)> = lines
            .map(|line| ["id", "sha256"].map(|field| line[field].as_str().unwrap().to_owned()).into())
            .collect();
        for (id, document) in super::history::documents(&directory) {
            let digest =
                Sha256::digest(&document).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            assert!(lines.contains(&(id, digest)), "{}: {document}", directory.display());
            documents.insert(document);
        }
    }
    documents
}

/// Kills a run once the manifest has grown by so many bytes. Whether it had not ended.
fn kill_a_run(stage: &Stage, bytes: u64) -> bool {
    let mut command = program(&[("LOCAL_STORAGE_DIR", &stage.store)]);
    command.args(["backup", "--to", &stage.backup]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let length = || fs::metadata(Path::new(&stage.backup).join("manifest.jsonl")).unwrap().len();
    let enough = length() + bytes;
    while length() < enough && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

#[test]
fn a_run_that_is_killed_at_any_moment_loses_neither_the_old_copy_nor_the_new() {
    const DOCUMENTS: u64 = 150;
    let stage = stage();
    let mut random = Random::new(21);
    let put = |n: u64, round: u64| {
        let document = format!("{{\"n\":{n},\"round\":{round}}}");
        stage.client.put(&format!("study-{n}"), document.as_bytes());
    };
    (0..DOCUMENTS).for_each(|n| put(n, 0));
    stage.backup().assert_well(&[]);
    let mut known = described(&stage);
    let mut then = vec![(stage.last_run(), super::history::documents(Path::new(&stage.backup)))];
    let mut killed = 0;
    for round in 1..=12 {
        for n in 0..DOCUMENTS {
            match random.below(4) {
                0 => drop(stage.client.delete(&format!("study-{n}"))),
                1 => {}
                _ => put(n, round),
            }
        }
        killed += usize::from(kill_a_run(&stage, random.below(10_000)));
        let found = described(&stage);
        then.push((stage.last_run(), super::history::documents(Path::new(&stage.backup))));
        assert!(known.is_subset(&found), "{:?}", known.difference(&found).collect::<Vec<_>>());
        known = found;
    }
    assert!(killed > 3, "the kills came too late: {killed}");
    stage.run(&["backup", "--to", &stage.backup, "--check"]).assert_well(&[]);
    assert!(known.is_subset(&described(&stage)));
    for (time, documents) in then.iter().step_by(4) {
        let (restored, ran) = stage.restored(&["--as-of", time]);
        ran.assert_well(&[("created", documents.len() as u64)]);
        assert!(restored == *documents, "as of {time}");
    }
    stage.verify().assert_well(&[]);
}

#[test]
fn damaged_and_lost_copies_are_healed_from_the_store() {
    let stage = stage();
    let root = Path::new(&stage.backup);
    let check = || stage.run(&["backup", "--to", &stage.backup, "--check"]);
    check().assert_well(&[("unchanged", 3), ("healed", 0)]);
    // A time that ends in a zero is kept as it is written, as any other.
    let run = stage.last_run();
    let whole = stage.file("manifest.jsonl").replace(&run, "2026-01-01T00:00:00.120Z");
    write(root, "manifest.jsonl", &whole);
    // The same size: only its bytes tell.
    write(root, "one.json", r#"{"n":"eno"}"#);
    fs::remove_file(root.join("two.json")).unwrap();
    write(root, "three.json", "");
    stage.backup().assert_well(&[("copied", 2), ("unchanged", 1)]);
    assert_eq!(stage.file("one.json"), r#"{"n":"eno"}"#);
    write(root, "three.json", "");
    check().assert_well(&[("copied", 0), ("unchanged", 1), ("healed", 2)]);
    assert_eq!(stage.file("manifest.jsonl"), whole, "the copies are as old as they were");
    assert!(stage.list().0.is_empty(), "damage is no history");
    stage.verify().assert_well(&[("equal", 3)]);
}

#[test]
fn a_damaged_copy_that_the_store_has_no_longer_is_reported_and_kept() {
    let stage = stage();
    let root = Path::new(&stage.backup);
    for id in ["one", "two", "three"] {
        write(root, &format!("{id}.json"), r#"{"n":"..."}"#);
    }
    stage.client.put("one", br#"{"n":"another"}"#);
    stage.client.delete("two");
    fs::remove_file(root.join("three.json")).unwrap();
    stage.client.delete("three");
    let check = || stage.run(&["backup", "--to", &stage.backup, "--check"]);
    let ran = check();
    let name = |id: &str| format!("{}/{id}.json", stage.list().0[0]["directory"].as_str().unwrap());
    let of_history = ["one", "two"].map(|id| format!("damaged_copy {}", name(id)));
    let [one, two] = of_history.each_ref().map(String::as_str);
    ran.assert_found(&[
        one,
        two,
        "damaged_copy one.json",
        "damaged_copy three.json",
        "damaged_copy two.json",
    ]);
    assert_eq!(
        (&*stage.file("one.json"), &*stage.file(&name("two"))),
        (r#"{"n":"another"}"#, r#"{"n":"..."}"#)
    );
    // What lies in the history stays damaged, and is reported whenever it is read.
    check().assert_found(&[one, two]);
    fs::remove_file(root.join(name("two"))).unwrap();
    check().assert_found(&[one, two]);
    stage.backup().assert_well(&[("unchanged", 1)]);
}

#[test]
fn a_backup_of_an_older_version_is_taken_up() {
    let stage = stage();
    let root = Path::new(&stage.backup);
    // Older versions wrote no times of copying and knew no runs; what they took out they put into one place.
    let of_run = stage.last_run();
    let manifest = stage.file("manifest.jsonl").replace(&format!(",\"copied_at\":\"{of_run}\""), "");
    assert!(!manifest.contains("copied_at"), "{manifest}");
    write(root, "manifest.jsonl", manifest);
    fs::remove_file(root.join(".backup/last-run.json")).unwrap();
    write(root, ".backup/removed/five.json", r#"{"n":"five"}"#);
    assert!(stage.list().0.is_empty() && stage.list().1["last_run"].is_null());
    let output = program(&[]).args(["backup", "--to", &stage.backup, "--list"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("3 documents, 35 B; no run is recorded\n"));

    stage.verify().assert_well(&[("equal", 3)]);
    stage.restored(&[]).1.assert_well(&[("created", 3)]);
    stage.backup().assert_well(&[("unchanged", 3)]);
    let taken_up = stage.last_run();
    stage.client.put("one", br#"{"n":"replaced"}"#);
    stage.client.delete("two");
    stage.backup().assert_well(&[("copied", 1), ("no_longer_stored", 1)]);
    for time in [&of_run, &taken_up] {
        let (found, ran) = stage.restored(&["--as-of", time]);
        ran.assert_well(&[("created", 3)]);
        assert_eq!(found["one"], r#"{"n":"one"}"#);
    }
    assert_eq!(stage.file(".backup/removed/five.json"), r#"{"n":"five"}"#, "what is there stays there");
    let removed = run(
        &[("LOCAL_STORAGE_DIR", &stage.store)],
        &["restore", "--from", text(&root.join(".backup/removed"))],
    );
    assert_eq!(removed.code, Some(2), "it has no manifest");
}
