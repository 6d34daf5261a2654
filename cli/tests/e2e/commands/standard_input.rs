//! `-` is standard input or output, and ids that begin with `-` stand behind `--`.

use std::fs;

use tempfile::TempDir;

use super::{Place, Run, on_files, write};

fn saved(place: &Place<'_>, ids: &[&str]) {
    for id in ids {
        place.pipe(&["save", "-", &format!("--id={id}")], br#"{"n":1}"#).text();
    }
}

fn listed(place: &Place<'_>) -> Vec<String> {
    let listed = place.run(&["list", "--json", "--all", "--sort", "id"]).json();
    listed.iter().map(|item| item["request_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_dash_is_standard_output_and_a_document_of_standard_input() {
    on_files(|place, directory| {
        saved(place, &["a"]);
        for output in ["--output=-", "-o-"] {
            assert_eq!(place.run(&["load", "a", output]).text(), r#"{"n":1}"#);
        }
        assert_eq!(place.pipe(&["load", "-", "--output", "-"], b"a\n").text(), r#"{"n":1}"#);
        place.pipe(&["load", "-"], b"a\nb\n").assert_ends(2, "standard input has 2 ids, and one is needed");
        place.pipe(&["load", "-"], b"\n").assert_ends(2, "standard input has 0 ids, and one is needed");
        assert!(!directory.join("-").exists());

        let file = write(directory, "b.json", "{}");
        assert_eq!(place.pipe(&["save", &file, "--id", "-"], b"b\n").text(), "b\n");
        place.pipe(&["save", "-", "--id", "-"], b"b\n").assert_ends(2, "standard input can be read once");
    });
}

#[test]
fn ids_to_delete_are_read_one_a_line() {
    on_files(|place, _| {
        saved(place, &["a", "b", "c", "d"]);
        assert_eq!(place.pipe(&["delete", "d", "-"], b"a\r\n\n b \na\n").text(), "d\na\nb\n");
        assert_eq!(listed(place), ["c"]);
        assert_eq!(place.pipe(&["delete", "-"], b"").text(), "");
        place.pipe(&["delete", "-", "-"], b"c\n").assert_ends(2, "standard input can be read once");
        place.pipe(&["delete", "-"], b"c\nx/y\n").assert_ends(2, "error: id \"x/y\" contains '/'");
        place.pipe(&["delete", "-"], b"c\n\xff\n").assert_ends(2, "cannot read ids from standard input");
        assert_eq!(listed(place), ["c"]);
    });
}

#[test]
fn ids_to_restore_are_read_one_a_line() {
    on_files(|place, directory| {
        saved(place, &["a", "b", "c"]);
        let backup = directory.join("backup");
        let backup = backup.to_str().unwrap();
        place.run(&["backup", "--to", backup]).text();
        place.run(&["delete", "a", "b", "c"]).text();
        place
            .pipe(&["restore", "--from", backup, "--id", "-"], b"")
            .assert_ends(2, "standard input has no ids");
        assert_eq!(listed(place), [""; 0]);
        place.pipe(&["restore", "--from", backup, "--id", "-"], b"c\na\n").text();
        assert_eq!(listed(place), ["a", "c"]);
    });
}

#[test]
fn ids_that_begin_with_a_dash_stand_behind_two() {
    on_files(|place, directory| {
        saved(place, &["-x", "--y"]);
        let file = write(directory, "a.json", "{}");
        assert_eq!(place.pipe(&["save", &file, "--id", "-"], b"-\n").text(), "-\n");
        let tip = |run: Run| run.assert_ends(2, "unexpected argument '-x' found");
        tip(place.run(&["load", "-x"]));
        tip(place.run(&["delete", "-x"]));
        assert_eq!(place.run(&["load", "--", "-x"]).text(), r#"{"n":1}"#);
        assert_eq!(place.run(&["list", "--json", "--id-prefix=-"]).json().len(), 3);
        assert_eq!(place.run(&["delete", "--", "-x", "--y"]).text(), "-x\n--y\n");
        // An id that is itself a dash is one of standard input.
        assert_eq!(place.pipe(&["delete", "-"], b"-\n").text(), "-\n");
    });
}

#[test]
fn a_dash_is_no_directory() {
    on_files(|place, _| {
        saved(place, &["a"]);
        for arguments in
            [["backup", "--to"], ["restore", "--from"], ["import", "--from"], ["verify", "--against"]]
        {
            let run = place.run(&[&arguments[..], &["-"]].concat());
            run.assert_ends(2, "standard input and output are no directory");
        }
    });
}

#[test]
fn a_table_of_prices_is_read_from_standard_input() {
    let directory = TempDir::new().unwrap();
    let prices = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/src/cost/prices.json")).unwrap();
    let place = Place(&[("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap())]);
    let cost = ["cost", "--analyses", "1000", "--prices", "-"];
    assert_eq!(place.pipe(&cost, &prices).text(), place.run(&cost[..3]).text());
    place.pipe(&cost, b"{").assert_ends(2, "error: - is not a price table");
}
