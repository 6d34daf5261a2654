//! What is said when somebody presses Ctrl-C.

use serde_json::Value;
use tempfile::TempDir;

use super::{plant, slow_store};
use crate::harness::terminal::{CTRL_C, Seen, Terminal};

/// Presses Ctrl-C as soon as this is seen.
fn interrupt(arguments: &[&str], variables: &[(&str, &str)], at: &str) -> Seen {
    let mut terminal = Terminal::start(100, 24, arguments, variables);
    terminal.wait_for(at);
    terminal.press(CTRL_C);
    let seen = terminal.finish();
    assert_eq!(seen.code, Some(2), "{}", seen.text());
    seen
}

/// What stands behind this.
fn line<'a>(seen: &'a Seen, beginning: &str) -> &'a str {
    // The key itself is shown, too, and may stand before it.
    let found = seen.lines.iter().find_map(|line| line.split_once(beginning));
    found.unwrap_or_else(|| panic!("no {beginning:?} in {}", seen.text())).1
}

#[test]
fn a_transfer_says_how_far_it_came() {
    let (directory, s3) = (TempDir::new().unwrap(), slow_store());
    plant(directory.path(), 0..60);
    let import = ["import", "--from", directory.path().to_str().unwrap(), "--jobs", "1"];
    // Something is done by then.
    let seen = interrupt(&import, &s3.variables(), " left");
    let created = line(&seen, "import so far: ").split_once(" created, ").unwrap().0.parse::<u32>().unwrap();
    assert!((1..60).contains(&created), "{}", seen.text());
    line(&seen, "error: interrupted; the same command goes on where it was");

    let seen = interrupt(&[&import[..], &["--json"]].concat(), &s3.variables(), " left");
    let totals: Value = serde_json::from_str(&("{".to_owned() + line(&seen, "{"))).unwrap();
    assert_eq!((&totals["command"], &totals["finished"]), (&"import".into(), &false.into()), "{totals}");
    assert!(totals["created"].as_u64().unwrap() > 0, "{totals}");
}

#[test]
fn saving_says_how_many_documents_were_saved() {
    let (directory, s3) = (TempDir::new().unwrap(), slow_store());
    let files = plant(directory.path(), 0..30);
    let save = [&["save", "--id-from-name"], &*files.iter().map(String::as_str).collect::<Vec<_>>()].concat();
    let seen = interrupt(&save, &s3.variables(), " left");
    let done = line(&seen, "error: interrupted after ").strip_suffix(" of 30").unwrap();
    let ids = seen.lines.iter().filter(|line| line.contains("study-")).count();
    assert_eq!(done.parse::<usize>().unwrap(), ids, "{}", seen.text());
}

#[test]
fn a_check_says_how_much_it_has_looked_at() {
    let directory = TempDir::new().unwrap();
    let files = plant(directory.path(), 0..10);
    let store = directory.path().join("store");
    let variables = [("LOCAL_STORAGE_DIR", store.to_str().unwrap())];
    let save = [&["save"], &*files.iter().map(String::as_str).collect::<Vec<_>>()].concat();
    assert_eq!(Terminal::run(100, 24, &save, &variables).code, Some(0));
    let check = ["check", "--grace", "0", "--read-data", "--rate", "1KB"];
    let seen = interrupt(&check, &variables, "/10");
    line(&seen, "examined so far: 10 analyses in the index, 10 documents");
    line(&seen, "error: interrupted; go on with: design-analysis check ");
    assert!(!seen.text().contains("no damage found"), "{}", seen.text());
    let seen = interrupt(&[&check[..], &["--json"]].concat(), &variables, "/10");
    let totals: Value = serde_json::from_str(&("{".to_owned() + line(&seen, "{"))).unwrap();
    assert_eq!((&totals["command"], &totals["finished"]), (&"check".into(), &false.into()), "{totals}");
}
