//! Backups that are brought up to date, damaged, and compared.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{files, manifest, run, text, write};
use crate::common::{Client, Server, program};

pub(super) struct Stage {
    _directory: TempDir,
    pub(super) store: String,
    pub(super) backup: String,
    _server: Server,
    pub(super) client: Client,
}

/// A store of three analyses, and a backup of it.
pub(super) fn stage() -> Stage {
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
    pub(super) fn run(&self, arguments: &[&str]) -> super::Ran {
        run(&[("LOCAL_STORAGE_DIR", &self.store)], arguments)
    }

    pub(super) fn backup(&self) -> super::Ran {
        self.run(&["backup", "--to", &self.backup])
    }

    pub(super) fn verify(&self) -> super::Ran {
        self.run(&["verify", "--against", &self.backup])
    }

    pub(super) fn file(&self, name: &str) -> String {
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
        "damaged_file one.json",
        "only_in_directory extra.json",
        "only_in_store two",
        "sha256 one.json",
        "unlisted_file extra.json",
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
    for arguments in [["backup", "--to"], ["restore-backup", "--from"], ["verify", "--against"]] {
        let ran = stage.run(&[&arguments[..], &[&*stage.backup]].concat());
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains("another command is at work on the backup"), "{}", ran.err);
    }
}

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
    let removed = Path::new(&stage.backup).join(".backup/removed");
    run(&variables, &["restore-backup", "--from", text(&removed)]).assert_well(&[("created", 3)]);
    run(&variables, &["backup", "--to", text(&again)]).assert_well(&[("copied", 3)]);
    assert_eq!(manifest(&again), listed);
}

#[test]
fn what_only_the_list_lacks_stays_in_a_backup() {
    let stage = stage();
    let index = Path::new(&stage.store).join("metadata/index");
    let entries = fs::read_dir(index).unwrap().map(|entry| entry.unwrap().path());
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
    let copies = ["five.json", "earlier/five.1.json", "earlier/five.2.json"];
    let copies = copies.map(|name| stage.file(&format!(".backup/removed/{name}")));
    assert_eq!(copies, [r#"{"n":3}"#, r#"{"n":1}"#, r#"{"n":2}"#]);

    // An older copy can be restored from the place of the newest: its line is still there.
    let removed = Path::new(&stage.backup).join(".backup/removed");
    for copy in [&copies[0], &copies[1]] {
        write(&removed, "five.json", copy);
        let other = TempDir::new().unwrap();
        let variables = [("LOCAL_STORAGE_DIR", text(other.path()))];
        run(&variables, &["restore-backup", "--from", text(&removed)]).assert_well(&[("created", 1)]);
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
    assert_eq!(
        (&*stage.file(".backup/removed/four.json"), &*stage.file("four.json")),
        ("mine", r#"{"n":"four"}"#)
    );
    stage.verify().assert_well(&[("equal", 5)]);
}

#[test]
fn a_manifest_that_cannot_grow_keeps_whole_lines() {
    let stage = stage();
    for n in 0..8 {
        stage.client.put(&format!("more-{n}"), b"{}");
    }
    let backup = program(&[("LOCAL_STORAGE_DIR", &stage.store)]);
    let mut limited = Command::new("sh");
    // Files may have 512 bytes; the write that would be beyond is cut short.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" backup --to \"$1\""]);
    limited.arg(backup.get_program()).arg(&stage.backup);
    for (name, value) in backup.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let output = limited.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("cannot write"), "{said}");
    assert!(stage.file("manifest.jsonl").ends_with("}\n"), "{}", stage.file("manifest.jsonl"));
    stage.backup().assert_well(&[]);
    stage.verify().assert_well(&[("equal", 11)]);
}

#[test]
fn a_backup_is_not_migrated_and_what_it_removed_is_never_taken() {
    let stage = stage();
    let other = TempDir::new().unwrap();
    let store = other.path().join("store");
    let variables = [("LOCAL_STORAGE_DIR", text(&store))];
    let ran = run(&variables, &["migrate", "--from", &stage.backup]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("`restore-backup --from"), "{}", ran.err);

    let source = other.path().join("source");
    write(&source, "nested/one.json", "{}");
    write(&source, "nested/.backup/removed/two.json", "{}");
    run(&variables, &["migrate", "--from", text(&source)]).assert_well(&[("created", 1)]);
    run(&variables, &["verify", "--against", text(&source)]).assert_well(&[("equal", 1)]);
}
