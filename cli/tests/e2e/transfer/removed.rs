//! What a backup takes out of itself, and what it must not.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::backup::stage;
use super::{files, index_entries, manifest, run, text, write};
use crate::harness::Server;

#[test]
fn another_store_does_not_empty_a_backup() {
    let stage = stage();
    let before = files(Path::new(&stage.backup));
    let other = TempDir::new().unwrap();
    let variables = [("LOCAL_STORAGE_DIR", text(other.path()))];
    let server = Server::start(&variables);
    server.client().put("one", br#"{"n":"other"}"#);
    let ran = run(&variables, &["backup", "--to", &stage.backup]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("is a backup of") && ran.err.contains("--allow-other-store"), "{}", ran.err);
    assert_eq!(files(Path::new(&stage.backup)), before);

    run(&variables, &["backup", "--to", &stage.backup, "--allow-other-store"])
        .assert_well(&[("copied", 1), ("no_longer_stored", 2)]);
    run(&variables, &["backup", "--to", &stage.backup]).assert_well(&[("unchanged", 1)]);
    assert_eq!(stage.backup().code, Some(2));
}

#[test]
fn an_empty_store_empties_a_backup_only_when_told_and_what_was_removed_can_be_restored() {
    let stage = stage();
    for id in ["one", "two", "three"] {
        stage.client.delete(id);
    }
    let (before, listed) = (files(Path::new(&stage.backup)), manifest(Path::new(&stage.backup)));
    let ran = stage.backup();
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("the store lists nothing") && ran.err.contains("--allow-empty"), "{}", ran.err);
    assert_eq!(files(Path::new(&stage.backup)), before);

    stage.run(&["backup", "--to", &stage.backup, "--allow-empty"]).assert_well(&[("no_longer_stored", 3)]);
    let directory = TempDir::new().unwrap();
    let [store, again] = ["store", "again"].map(|name| directory.path().join(name));
    let variables = [("LOCAL_STORAGE_DIR", text(&store))];
    let (runs, _) = stage.list();
    let removed = Path::new(&stage.backup).join(runs[0]["directory"].as_str().unwrap());
    run(&variables, &["restore", "--from", text(&removed)]).assert_well(&[("created", 3)]);
    run(&variables, &["backup", "--to", text(&again)]).assert_well(&[("copied", 3)]);
    assert_eq!(manifest(&again), listed);
}

#[test]
fn what_only_the_list_lacks_stays_in_a_backup() {
    let stage = stage();
    let entries = index_entries(Path::new(&stage.store));
    let entry = entries.into_iter().find(|path| text(path).contains("two")).unwrap();
    fs::remove_file(entry).unwrap();
    let ran = stage.backup();
    ran.assert_found(&["not_listed two"]);
    assert_eq!((&ran.totals()["unchanged"], &ran.totals()["no_longer_stored"]), (&2.into(), &0.into()));
    assert_eq!(manifest(Path::new(&stage.backup)).len(), 3);
    assert_eq!(stage.file("two.json"), r#"{"n":"two"}"#);
}

#[test]
fn of_what_is_removed_every_copy_is_kept() {
    let stage = stage();
    for n in 1..=3 {
        stage.client.put("five", format!("{{\"n\":{n}}}").as_bytes());
        stage.backup().assert_well(&[("copied", 1)]);
        stage.client.delete("five");
        stage.backup().assert_well(&[("no_longer_stored", 1)]);
    }
    let (runs, _) = stage.list();
    let removed: Vec<_> = runs.iter().filter(|run| run["removed"] == 1).collect();
    let directory = |run: &Value| run["directory"].as_str().unwrap().to_owned();
    let copies = removed.iter().map(|run| stage.file(&format!("{}/five.json", directory(run))));
    assert_eq!(copies.collect::<Vec<_>>(), [r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#]);
    for run_that_removed in removed {
        let removed = Path::new(&stage.backup).join(directory(run_that_removed));
        let other = TempDir::new().unwrap();
        let variables = [("LOCAL_STORAGE_DIR", text(other.path()))];
        run(&variables, &["restore", "--from", text(&removed)]).assert_well(&[("created", 1)]);
    }
}

#[test]
fn a_file_that_is_not_of_the_backup_is_moved_aside_and_reported() {
    let stage = stage();
    let root = Path::new(&stage.backup);
    write(root, "four.json", "mine");
    write(root, "five.json", r#"{"n":"five"}"#);
    for id in ["four", "five"] {
        stage.client.put(id, format!("{{\"n\":\"{id}\"}}").as_bytes());
    }
    let ran = stage.backup();
    ran.assert_found(&["displaced_file four.json"]);
    assert_eq!(ran.totals()["copied"], 2);
    let displaced = files(&root.join(".backup/displaced"));
    let kept: Vec<_> =
        displaced.iter().filter_map(|(path, content)| Some((path, content.as_ref()?))).collect();
    assert!(
        matches!(kept[..], [(path, content)] if path.ends_with("four.json") && content == "mine"),
        "{kept:?}"
    );
    assert_eq!(stage.file("four.json"), r#"{"n":"four"}"#);
    stage.verify().assert_well(&[("equal", 5)]);
}

#[test]
fn a_backup_is_not_imported_and_what_it_removed_is_never_taken() {
    let stage = stage();
    let other = TempDir::new().unwrap();
    let store = other.path().join("store");
    let variables = [("LOCAL_STORAGE_DIR", text(&store))];
    let ran = run(&variables, &["import", "--from", &stage.backup]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("`restore --from"), "{}", ran.err);

    let source = other.path().join("source");
    write(&source, "nested/one.json", "{}");
    write(&source, "nested/.backup/removed/two.json", "{}");
    run(&variables, &["import", "--from", text(&source)]).assert_well(&[("created", 1)]);
    run(&variables, &["verify", "--against", text(&source)]).assert_well(&[("equal", 1)]);
}
