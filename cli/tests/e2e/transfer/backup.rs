//! Backups that are brought up to date, damaged, and compared.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{files, manifest, run, text, write};
use crate::harness::{Client, Server, program};

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
    assert_eq!(stage.file("one.json"), r#"{"n":"replaced"}"#);
    let (runs, _) = stage.list();
    let old = ["one", "two"].map(|id| format!("{}/{id}.json", runs[0]["directory"].as_str().unwrap()));
    assert_eq!(old.map(|name| stage.file(&name)), [r#"{"n":"one"}"#, r#"{"n":"two"}"#]);
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
    run(&variables, &["restore", "--from", &stage.backup]).assert_well(&[("created", 3)]);
    stage.verify().assert_found(&["sha256 one.json"]);
    stage.backup().assert_well(&[("copied", 1), ("unchanged", 2)]);
    let without_run = |manifest: &str| {
        let lines = manifest.lines().map(|line| line.split_once(",\"copied_at\"").unwrap().0.to_owned());
        lines.collect::<Vec<_>>()
    };
    assert_eq!(without_run(&stage.file("manifest.jsonl")), without_run(&new));
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
        let ran = run(&variables, &["restore", "--from", &stage.backup]);
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
    let restore = ["restore", "--from", &stage.backup];
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
    for arguments in [["backup", "--to"], ["restore", "--from"], ["verify", "--against"]] {
        let ran = stage.run(&[&arguments[..], &[&*stage.backup]].concat());
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains("another command is at work on the backup"), "{}", ran.err);
    }
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

/// Puts links to themselves in the place of stored documents.
fn make_unreadable(stage: &Stage, ids: &str) {
    for (path, _) in files(&Path::new(&stage.store).join("analysis")) {
        if path.is_file() && path.file_name().unwrap().to_str().unwrap().starts_with(ids) {
            fs::remove_file(&path).unwrap();
            symlink(&path, &path).unwrap();
        }
    }
}

#[test]
fn what_can_be_neither_read_nor_put_in_place_is_reported_and_all_else_is_copied() {
    let stage = stage();
    stage.client.put("four", b"{}");
    write(Path::new(&stage.backup), "four.json/in the way", "");
    stage.client.put("two", br#"{"n":"other"}"#);
    stage.client.put("one", b"{}");
    make_unreadable(&stage, "one");
    let ran = stage.backup();
    // Nor can the listings be compared, which is no reason to end.
    ran.assert_found(&["obstacle four.json", "storage_unavailable the store", "unreadable one"]);
    assert_eq!((&ran.totals()["copied"], &ran.totals()["unchanged"]), (&1.into(), &1.into()));
    // The older copy is kept.
    assert_eq!((&*stage.file("one.json"), manifest(Path::new(&stage.backup)).len()), (r#"{"n":"one"}"#, 3));
    let ran = stage.verify();
    ran.assert_found(&["only_in_store four", "unreadable one"]);
    assert_eq!(ran.totals()["equal"], 2);
}

#[test]
fn a_store_of_which_nothing_can_be_read_stops_a_backup() {
    let stage = stage();
    for n in 0..10 {
        stage.client.put(&format!("more-{n}"), b"{}");
    }
    make_unreadable(&stage, "more-");
    let ran = stage.backup();
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(ran.err.contains("stopped by a failure; the same command goes on where it was"), "{}", ran.err);
}
