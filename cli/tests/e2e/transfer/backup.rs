//! Backups that are brought up to date, damaged, and compared.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{manifest, run, text, write};
use crate::common::{Client, Server};

struct Stage {
    _directory: TempDir,
    store: String,
    backup: String,
    _server: Server,
    client: Client,
}

/// A store of three analyses, and a backup of it.
fn stage() -> Stage {
    let directory = TempDir::new().unwrap();
    let [store, backup] = ["store", "backup"].map(|name| text(&directory.path().join(name)).to_owned());
    let server = Server::on_files(Path::new(&store));
    let client = server.client();
    for id in ["one", "two", "three"] {
        assert_eq!(client.put(id, format!("{{\"n\":\"{id}\"}}").as_bytes()).status, 201);
    }
    let stage = Stage { _directory: directory, store, backup, _server: server, client };
    stage.backup().assert_well(&[("copied", 3)]);
    stage
}

impl Stage {
    fn run(&self, arguments: &[&str]) -> super::Ran {
        run(&[("LOCAL_STORAGE_DIR", &self.store)], arguments)
    }

    fn backup(&self) -> super::Ran {
        self.run(&["backup", "--to", &self.backup])
    }

    fn verify(&self) -> super::Ran {
        self.run(&["verify", "--against", &self.backup])
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(Path::new(&self.backup).join(name)).unwrap()
    }
}

#[test]
fn a_backup_follows_what_was_saved_replaced_and_deleted() {
    let stage = stage();
    stage.client.put("one", br#"{"n":"replaced"}"#);
    stage.client.put("four", b"{}");
    stage.client.delete("two");
    stage.verify().assert_found(&["only_in_directory two.json", "only_in_store four", "size one.json"]);
    stage.backup().assert_well(&[("copied", 2), ("unchanged", 1), ("no_longer_stored", 1)]);
    let ids: Vec<_> = manifest(Path::new(&stage.backup)).iter().map(|line| line["id"].clone()).collect();
    assert_eq!(ids, ["four", "one", "three"]);
    assert_eq!(
        (stage.file("one.json"), stage.file(".backup/removed/two.json")),
        (r#"{"n":"replaced"}"#.into(), r#"{"n":"two"}"#.into())
    );
    stage.verify().assert_well(&[("equal", 3)]);
    stage.backup().assert_well(&[("copied", 0), ("unchanged", 3)]);
}

#[test]
fn a_backup_that_was_cut_off_between_line_and_file_is_finished() {
    let stage = stage();
    // Same size: only its content tells that the file is still the old one.
    stage.client.put("one", br#"{"n":"ONE"}"#);
    let old = stage.file("manifest.jsonl");
    let document = stage.file("one.json");
    stage.backup().assert_well(&[("copied", 1)]);
    let new = stage.file("manifest.jsonl");
    let line = new.lines().find(|line| line.contains("\"one\"")).unwrap();
    let root = Path::new(&stage.backup);
    write(root, "manifest.jsonl", format!("{old}{line}\n{{\"id\":\"thr"));
    write(root, "one.json", document);

    // As it is, every file is described by a line.
    let other = TempDir::new().unwrap();
    let variables = [("LOCAL_STORAGE_DIR", text(other.path()))];
    run(&variables, &["restore-backup", "--from", &stage.backup]).assert_well(&[("created", 3)]);
    stage.verify().assert_found(&["sha256 one.json"]);
    stage.backup().assert_well(&[("copied", 1), ("unchanged", 2)]);
    assert_eq!(stage.file("manifest.jsonl"), new);
    stage.verify().assert_well(&[("equal", 3)]);
}

#[test]
fn damage_to_a_backup_is_found_and_does_not_reach_the_store() {
    let stage = stage();
    let root = Path::new(&stage.backup);
    write(root, "one.json", r#"{"n":"eno"}"#);
    write(root, "extra.json", "{}");
    fs::remove_file(root.join("two.json")).unwrap();
    write(root, "manifest.jsonl", stage.file("manifest.jsonl") + "no line\n");
    let other = TempDir::new().unwrap();
    let variables = [("LOCAL_STORAGE_DIR", text(other.path()))];
    let problems = [
        "bad_line manifest.jsonl, line 4",
        "damaged_file one.json",
        "missing_file two.json",
        "unlisted_file extra.json",
    ];
    for (created, unchanged) in [(1, 0), (0, 1)] {
        let ran = run(&variables, &["restore-backup", "--from", &stage.backup]);
        ran.assert_found(&problems);
        assert_eq!(
            (&ran.totals()["created"], &ran.totals()["unchanged"]),
            (&created.into(), &unchanged.into())
        );
    }
    stage.verify().assert_found(&[
        "bad_line manifest.jsonl, line 4",
        "only_in_directory extra.json",
        "only_in_store two",
        "sha256 one.json",
    ]);
    // The next backup mends what it can tell, and leaves what is not its own.
    let ran = stage.backup();
    ran.assert_found(&["unlisted_file extra.json"]);
    assert_eq!(ran.totals()["copied"], 1);
}

#[test]
fn an_id_that_the_store_knows_keeps_its_creation_time_and_a_conflict_its_document() {
    let stage = stage();
    let other = TempDir::new().unwrap();
    let variables = [("LOCAL_STORAGE_DIR", text(other.path()))];
    let server = Server::start(&variables);
    let client = server.client();
    client.put("one", br#"{"n":"one"}"#);
    client.put("two", br#"{"n":"other"}"#);
    let restore = ["restore-backup", "--from", &stage.backup];
    run(&variables, &restore).assert_found(&[
        "conflict two.json",
        "other_created_at one.json",
        "other_created_at two.json",
    ]);
    assert_eq!(client.get("/analyses/two").json()["n"], "other");
    run(&variables, &[&restore[..], &["--replace"]].concat())
        .assert_found(&["other_created_at one.json", "other_created_at two.json"]);
    assert_eq!(client.get("/analyses/two").json()["n"], "two");
}

#[test]
fn two_backups_do_not_share_a_directory() {
    let stage = stage();
    let lock = fs::File::create(Path::new(&stage.backup).join(".backup/lock")).unwrap();
    lock.lock().unwrap();
    for arguments in [["backup", "--to"], ["restore-backup", "--from"]] {
        let ran = stage.run(&[&arguments[..], &[&*stage.backup]].concat());
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains("another command is at work on the backup"), "{}", ran.err);
    }
}
