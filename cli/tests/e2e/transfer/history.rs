//! What the runs of a backup have replaced and removed: listed, restored and pruned.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::backup::{Stage, stage};
use super::{run, text, write};
use crate::harness::program;

impl Stage {
    /// The lines of `backup --list --json`: the runs, and what there is.
    pub(super) fn list(&self) -> (Vec<Value>, Value) {
        let ran = run(&[], &["backup", "--to", &self.backup, "--list"]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let mut lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let current = lines.pop().unwrap();
        (lines, current)
    }

    /// When the last run began.
    pub(super) fn last_run(&self) -> String {
        self.list().1["last_run"].as_str().unwrap().to_owned()
    }

    /// What a restore with these arguments puts into a new store, by id; and how it ended.
    pub(super) fn restored(&self, arguments: &[&str]) -> (BTreeMap<String, String>, super::Ran) {
        let directory = TempDir::new().unwrap();
        let [store, again] = ["store", "again"].map(|name| directory.path().join(name));
        let variables = [("LOCAL_STORAGE_DIR", text(&store))];
        let ran = run(&variables, &[&["restore", "--from", &self.backup], arguments].concat());
        if !store.exists() {
            return (BTreeMap::new(), ran);
        }
        run(&variables, &["backup", "--to", text(&again)]).assert_well(&[]);
        (documents(&again), ran)
    }

    fn assert_restored(&self, arguments: &[&str], expected: &[(&str, &str)]) {
        let (found, ran) = self.restored(arguments);
        ran.assert_well(&[("created", expected.len() as u64)]);
        let expected = expected.iter().map(|(id, n)| ((*id).to_owned(), format!("{{\"n\":\"{n}\"}}")));
        assert_eq!(found, expected.collect(), "{arguments:?}");
    }

    /// Where the files of a run are, by its place among all.
    fn run_directory(&self, n: usize) -> PathBuf {
        Path::new(&self.backup).join(self.list().0[n]["directory"].as_str().unwrap())
    }
}

/// The documents of a directory, by id.
pub(super) fn documents(directory: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let documents = files.filter(|path| path.extension().is_some_and(|e| e == "json"));
    let id = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    documents.map(|path| (id(&path), fs::read_to_string(path).unwrap())).collect()
}

/// Three runs: of `one` there are three documents, `two` goes with the second run, and `four` comes with the third.
fn three_runs() -> (Stage, [String; 3]) {
    let stage = stage();
    let first = stage.last_run();
    stage.client.put("one", br#"{"n":"one, second"}"#);
    stage.client.delete("two");
    stage.backup().assert_well(&[("copied", 1), ("unchanged", 1), ("no_longer_stored", 1)]);
    let second = stage.last_run();
    stage.client.put("one", br#"{"n":"one, third"}"#);
    stage.client.put("four", br#"{"n":"four"}"#);
    stage.backup().assert_well(&[("copied", 2), ("unchanged", 1), ("no_longer_stored", 0)]);
    let third = stage.last_run();
    (stage, [first, second, third])
}

#[test]
fn what_was_replaced_and_removed_is_restored_as_of_each_run() {
    let (stage, [first, second, third]) = three_runs();
    let [old, new] = [("one", "one, second"), ("one", "one, third")];
    stage.assert_restored(&["--as-of", &first], &[("one", "one"), ("two", "two"), ("three", "three")]);
    stage.assert_restored(&["--as-of", &second], &[old, ("three", "three")]);
    let all = [new, ("three", "three"), ("four", "four")];
    stage.assert_restored(&["--as-of", &third], &all);
    stage.assert_restored(&["--as-of", "2199-01-01"], &all);
    stage.assert_restored(&[], &all);
    let (_, ran) = stage.restored(&["--as-of", "2020-01-01T00:00:00Z"]);
    ran.assert_well(&[("created", 0), ("not_in_the_backup_then", 4)]);
    // Creation times come with the copies.
    let created_at = |directory: &Path, id: &str| {
        let manifest = super::manifest(directory);
        manifest.iter().find(|line| line["id"] == id).unwrap()["created_at"].clone()
    };
    let [root, of_second] = [PathBuf::from(&stage.backup), stage.run_directory(0)];
    assert_eq!(created_at(&of_second, "one"), created_at(&root, "one"));
    stage.verify().assert_well(&[("equal", 3)]);
}

#[test]
fn only_the_ids_that_are_named_are_restored() {
    let (stage, [first, second, _]) = three_runs();
    stage.assert_restored(&["--id", "one", "--id", "four"], &[("one", "one, third"), ("four", "four")]);
    stage.assert_restored(&["--as-of", &second, "--id", "one"], &[("one", "one, second")]);
    stage.assert_restored(&["--as-of", &first, "--id", "two"], &[("two", "two")]);

    let (_, ran) = stage.restored(&["--id", "two", "--id", "never", "--id", "three"]);
    ran.assert_found(&["not_found never", "not_found two"]);
    assert!(ran.out.contains(&format!("by the run of {second}; --as-of with a time before")), "{}", ran.out);
    assert_eq!(ran.totals()["created"], 1);
    stage.restored(&["--as-of", &second, "--id", "four"]).1.assert_found(&["not_found four"]);
    let (_, ran) = stage.restored(&["--id", "a/b"]);
    assert_eq!(ran.code, Some(2));
}

#[test]
fn a_dry_run_of_a_restore_writes_nothing() {
    let (stage, [first, ..]) = three_runs();
    for arguments in [&["--dry-run"][..], &["--dry-run", "--as-of", &first]] {
        let (found, ran) = stage.restored(arguments);
        ran.assert_well(&[("would_be_created", 3)]);
        assert!(found.is_empty());
    }
    stage.restored(&["--dry-run", "--id", "four"]).1.assert_well(&[("would_be_created", 1)]);
}

#[test]
fn the_runs_and_the_present_state_are_listed() {
    let (stage, [_, second, third]) = three_runs();
    let (runs, current) = stage.list();
    let of = |run: &Value| {
        [run["run"].clone(), run["replaced"].clone(), run["removed"].clone(), run["bytes"].clone()]
    };
    assert_eq!(of(&runs[0]), [json!(second), json!(1), json!(1), json!(22)]);
    assert_eq!(of(&runs[1]), [json!(third), json!(1), json!(0), json!(19)]);
    assert_eq!((runs.len(), &current["documents"], &current["bytes"]), (2, &json!(3), &json!(43)));
    assert!(current["last_run_ended"].is_string(), "{current}");

    let output = program(&[]).args(["backup", "--to", &stage.backup, "--list"]).output().unwrap();
    let table = format!(
        "RUN (UTC)                 REPLACED  REMOVED  SIZE\n\
         {second}         1        1  22 B\n\
         {third}         1        0  19 B\n\
         3 documents, 43 B; last run {third}\n"
    );
    assert_eq!(String::from_utf8(output.stdout).unwrap(), table);
    // Each run is a backup by itself.
    let directory = TempDir::new().unwrap();
    let variables = [("LOCAL_STORAGE_DIR", text(directory.path()))];
    run(&variables, &["restore", "--from", text(&stage.run_directory(0))]).assert_well(&[("created", 2)]);
}

#[test]
fn bytes_that_are_saved_again_are_not_kept_twice() {
    let stage = stage();
    let first = stage.last_run();
    stage.client.put("one", br#"{"n":"one"}"#);
    stage.backup().assert_well(&[("copied", 1)]);
    assert!(stage.list().0.is_empty());
    stage.assert_restored(&["--as-of", &first], &[("one", "one"), ("two", "two"), ("three", "three")]);
}

#[test]
fn nothing_is_pruned_unless_told_and_never_what_the_backup_has_at_present() {
    let (stage, [first, second, third]) = three_runs();
    stage.backup().assert_well(&[("unchanged", 3)]);
    assert_eq!(stage.list().0.len(), 2);
    let backup = |arguments: &[&str]| stage.run(&[&["backup", "--to", &stage.backup], arguments].concat());
    backup(&["--keep-runs", "2"]).assert_well(&[("runs_pruned", 0)]);
    backup(&["--keep", "1h"]).assert_well(&[("runs_pruned", 0)]);
    // Not at the end of a run that had a problem.
    write(Path::new(&stage.backup), "extra.json", "{}");
    let ran = backup(&["--keep-runs", "1"]);
    ran.assert_found(&["unlisted_file extra.json"]);
    assert_eq!(ran.totals()["runs_pruned"], 0);
    fs::remove_file(Path::new(&stage.backup).join("extra.json")).unwrap();

    backup(&["--keep-runs", "1"]).assert_well(&[
        ("runs_pruned", 1),
        ("copies_pruned", 2),
        ("bytes_pruned", 22),
    ]);
    assert_eq!(stage.list().0.len(), 1);
    let (_, ran) = stage.restored(&["--as-of", &first]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains(&format!("has been pruned; it knows everything since {second}")), "{}", ran.err);
    stage.assert_restored(&["--as-of", &second], &[("one", "one, second"), ("three", "three")]);

    // As if it had been taken out years ago.
    let old = stage.run_directory(0);
    fs::rename(&old, old.with_file_name("20200101T000000.000Z")).unwrap();
    backup(&["--keep", "30d"]).assert_well(&[("runs_pruned", 1), ("copies_pruned", 1), ("bytes_pruned", 19)]);
    assert!(stage.list().0.is_empty());
    let all = [("one", "one, third"), ("three", "three"), ("four", "four")];
    stage.assert_restored(&["--as-of", &third], &all);
    stage.verify().assert_well(&[("equal", 3)]);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let stage = stage();
    for (arguments, said) in [
        (&["backup", "--to", "b", "--keep", "soon"][..], "no length of time such as 12h, 30d or 8w"),
        (&["backup", "--to", "b", "--keep-runs", "0"], "0 is not in 1.."),
        (&["backup", "--to", "b", "--keep", "1d", "--keep-runs", "2"], "cannot be used with"),
        (&["backup", "--to", "b", "--list", "--check"], "cannot be used with"),
        (&["backup", "--to", "/nowhere", "--list"], "there is no backup in /nowhere"),
        (&["restore", "--from", "b", "--as-of", "yesterday"], "neither a time such as"),
    ] {
        let ran = stage.run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}");
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
}
