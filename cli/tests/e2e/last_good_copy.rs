//! Documents that are damaged, lost, or replaced by another program: nothing that ends with 0 hides them, and the last
//! good copy survives.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Client, Cloud, Server};
use crate::transfer::{Ran, run, text};

/// A store of three analyses, and a backup of it.
struct Stage<'a> {
    variables: &'a [(&'a str, &'a str)],
    client: Client,
    directory: TempDir,
    /// Puts these bytes where the document of an id is, as another program does.
    overwrite: &'a dyn Fn(&str, &str),
}

const IDS: [&str; 3] = ["one", "two", "three"];

fn document(id: &str) -> String {
    format!(r#"{{"implementation":"hybrid","status":"success","n":"{id}"}}"#)
}

impl Stage<'_> {
    fn prepare(&self) {
        for id in IDS {
            assert_eq!(self.client.put(id, document(id).as_bytes()).status, 201);
        }
        self.backup().assert_well(&[("copied", 3)]);
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run(self.variables, arguments)
    }

    fn path(&self) -> String {
        text(&self.directory.path().join("backup")).to_owned()
    }

    fn backup(&self) -> Ran {
        self.run(&["backup", "--to", &self.path()])
    }

    fn copy(&self, id: &str) -> String {
        fs::read_to_string(Path::new(&self.path()).join(format!("{id}.json"))).unwrap()
    }

    /// What the index says of an id.
    fn listed(&self, id: &str) -> Value {
        let items = self.client.get("/analyses").json()["analyses"].as_array().unwrap().clone();
        items.into_iter().find(|item| item["request_id"] == id).unwrap_or_default()
    }

    /// Whatever is run, the finding stays, the copy stays, and nothing ends with 0.
    fn is_never_adopted(&self, id: &str, word: &str) {
        let before = self.listed(id);
        for command in [&["repair"][..], &["check", "--grace", "0"], &["check", "--read-data"], &["repair"]] {
            found(&self.run(command), &[(word, id)]);
        }
        for _ in 0..2 {
            self.backup().assert_found(&[&format!("{word} {id}")]);
            assert_eq!(self.copy(id), document(id));
        }
        let verified = self.run(&["verify", "--against", &self.path()]);
        verified.assert_found(&[&format!("{word} {id}")]);
        assert_eq!(self.listed(id), before);
    }

    /// Repairs from the backup.
    fn heal(&self, options: &[&str]) -> Ran {
        self.run(&[&["repair", "--from", &self.path()], options].concat())
    }

    fn bring_back(&self, id: &str) {
        let path = self.path();
        let restore = self.run(&["restore", "--from", &path, "--id", id, "--replace"]);
        assert_eq!(restore.code, Some(0), "{}{}", restore.out, restore.err);
        assert_eq!(self.client.get(&format!("/analyses/{id}")).body, document(id).as_bytes());
        assert_eq!(self.run(&["check", "--read-data", "--grace", "0"]).code, Some(0));
        assert_eq!(self.backup().code, Some(0));
    }
}

