//! The program at a terminal: what it shows, and how it goes with the width.

use tempfile::TempDir;

use crate::harness::terminal::Terminal;

#[test]
fn bars_fill_the_width_of_the_terminal() {
    let directory = TempDir::new().unwrap();
    let document = directory.path().join("a.json");
    std::fs::write(&document, "{}").unwrap();
    let store = directory.path().join("store");
    let variables = [("LOCAL_STORAGE_DIR", store.to_str().unwrap())];
    assert_eq!(Terminal::run(80, 24, &["save", document.to_str().unwrap()], &variables).code, Some(0));
    for columns in [60_u16, 100] {
        let seen = Terminal::run(columns, 24, &["stats"], &variables);
        let widest = seen.lines.iter().map(|line| line.chars().count()).max();
        assert_eq!((seen.code, widest), (Some(0), Some(columns.into())), "{seen:?}");
        assert!(seen.text().contains('█'), "{seen:?}");
        let plain = Terminal::run(columns, 24, &["stats"], &[variables[0], ("LANG", "C")]);
        assert!(
            plain.raw.is_ascii() && plain.text().contains("###") && !plain.frames.is_empty(),
            "{plain:?}"
        );
    }
}
