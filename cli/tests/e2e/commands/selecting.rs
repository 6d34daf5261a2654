//! Which analyses `list` shows in which order, and which `delete` deletes.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Place, Run, on_files};
use crate::harness::Cloud;

/// Id, implementation, status, day of creation, seconds and padding of what is stored.
const STORED: [(&str, &str, &str, &str, u32, usize); 5] = [
    ("study-b", "hybrid", "success", "2025-01-01", 30, 0),
    ("study-a", "openai", "error", "2025-01-02", 20, 300),
    ("other-1", "hybrid", "error", "2025-01-03", 10, 200),
    ("study-c", "openai", "success", "2025-01-04", 40, 100),
    ("study-d", "hybrid", "error", "2025-01-05", 20, 100),
];

fn store(place: &Place<'_>) {
    for (id, implementation, status, day, seconds, padding) in STORED {
        let document = format!(
            r#"{{"implementation":"{implementation}","status":"{status}","timestamp":"{day}T00:00:00Z","execution_time":{seconds},"text":"{}"}}"#,
            "x".repeat(padding)
        );
        place.pipe(&["save", "-", "--id", id, "--created-at", "timestamp"], document.as_bytes()).text();
    }
}

fn ids(run: Run) -> Vec<String> {
    run.json().iter().map(|item: &Value| item["request_id"].as_str().unwrap().to_owned()).collect()
}

fn stored(check: impl Fn(&Place<'_>, &Path)) {
    on_files(|place, directory| {
        store(place);
        check(place, directory);
    });
}

#[test]
fn a_list_is_sorted_over_everything_that_is_selected() {
    stored(|place, _| {
        let list = |arguments: &[&str]| ids(place.run(&[&["list", "--json"], arguments].concat()));
        for (arguments, ids) in [
            (&["--sort", "created"][..], ["study-d", "study-c", "other-1", "study-a", "study-b"]),
            (&["--reverse"], ["study-b", "study-a", "other-1", "study-c", "study-d"]),
            (&["--sort", "saved"], ["study-d", "study-c", "other-1", "study-a", "study-b"]),
            (&["--sort", "size"], ["study-a", "other-1", "study-c", "study-d", "study-b"]),
            (&["--sort", "size", "--reverse"], ["study-b", "study-d", "study-c", "other-1", "study-a"]),
            (&["--sort", "seconds"], ["study-c", "study-b", "study-d", "study-a", "other-1"]),
            (&["--sort", "id"], ["other-1", "study-a", "study-b", "study-c", "study-d"]),
            (&["--sort", "implementation"], ["study-d", "other-1", "study-b", "study-c", "study-a"]),
            (&["--sort", "status", "--all"], ["study-d", "other-1", "study-a", "study-c", "study-b"]),
        ] {
            assert_eq!(list(arguments), ids, "{arguments:?}");
        }
        // The largest of all, not of the newest.
        assert_eq!(list(&["--sort", "size", "--limit", "1"]), ["study-a"]);
        let run = place.run(&["list", "--sort", "size", "--limit", "2"]);
        assert!(run.messages.starts_with("the first 2 of 5 in "), "{}", run.messages);
        let table = run.text();
        assert_eq!(
            (table.lines().count(), table.lines().nth(1).unwrap().ends_with("study-a")),
            (3, true),
            "{table}"
        );
        place.run(&["list", "--sort", "colour"]).assert_ends(2, "possible values: created, saved, size");
    });
}

#[test]
fn a_list_shows_ids_that_begin_so() {
    stored(|place, _| {
        let list = |arguments: &[&str]| ids(place.run(&[&["list", "--json"], arguments].concat()));
        assert_eq!(list(&["--id-prefix", "study-"]), ["study-d", "study-c", "study-a", "study-b"]);
        assert_eq!(list(&["--id-prefix", "study-", "--status", "error"]), ["study-d", "study-a"]);
        assert_eq!(list(&["--id-prefix", "study-", "--sort", "id", "--limit", "2"]), ["study-a", "study-b"]);
        let run = place.run(&["list", "--id-prefix", "study-", "--limit", "3"]);
        assert!(run.messages.contains("the newest 3 in ") && run.messages.contains("there may be more"));
        let run = place.run(&["list", "--id-prefix", "study-", "--limit", "4"]);
        assert!(run.messages.starts_with("4 analyses in "), "{}", run.messages);
        let run = place.run(&["list", "--id-prefix", "Study-"]);
        assert!(run.messages.starts_with("there are no such analyses"), "{}", run.messages);
    });
}

#[test]
fn a_filter_deletes_just_so_many_as_are_expected() {
    stored(|place, _| {
        let delete = |arguments: &[&str]| place.run(&[&["delete"], arguments].concat());
        let errors = ["--status", "error", "--id-prefix", "study-"];
        let with = |more: &str| delete(&[&errors[..], &[more]].concat());
        let dry = with("--dry-run");
        assert!(dry.messages.starts_with("2 analyses (") && dry.messages.ends_with("would be deleted\n"));
        assert_eq!(dry.text(), "study-d\nstudy-a\n");

        // Without a terminal the number has to be said, and to be right.
        delete(&errors).assert_ends(2, "nothing was deleted, and --yes=2 deletes them");
        with("--yes").assert_ends(2, "nothing was deleted, and --yes=2 deletes them");
        with("--yes=1").assert_ends(2, "--yes=1, but there are 2 analyses to delete: nothing was deleted");
        with("--yes=3").assert_ends(2, "nothing was deleted");
        with("--yes=all").assert_ends(2, "\"all\" is no number of analyses");
        assert_eq!(place.run(&["list", "--json"]).json().len(), 5);

        assert_eq!(with("--yes=2").text(), "study-d\nstudy-a\n");
        assert_eq!(ids(place.run(&["list", "--json"])), ["study-c", "other-1", "study-b"]);
        let none = delete(&errors);
        assert!(none.messages.starts_with("there are no such analyses in "), "{}", none.messages);
        assert_eq!(none.text(), "");
        with("--yes=2").assert_ends(2, "there are 0 analyses to delete");

        delete(&[]).assert_ends(2, "give the ids of analyses, or options that select some");
        delete(&["study-b", "--status", "error"])
            .assert_ends(2, "give either the ids of analyses or options");
        delete(&["--status", "error", "--if-match", "x"]).assert_ends(2, "--if-match is for one analysis");
        delete(&["--from", "2025-02", "--to", "2025-01"]).assert_ends(2, "--from lies after `to`");
        assert_eq!(delete(&["--from", "2025-01-03", "--to", "2025-01-03", "--yes=1"]).text(), "other-1\n");
    });
}

#[test]
fn ids_can_be_counted_and_looked_at_before_they_are_deleted() {
    stored(|place, _| {
        let run = place.run(&["delete", "--dry-run", "study-a", "no-such-id"]);
        run.assert_ends(1, "no-such-id: not deleted: there is no analysis");
        run.assert_ends(1, "error: 1 of 2 analyses would not be deleted");
        assert_eq!(run.out, b"study-a\n");
        place.run(&["delete", "--dry-run", "study-a", "--if-match", "x"]).assert_ends(1, "has changed");
        let run = place.pipe(&["delete", "-", "--yes=3"], b"study-a\nstudy-b\n");
        run.assert_ends(2, "--yes=3, but there are 2 analyses to delete: nothing was deleted");
        assert_eq!(place.run(&["list", "--json"]).json().len(), 5);
        assert_eq!(
            place.pipe(&["delete", "-", "--yes=2"], b"study-a\nstudy-b\n").text(),
            "study-a\nstudy-b\n"
        );
    });
}

/// What `delete` shows at a terminal, which `script` makes, where somebody types this once it has asked, and something
/// has happened meanwhile.
fn at_a_terminal(place: &Place<'_>, arguments: &str, meanwhile: impl FnOnce(), typed: &str) -> String {
    let line = format!("{} {arguments}", env!("CARGO_BIN_EXE_design-analysis"));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).envs(place.0.iter().copied());
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"to go on: ") {
        let mut byte = [0];
        assert_eq!(out.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&seen));
        seen.extend(byte);
    }
    meanwhile();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    out.read_to_end(&mut seen).unwrap();
    child.wait().unwrap();
    String::from_utf8(seen).unwrap()
}

