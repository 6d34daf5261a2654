//! Saving, loading and deleting.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;

use super::{Place, on_files, write};
use crate::harness::{examples, program};

#[test]
fn an_id_comes_from_the_option_the_document_or_the_name() {
    on_files(|place, directory| {
        let plain = write(directory, "study-1.json", "{}");
        let named = write(directory, "study-2.json", r#"{"request_id":"study-2"}"#);
        let made = place.run(&["save", &plain]).text();
        assert_eq!((made.len(), &made[14..15]), (37, "7"), "{made}");
        assert_eq!(place.run(&["save", &named]).text(), "study-2\n");
        assert_eq!(place.run(&["save", &plain, "--id", "other"]).text(), "other\n");
        assert_eq!(place.run(&["save", "--id-from-name", &plain, &named]).text(), "study-1\nstudy-2\n");

        place.run(&["save", &named, "--id", "other"]).assert_ends(1, "they must be equal");
        place.run(&["save", &plain, "--id", "a/b"]).assert_ends(2, "error: id \"a/b\" contains '/'");
        place.run(&["save", &plain, &named, "--id", "x"]).assert_ends(2, "--id and --if-match are for one");
        place.run(&["save", "-", "-"]).assert_ends(2, "standard input can be read once");
        place.run(&["save", "-", "--id-from-name"]).assert_ends(2, "standard input has no name");
        place.run(&["save", &plain, "--id", "x", "--id-from-name"]).assert_ends(2, "cannot be used with");
        place.run(&["save"]).assert_ends(2, "<FILE>");
    });
}

#[test]
fn refused_documents_are_named_and_the_others_saved() {
    on_files(|place, directory| {
        let good = write(directory, "good.json", "{}");
        let broken = write(directory, "broken.json", "{");
        let wrong = write(directory, "wrong.json", r#"{"status":7}"#);
        let bad_id = write(directory, "bad.json", r#"{"request_id":"a/b"}"#);
        let missing = directory.join("missing.json").to_str().unwrap().to_owned();
        let run = place.run(&["save", "--json", &broken, &good, &wrong, &missing, &bad_id]);
        for message in [
            "broken.json: not saved: ",
            "wrong.json: not saved: field `status`",
            "missing.json: not saved: cannot be read: No such file",
            "bad.json: not saved: id \"a/b\" contains '/'",
            "error: 4 of 5 documents not saved",
        ] {
            run.assert_ends(1, message);
        }
        assert_eq!(String::from_utf8(run.out).unwrap().lines().count(), 1);
        place.run(&["save", &broken]).assert_ends(1, "broken.json: ");
        // Nothing could be done: an error of input, where one of several is skipped.
        place.run(&["save", &missing]).assert_ends(2, "missing.json");
        assert_eq!(place.run(&["stats", "--json"]).json()[0]["total_analyses"], 1);
    });
}

#[test]
fn no_more_than_the_limit_is_read() {
    let directory = TempDir::new().unwrap();
    let variables = [("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap()), ("MAX_DOCUMENT_BYTES", "2")];
    let place = Place(&variables);
    place.pipe(&["save", "-", "--id", "fits"], b"{}").text();
    place.pipe(&["save", "-"], b"{} ").assert_ends(1, "larger than the limit of 2 bytes");
    // It never ends.
    place.run(&["save", "/dev/zero"]).assert_ends(1, "larger than the limit of 2 bytes");
}

#[test]
fn conditions_guard_saves_and_deletes() {
    on_files(|place, _| {
        let save = |content: &str, conditions: &[&str]| {
            place.pipe(&[&["save", "-", "--id", "study-1"], conditions].concat(), content.as_bytes())
        };
        save("{}", &["--if-match", "*"]).assert_ends(1, "study-1");
        save(r#"{"n":1}"#, &["--create"]).text();
        save(r#"{"n":2}"#, &["--create"]).assert_ends(1, "study-1");
        let etag = place.run(&["load", "study-1", "--etag"]).text().trim_end().to_owned();
        assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
        save(r#"{"n":3}"#, &["--if-match", &etag]).text();
        save(r#"{"n":4}"#, &["--if-match", &etag]).assert_ends(1, "study-1");
        save("{}", &["--if-match", "W/\"a\""]).assert_ends(2, "is not an entity tag");
        save("{}", &["--if-match", "*", "--create"]).assert_ends(2, "cannot be used with");
        place.pipe(&["save", "-", "--if-match", "*"], b"{}").assert_ends(1, "a new analysis has no tag");
        assert_eq!(place.run(&["load", "study-1"]).text(), r#"{"n":3}"#);

        place.run(&["delete", "study-1", "--if-match", &etag]).assert_ends(1, "study-1");
        let bare = place.run(&["load", "study-1", "--etag"]).text().trim().trim_matches('"').to_owned();
        assert_eq!(place.run(&["delete", "study-1", "--if-match", &bare]).text(), "study-1\n");
    });
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    on_files(|place, directory| {
        let (_, bytes) = &examples()[0];
        place.pipe(&["save", "-", "--id", "study-1"], br#"{"old":true}"#).text();
        let out = directory.join("out.json");
        let output = out.to_str().unwrap();
        assert_eq!(place.run(&["load", "study-1", "--output", output]).text(), "");
        assert_eq!(fs::read(&out).unwrap(), br#"{"old":true}"#);

        // A link and the permissions stay.
        let link = directory.join("link.json");
        std::os::unix::fs::symlink(&out, &link).unwrap();
        fs::set_permissions(&out, fs::Permissions::from_mode(0o640)).unwrap();
        place.pipe(&["save", "-", "--id", "study-2"], bytes).text();
        place.run(&["load", "study-2", "--output", link.to_str().unwrap()]).text();
        assert_eq!(&fs::read(&out).unwrap(), bytes);
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(out.metadata().unwrap().permissions().mode() & 0o777, 0o640);

        place.run(&["load", "no-such-id", "--output", output]).assert_ends(1, "error: there is no analysis");
        assert_eq!(&fs::read(&out).unwrap(), bytes, "a load that fails leaves the file alone");
        let nowhere = directory.join("nowhere/out.json");
        let run = place.run(&["load", "study-1", "--output", nowhere.to_str().unwrap()]);
        run.assert_ends(2, "nowhere/out.json");
        place.run(&["load", "study-1", "-o", "/dev/null"]).text();
        assert!(!Path::new("/dev/null").is_file());
        let left: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 3, "no temporary file: {left:?}");
    });
}

/// Both commands open the storage at the same time.
#[test]
fn one_command_pipes_into_another() {
    on_files(|place, _| {
        let (_, bytes) = &examples()[0];
        place.pipe(&["save", "-", "--id", "copy-0"], bytes).text();
        for n in 1..10 {
            let (from, to) = (format!("copy-{}", n - 1), format!("copy-{n}"));
            let mut load = program(place.0).args(["load", &from]).stdout(Stdio::piped()).spawn().unwrap();
            let mut save = program(place.0);
            let output =
                save.args(["save", "-", "--id", &to]).stdin(load.stdout.take().unwrap()).output().unwrap();
            assert!(load.wait().unwrap().success());
            assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{to}\n"));
        }
        assert_eq!(&place.run(&["load", "copy-9"]).out, bytes);
    });
}

#[test]
fn deletes_are_all_or_nothing_for_bad_ids_only() {
    on_files(|place, _| {
        for id in ["a", "b"] {
            place.pipe(&["save", "-", "--id", id], b"{}").text();
        }
        place.run(&["delete", "a", "b/"]).assert_ends(2, "error: id \"b/\" contains '/'");
        place.run(&["delete", "a", "b", "--if-match", "x"]).assert_ends(2, "--if-match is for one analysis");
        assert_eq!(place.run(&["list", "--json"]).json().len(), 2);
        place.run(&["delete", "c"]).assert_ends(1, "error: there is no analysis `c`");
        assert_eq!(place.run(&["delete", "a", "b", "a"]).text(), "a\nb\n");
        place.run(&["load", "../a"]).assert_ends(2, "error: id \"../a\" contains '/'");
    });
}
