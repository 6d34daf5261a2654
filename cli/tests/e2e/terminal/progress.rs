//! How far a command is.

use std::time::Duration;

use tempfile::TempDir;

use super::{plant, slow_store};
use crate::harness::s3_in_memory::S3InMemory;
use crate::harness::terminal::{Seen, Terminal};

/// What was drawn of a part of the work, line by line.
fn drawn<'a>(seen: &'a Seen, what: &str) -> Vec<&'a str> {
    let lines = seen.frames.iter().flat_map(|frame| frame.lines());
    lines.map(str::trim_end).filter(|line| line.contains(&format!(" {what}  "))).collect()
}

/// Every line has this total and no other, and in the end nothing of them is left.
fn assert_total(seen: &Seen, what: &str, total: &str) {
    let lines = drawn(seen, what);
    assert!(!lines.is_empty(), "{what} was never seen: {seen:?}");
    for line in lines {
        assert!(format!("{line}  ").contains(&format!("{total}  ")), "{total} in {line}");
    }
    assert!(seen.code == Some(0) && !seen.text().contains(what), "{}", seen.text());
}

#[test]
fn transfers_show_one_total_of_documents_and_bytes_that_is_right_from_the_start() {
    let (directory, s3) = (TempDir::new().unwrap(), slow_store());
    let [source, backup] = ["source", "backup"].map(|name| directory.path().join(name));
    let [from, to] = [&source, &backup].map(|path| path.to_str().unwrap());
    let variables = &s3.variables()[..];
    plant(&source, 0..20);
    let import = ["import", "--from", from, "--jobs", "10"];
    let first = Terminal::run(100, 24, &import, variables);
    assert_total(&first, "importing", "/20");
    assert_total(&first, "importing", "/19.5 KB");
    assert!(drawn(&first, "importing").iter().any(|line| line.contains("/s  ") && line.ends_with(" s left")));
    assert!(first.text().starts_with("import: 20 created, "), "{}", first.text());

    // The store knows twenty of them, and so does the backup: each is still one document.
    plant(&source, 20..40);
    assert_total(&Terminal::run(100, 24, &import, variables), "importing", "/40");
    let copy = ["backup", "--to", to, "--jobs", "4"];
    assert_total(&Terminal::run(100, 24, &copy, variables), "copying", "/40");
    plant(&source, 40..50);
    Terminal::run(100, 24, &import, variables);
    let seen = Terminal::run(100, 24, &["backup", "--to", to, "--jobs", "1"], variables);
    assert_total(&seen, "copying", "/50");
    // Only what is to be copied has bytes.
    assert_total(&seen, "copying", "/9.8 KB");
    let verify = ["verify", "--against", to, "--jobs", "4"];
    assert_total(&Terminal::run(100, 24, &verify, variables), "comparing", "/50");
}

#[test]
fn save_and_stats_show_that_they_go_on() {
    let (directory, s3) = (TempDir::new().unwrap(), slow_store());
    let files = plant(directory.path(), 0..6);
    let save = [&["save", "--id-from-name"], &*files.iter().map(String::as_str).collect::<Vec<_>>()].concat();
    let seen = Terminal::run(100, 24, &save, &s3.variables());
    assert_total(&seen, "saving", "/6");
    assert_total(&seen, "saving", "/5.9 KB");
    let ids: Vec<String> = (0..6).map(|n| format!("study-{n:03}")).collect();
    assert_eq!(seen.lines, ids);
    let slow = S3InMemory::start_slow(Duration::from_millis(400));
    let seen = Terminal::run(100, 24, &["stats"], &slow.variables());
    assert!(!drawn(&seen, "adding up").is_empty() && seen.text().starts_with("Analyses   0\n"), "{seen:?}");
}

#[test]
fn a_check_that_reads_documents_shows_documents_bytes_and_where_it_is() {
    let directory = TempDir::new().unwrap();
    let files = plant(directory.path(), 0..4);
    let store = directory.path().join("store");
    let variables = [("LOCAL_STORAGE_DIR", store.to_str().unwrap())];
    let save = [&["save"], &*files.iter().map(String::as_str).collect::<Vec<_>>()].concat();
    assert_eq!(Terminal::run(100, 24, &save, &variables).code, Some(0));
    let seen = Terminal::run(100, 24, &["check", "--grace", "0", "--read-data", "--rate", "2KB"], &variables);
    assert_total(&seen, "checking", "/4");
    assert_total(&seen, "checking", "/3.9 KB");
    assert!(drawn(&seen, "checking").iter().any(|line| line.contains("  in 20")), "{seen:?}");
}

#[test]
fn a_narrow_terminal_loses_columns_of_the_progress_and_keeps_it_on_one_line() {
    let (directory, s3) = (TempDir::new().unwrap(), slow_store());
    plant(directory.path(), 0..20);
    let import = ["import", "--from", directory.path().to_str().unwrap(), "--dry-run", "--jobs", "2"];
    for (columns, has_bytes, has_time) in [(60, true, true), (40, false, true), (24, false, false)] {
        let seen = Terminal::run(columns, 24, &import, &s3.variables());
        assert_total(&seen, "importing", "/20");
        let lines = drawn(&seen, "importing");
        for line in &lines {
            assert!(line.chars().count() < columns.into(), "{line}");
        }
        let last = lines.iter().rfind(|line| line.contains(" left") == has_time);
        assert!(last.is_some_and(|line| line.contains("/19.5 KB") == has_bytes), "{lines:?}");
    }
}

#[test]
fn what_is_done_in_a_blink_draws_nothing() {
    let directory = TempDir::new().unwrap();
    let variables = [("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap())];
    // A machine with much else to do may take longer once.
    let seen: Vec<Seen> = (0..5).map(|_| Terminal::run(80, 24, &["stats"], &variables)).collect();
    let has_drawn = |seen: &Seen| seen.raw.contains('\x1b') || seen.raw.contains("adding up");
    assert!(seen.iter().any(|seen| seen.code == Some(0) && !has_drawn(seen)), "{seen:?}");
}

#[test]
fn without_a_locale_the_progress_is_plain_ascii() {
    let (directory, s3) = (TempDir::new().unwrap(), slow_store());
    plant(directory.path(), 0..20);
    let import = ["import", "--from", directory.path().to_str().unwrap(), "--dry-run", "--jobs", "2"];
    let seen = Terminal::run(100, 24, &import, &[&s3.variables()[..], &[("LANG", "C")]].concat());
    assert_total(&seen, "importing", "/20");
    assert!(
        seen.raw.is_ascii() && drawn(&seen, "importing").iter().any(|line| line.contains("##")),
        "{seen:?}"
    );
}
