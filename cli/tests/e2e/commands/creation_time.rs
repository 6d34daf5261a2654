//! What decides an analysis's creation time, and many saves at once.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Place, on_files, write};

fn document(directory: &Path, name: &str, timestamp: &str) -> String {
    write(directory, name, format!(r#"{{"timestamp":"{timestamp}"}}"#))
}

fn created_at(place: &Place<'_>, id: &str) -> Value {
    let listed = place.run(&["list", "--json", "--all"]).json();
    let found = listed.iter().find(|item| item["request_id"] == id);
    found.unwrap_or_else(|| panic!("{id} in {listed:?}"))["created_at"].clone()
}

#[test]
fn a_save_takes_it_from_the_timestamp_as_an_import_does() {
    on_files(|place, directory| {
        let files = directory.join("files");
        fs::create_dir(&files).unwrap();
        let file = document(&files, "imported.json", "2025-03-04T05:06:07.089Z");
        place.run(&["import", "--from", files.to_str().unwrap()]).text();
        let save = |arguments: &[&str]| {
            place.run(&[&["save", &file, "--created-at", "timestamp"], arguments].concat()).text()
        };
        save(&["--id", "named"]);
        let made = save(&[]).trim_end().to_owned();
        for id in ["imported", "named", &made] {
            assert_eq!(created_at(place, id), "2025-03-04T05:06:07.089Z", "{id}");
        }
        assert!(made.starts_with("01955f8c-0671-7"), "a UUIDv7 of that time: {made}");
        assert_eq!(place.run(&["list", "--json", "--from", "2025-03-05"]).json().len(), 0);

        // Totals have it, too, and nothing is left to repair.
        assert_eq!(place.run(&["stats", "--json"]).json()[0]["by_month"]["2025-03"], 3);
        place.run(&["check"]).text();
    });
}

#[test]
fn what_an_id_has_stays_and_people_are_told() {
    on_files(|place, directory| {
        let (old, older) = (
            document(directory, "old.json", "2025-03-04T00:00:00Z"),
            document(directory, "older.json", "2024-03-04T00:00:00Z"),
        );
        let save = |file: &str, id: &str| place.run(&["save", file, "--id", id, "--created-at", "timestamp"]);
        save(&old, "study-1").text();
        place.run(&["delete", "study-1"]).text();
        let run = save(&older, "study-1");
        assert!(
            run.messages.contains(
                "study-1: saved; the id was created at 2025-03-04T00:00:00.000Z, which never changes"
            ),
            "{}",
            run.messages
        );
        run.text();
        let uuid = "018cc251-f400-7000-8000-000000000000";
        let run = save(&older, uuid);
        assert_eq!(run.messages, "", "a UUIDv7 carries its own");
        run.text();
        assert_eq!(created_at(place, "study-1"), "2025-03-04T00:00:00.000Z");
        assert_eq!(created_at(place, uuid), "2024-01-01T00:00:00.000Z");
        // Without the option it is the present.
        place.run(&["save", &old, "--id", "new"]).text();
        assert!(created_at(place, "new").as_str().unwrap() > "2026");
    });
}

#[test]
fn a_document_without_a_time_of_the_past_is_refused() {
    on_files(|place, directory| {
        let without = write(directory, "without.json", "{}");
        let future = document(directory, "future.json", "2999-01-01T00:00:00Z");
        let good = document(directory, "good.json", "2025-01-01T00:00:00Z");
        let run =
            place.run(&["save", "--created-at", "timestamp", "--id-from-name", &without, &future, &good]);
        run.assert_ends(
            1,
            "without.json: not saved: it has no `timestamp`: --created-at timestamp needs one",
        );
        run.assert_ends(1, "future.json: not saved: its `timestamp` 2999-01-01T00:00:00Z is in the future");
        assert_eq!(run.out, b"good\n");
        // No id record is left behind that would fix another time.
        place.run(&["save", "--id-from-name", &without]).text();
        assert!(created_at(place, "without").as_str().unwrap() > "2026");
    });
}

#[test]
fn many_are_saved_at_once_and_each_is_reported() {
    on_files(|place, directory| {
        let names: Vec<String> = (0..60).map(|n| format!("study-{n}")).collect();
        let files: Vec<String> =
            names.iter().map(|name| write(directory, &format!("{name}.json"), "{}")).collect();
        let broken = write(directory, "broken.json", "{");
        let mut arguments = vec!["save", "--jobs", "16", "--id-from-name", &broken];
        arguments.extend(files.iter().map(String::as_str));
        let run = place.run(&arguments);
        run.assert_ends(1, "broken.json: not saved: ");
        run.assert_ends(1, "error: 1 of 61 documents not saved");
        let printed = String::from_utf8(run.out).unwrap();
        let printed: BTreeSet<&str> = printed.lines().collect();
        assert_eq!(printed, names.iter().map(String::as_str).collect());
        assert_eq!(place.run(&["list", "--json"]).json().len(), 60);
        place.run(&["check"]).text();
        place.run(&["save", &broken, "--jobs", "0"]).assert_ends(2, "0 is not in 1..=256");
    });
}