/// A check or repair found just these, as `--json` says, and ended with 1.
fn found(ran: &Ran, expected: &[(&str, &str)]) {
    let lines = ran.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let findings: Vec<Value> = lines.filter(|line| line["finding"].is_string()).collect();
    let words: Vec<(&str, &str)> = findings
        .iter()
        .map(|finding| (finding["finding"].as_str().unwrap(), finding["id"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!((ran.code, &words[..]), (Some(1), expected), "{}{}", ran.out, ran.err);
    for finding in &findings {
        assert!(finding["repaired"] == false && finding["advice"].is_string(), "{finding}");
    }
    let total: u64 = ran.totals()["left"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(total, expected.len() as u64);
}

/// The story: a document that is cut off, emptied or overwritten with junk never becomes the truth.
fn the_last_good_copy_survives(stage: &Stage) {
    stage.prepare();
    let half = &document("two")[..20];
    for bytes in ["", half, "\0\0\0\0"] {
        (stage.overwrite)("two", bytes);
        stage.is_never_adopted("two", "damaged");
        stage.bring_back("two");
    }
}

/// A document that another program has replaced is taken in when somebody says so.
fn a_change_is_adopted_on_demand(stage: &Stage) {
    stage.prepare();
    let changed = r#"{"implementation":"hybrid","status":"changed"}"#;
    (stage.overwrite)("two", changed);
    stage.is_never_adopted("two", "changed");
    let adopted = stage.run(&["repair", "--adopt-changed"]);
    assert_eq!(adopted.code, Some(0), "{}{}", adopted.out, adopted.err);
    let line: Value = serde_json::from_str(adopted.out.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&line["finding"], &line["id"], &line["repaired"]),
        (&"changed".into(), &"two".into(), &true.into())
    );
    assert_eq!(stage.listed("two")["status"], "changed");
    stage.backup().assert_well(&[("copied", 1), ("unchanged", 2)]);
    assert_eq!(stage.copy("two"), changed);
    (stage.overwrite)("one", changed);
    stage.is_never_adopted("one", "changed");
    stage.bring_back("one");
}

/// `repair --from` brings back what was saved, and nothing else.
fn a_backup_heals(stage: &Stage) {
    stage.prepare();
    let created_at = stage.listed("two")["created_at"].clone();
    let half = document("two")[..20].to_owned();
    for bytes in ["", &half] {
        (stage.overwrite)("two", bytes);
        let healed = stage.heal(&[]);
        assert_eq!(
            (healed.code, &healed.totals()["repaired"]["damaged"]),
            (Some(0), &1.into()),
            "{}",
            healed.out
        );
        let line: Value = serde_json::from_str(healed.out.lines().next().unwrap()).unwrap();
        let how = line["healed"].as_str().unwrap();
        assert!(
            line["repaired"] == true && how.starts_with("with two.json of the backup; the damaged"),
            "{line}"
        );
        assert_eq!(stage.client.get("/analyses/two").body, document("two").as_bytes());
        assert_eq!(stage.listed("two")["created_at"], created_at);
        assert_eq!(stage.run(&["check", "--read-data", "--grace", "0"]).code, Some(0));
    }
    assert_eq!(stage.heal(&[]).totals()["repaired"], serde_json::json!({}), "once healed is healed");
}

/// Of several copies the one that fits is taken, from the history as well, and none that does not.
fn only_what_was_saved_heals(stage: &Stage) {
    stage.prepare();
    let other = document("TWO and more");
    assert_eq!(stage.client.put("two", other.as_bytes()).status, 200);
    (stage.overwrite)("two", "");
    // The backup has only what was saved before.
    found(&stage.heal(&[]), &[("damaged", "two")]);
    assert_eq!(stage.client.put("two", other.as_bytes()).status, 200);
    assert_eq!(stage.backup().code, Some(0));
    assert_eq!(stage.client.put("two", document("two").as_bytes()).status, 200);
    (stage.overwrite)("two", "");
    let healed = stage.heal(&[]);
    assert!(healed.code == Some(0) && healed.out.contains("with .backup/history/"), "{}", healed.out);
    assert_eq!(stage.client.get("/analyses/two").body, document("two").as_bytes());
    // A copy that is damaged itself heals nothing, though its size fits.
    assert_eq!(stage.client.put("one", document("one").as_bytes()).status, 200);
    fs::write(Path::new(&stage.path()).join("one.json"), document("ONE")).unwrap();
    (stage.overwrite)("one", "");
    found(&stage.heal(&[]), &[("damaged", "one")]);
    (stage.overwrite)("one", &document("one"));
}

fn on_files(tell: fn(&Stage)) {
    let store = TempDir::new().unwrap();
    let server = Server::on_files(store.path());
    let overwrite = |id: &str, bytes: &str| {
        let place = document_file(store.path(), id);
        // One write in a thousand ends on a whole microsecond, as all of the program's own do.
        loop {
            fs::write(&place, bytes).unwrap();
            let modified = fs::metadata(&place).unwrap().modified().unwrap();
            let age = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
            if !age.subsec_nanos().is_multiple_of(1000) {
                return;
            }
        }
    };
    tell(&Stage {
        variables: &[("LOCAL_STORAGE_DIR", text(store.path()))],
        client: server.client(),
        directory: TempDir::new().unwrap(),
        overwrite: &overwrite,
    });
}

fn on_s3(tell: fn(&Stage)) {
    let cloud = Cloud::start();
    let server = cloud.server();
    let overwrite =
        |id: &str, bytes: &str| cloud.put_as_another_program(&cloud.document_key(id), bytes, Vec::new());
    tell(&Stage {
        variables: &cloud.variables(),
        client: server.client(),
        directory: TempDir::new().unwrap(),
        overwrite: &overwrite,
    });
}

/// The file of a document.
fn document_file(store: &Path, id: &str) -> std::path::PathBuf {
    let years = fs::read_dir(store.join("analysis")).unwrap();
    let months = years.flat_map(|year| fs::read_dir(year.unwrap().path()).unwrap());
    let mut places = months.map(|month| month.unwrap().path().join(format!("{id}.json")));
    places.find(|place| place.exists()).unwrap()
}

#[test]
fn on_files_the_last_good_copy_of_a_damaged_document_survives() {
    on_files(the_last_good_copy_survives);
}

#[test]
fn on_s3_the_last_good_copy_of_a_damaged_document_survives() {
    on_s3(the_last_good_copy_survives);
}

#[test]
fn on_files_a_backup_heals_a_damaged_document() {
    on_files(a_backup_heals);
}

#[test]
fn on_s3_a_backup_heals_a_damaged_document() {
    on_s3(a_backup_heals);
}

#[test]
fn on_files_only_what_was_saved_heals_a_document() {
    on_files(only_what_was_saved_heals);
}

#[test]
fn on_s3_only_what_was_saved_heals_a_document() {
    on_s3(only_what_was_saved_heals);
}

#[test]
fn a_backup_heals_what_is_lost_or_damaged_in_place_and_the_damaged_bytes_stay() {
    let store = TempDir::new().unwrap();
    let server = Server::on_files(store.path());
    let stage = Stage {
        variables: &[("LOCAL_STORAGE_DIR", text(store.path()))],
        client: server.client(),
        directory: TempDir::new().unwrap(),
        overwrite: &|_, _| {},
    };
    stage.prepare();
    let place = document_file(store.path(), "two");
    let saved = fs::metadata(&place).unwrap().modified().unwrap();
    fs::write(&place, document("TWO")).unwrap();
    fs::File::options().append(true).open(&place).unwrap().set_modified(saved).unwrap();
    fs::remove_file(document_file(store.path(), "one")).unwrap();
    let healed = stage.heal(&["--read-data"]);
    let repaired = &healed.totals()["repaired"];
    assert_eq!((healed.code, &repaired["lost"], &repaired["damaged"]), (Some(0), &1.into(), &1.into()));
    for id in IDS {
        assert_eq!(server.client().get(&format!("/analyses/{id}")).body, document(id).as_bytes());
    }
    let aside: Vec<String> = fs::read_dir(store.path().join(".storage/damaged"))
        .unwrap()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert_eq!(aside, [document("TWO")]);
    assert_eq!(stage.run(&["check", "--read-data", "--grace", "0"]).code, Some(0));
    assert_eq!(stage.run(&["repair", "--from", text(store.path())]).code, Some(2), "that is the store");
    assert_eq!(stage.heal(&["--forget-lost"]).code, Some(2), "one or the other");
}

#[test]
fn a_document_and_a_copy_of_eight_tebibytes_are_findings() {
    let store = TempDir::new().unwrap();
    let server = Server::on_files(store.path());
    let stage = Stage {
        variables: &[("LOCAL_STORAGE_DIR", text(store.path()))],
        client: server.client(),
        directory: TempDir::new().unwrap(),
        overwrite: &|_, _| {},
    };
    stage.prepare();
    // They take no room, but would take the memory of any machine.
    let grow = |place: &Path| fs::File::options().write(true).open(place).unwrap().set_len(8 << 40).unwrap();
    grow(&document_file(store.path(), "two"));
    grow(&Path::new(&stage.path()).join("one.json"));
    assert_eq!(server.client().get("/analyses/two").status, 500);
    let load = crate::harness::program(stage.variables).args(["load", "two"]).output().unwrap();
    let message = String::from_utf8(load.stderr).unwrap();
    assert!(load.status.code() == Some(1) && message.contains("raise MAX_DOCUMENT_BYTES"), "{message}");
    for command in [&["check", "--read-data", "--grace", "0"][..], &["repair", "--adopt-changed"]] {
        found(&stage.run(command), &[("damaged", "two")]);
    }
    let verified = stage.run(&["verify", "--against", &stage.path()]);
    verified.assert_found(&["corrupt two", "document_too_large one.json"]);
    let restored = stage.run(&["restore", "--from", &stage.path()]);
    restored.assert_found(&["conflict two.json", "document_too_large one.json"]);
    stage.backup().assert_found(&["damaged two"]);
    assert_eq!(stage.copy("one"), document("one"), "a copy is healed from the store");
    let healed = stage.heal(&[]);
    assert_eq!(healed.code, Some(0), "{}{}", healed.out, healed.err);
    assert_eq!(server.client().get("/analyses/two").body, document("two").as_bytes());
}

#[test]
fn a_store_whose_documents_are_missing_is_filled_up_from_a_backup_only_if_people_say_so() {
    let store = TempDir::new().unwrap();
    let server = Server::on_files(store.path());
    let stage = Stage {
        variables: &[("LOCAL_STORAGE_DIR", text(store.path()))],
        client: server.client(),
        directory: TempDir::new().unwrap(),
        overwrite: &|_, _| {},
    };
    for n in 0..12 {
        assert_eq!(stage.client.put(&format!("study-{n}"), document("x").as_bytes()).status, 201);
    }
    stage.backup().assert_well(&[("copied", 12)]);
    fs::remove_dir_all(store.path().join("analysis")).unwrap();
    let stopped = stage.heal(&[]);
    assert!(
        stopped.code == Some(1) && stopped.err.contains("documents are LOST: is a volume"),
        "{}",
        stopped.err
    );
    assert!(!store.path().join("analysis").exists(), "nothing is written");
    let healed = stage.heal(&["--yes"]);
    assert_eq!((healed.code, &healed.totals()["repaired"]["lost"]), (Some(0), &12.into()), "{}", healed.err);
    assert_eq!(stage.run(&["check", "--read-data", "--grace", "0"]).code, Some(0));
}

#[test]
fn on_files_a_document_that_another_program_replaced_is_adopted_on_demand() {
    on_files(a_change_is_adopted_on_demand);
}

#[test]
fn on_s3_a_document_that_another_program_replaced_is_adopted_on_demand() {
    on_s3(a_change_is_adopted_on_demand);
}

#[test]
fn a_document_that_is_gone_is_lost_until_it_is_brought_back_or_forgotten() {
    let store = TempDir::new().unwrap();
    let server = Server::on_files(store.path());
    let stage = Stage {
        variables: &[("LOCAL_STORAGE_DIR", text(store.path()))],
        client: server.client(),
        directory: TempDir::new().unwrap(),
        overwrite: &|_, _| {},
    };
    stage.prepare();
    for id in ["one", "two"] {
        fs::remove_file(document_file(store.path(), id)).unwrap();
    }
    let mut both = [("lost", "one"), ("lost", "two")];
    let checked = stage.run(&["check", "--grace", "0"]);
    if checked.out.find("\"two\"") < checked.out.find("\"one\"") {
        both.reverse();
    }
    found(&checked, &both);
    found(&stage.run(&["repair"]), &both);
    stage.backup().assert_found(&["lost one", "lost two"]);
    assert_eq!((stage.copy("one"), stage.copy("two")), (document("one"), document("two")));
    let restored = stage.run(&["restore", "--from", &stage.path(), "--id", "one"]);
    restored.assert_well(&[("created", 1)]);
    found(&stage.run(&["check", "--grace", "0"]), &[("lost", "two")]);
    let forgotten = stage.run(&["repair", "--forget-lost"]);
    assert_eq!((forgotten.code, &forgotten.totals()["repaired"]["lost"]), (Some(0), &1.into()));
    assert_eq!(stage.listed("two"), Value::Null);
    assert_eq!(stage.run(&["check", "--grace", "0"]).code, Some(0));
}

#[test]
fn a_store_whose_documents_are_missing_stops_a_repair_that_asks_for_the_volume() {
    let store = TempDir::new().unwrap();
    let server = Server::on_files(store.path());
    let variables = [("LOCAL_STORAGE_DIR", text(store.path()))];
    for n in 0..12 {
        assert_eq!(server.client().put(&format!("study-{n}"), b"{}").status, 201);
    }
    let (documents, away) = (store.path().join("analysis"), store.path().join("away"));
    fs::rename(&documents, &away).unwrap();
    for options in [&["repair"][..], &["repair", "--forget-lost"]] {
        let ran = run(&variables, options);
        assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
        assert!(ran.err.contains("12 of 12 documents are LOST: is a volume"), "{}", ran.err);
        assert_eq!(server.client().get("/stats").json()["total_analyses"], 12, "{options:?} forgets nothing");
    }
    let checked = run(&variables, &["check", "--grace", "0"]);
    assert_eq!((checked.code, &checked.totals()["left"]["lost"]), (Some(1), &12.into()));
    fs::rename(&away, &documents).unwrap();
    assert_eq!(run(&variables, &["check", "--grace", "0"]).code, Some(0));
    fs::remove_dir_all(&documents).unwrap();
    let ran = run(&variables, &["repair", "--forget-lost", "--yes"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert_eq!(server.client().get("/stats").json()["total_analyses"], 0);
}

#[test]
fn reading_the_documents_finds_what_listings_do_not_show() {
    let store = TempDir::new().unwrap();
    let server = Server::on_files(store.path());
    let variables = [("LOCAL_STORAGE_DIR", text(store.path()))];
    for id in IDS {
        assert_eq!(server.client().put(id, document(id).as_bytes()).status, 201);
    }
    // Other bytes, of the same number and time.
    let place = document_file(store.path(), "two");
    let saved = fs::metadata(&place).unwrap().modified().unwrap();
    fs::write(&place, document("TWO")).unwrap();
    fs::File::options().append(true).open(&place).unwrap().set_modified(saved).unwrap();

    let plain = crate::harness::program(&variables).arg("check").output().unwrap();
    let text = String::from_utf8(plain.stdout).unwrap();
    assert!(plain.status.success() && text.contains("not read: what the documents contain"), "{text}");
    for options in [&["check", "--read-data"][..], &["check", "--read-data", "--rate", "1MB"]] {
        let ran = run(&variables, options);
        found(&ran, &[("damaged", "two")]);
        assert_eq!(ran.totals()["contents"]["documents"], 3);
        let sound = (document("one").len() + document("three").len()) as u64;
        assert_eq!(ran.totals()["contents"]["bytes"], sound);
    }
    assert_eq!(run(&variables, &["check", "--rate", "1MB"]).code, Some(2), "there is nothing to read slowly");
}