#[test]
fn at_a_terminal_the_number_is_typed() {
    stored(|place, _| {
        let delete = |typed: &str| at_a_terminal(place, "delete --status error", || {}, typed);
        for typed in ["y\n", "2\n", "\n"] {
            let seen = delete(typed);
            assert!(
                seen.contains("Delete 3 analyses (") && seen.contains("error: nothing was deleted"),
                "{seen}"
            );
        }
        assert_eq!(place.run(&["list", "--json"]).json().len(), 5);
        let seen = delete("3\n");
        assert!(seen.contains("study-d\r\nother-1\r\nstudy-a\r\n"), "{seen}");
        assert_eq!(ids(place.run(&["list", "--json"])), ["study-c", "study-b"]);
    });
}

#[test]
fn what_is_saved_again_before_the_answer_is_not_deleted() {
    stored(|place, _| {
        let meanwhile = || {
            place.pipe(&["save", "-", "--id", "other-1"], br#"{"status":"success"}"#).text();
            place.run(&["delete", "study-d"]).text();
        };
        let seen = at_a_terminal(place, "delete --status error", meanwhile, "3\n");
        for message in [
            "other-1: not deleted: it has been saved again since it was selected",
            "study-d: not deleted: its document is gone",
            "error: 2 of 3 analyses not deleted",
        ] {
            assert!(seen.contains(message), "{message}: {seen}");
        }
        assert_eq!(ids(place.run(&["list", "--json", "--sort", "id"])), ["other-1", "study-b", "study-c"]);
    });
}

#[test]
fn filters_select_on_s3_as_they_do_on_files() {
    let cloud = Cloud::start();
    let place = Place(&cloud.variables());
    store(&place);
    let sorted =
        ids(place.run(&["list", "--json", "--id-prefix", "study-", "--sort", "size", "--limit", "2"]));
    assert_eq!(sorted, ["study-a", "study-c"]);
    assert_eq!(place.run(&["delete", "--status", "error", "--yes=3"]).text(), "study-d\nother-1\nstudy-a\n");
    assert_eq!(ids(place.run(&["list", "--json"])), ["study-c", "study-b"]);
}
