//! Tables and bars.

use tempfile::TempDir;

use super::plant;
use crate::harness::terminal::{Seen, Terminal};

fn widest(seen: &Seen) -> usize {
    seen.lines.iter().map(|line| line.chars().count()).max().unwrap()
}

#[test]
fn bars_fill_the_width_of_the_terminal() {
    let directory = TempDir::new().unwrap();
    let store = directory.path().join("s");
    let variables = [("LOCAL_STORAGE_DIR", store.to_str().unwrap())];
    let document = plant(directory.path(), 0..1).remove(0);
    assert_eq!(Terminal::run(80, 24, &["save", &document], &variables).code, Some(0));
    for columns in [60_u16, 100] {
        let seen = Terminal::run(columns, 24, &["stats"], &variables);
        assert_eq!((seen.code, widest(&seen)), (Some(0), columns.into()), "{seen:?}");
        assert!(seen.text().contains('█'), "{seen:?}");
        let plain = Terminal::run(columns, 24, &["stats"], &[variables[0], ("LANG", "C")]);
        assert!(plain.raw.is_ascii() && plain.text().contains("###"), "{plain:?}");
    }
}

#[test]
fn a_list_on_a_narrow_terminal_loses_columns_and_no_letters() {
    let directory = TempDir::new().unwrap();
    let store = directory.path().join("s");
    let variables = [("LOCAL_STORAGE_DIR", store.to_str().unwrap())];
    let document = plant(directory.path(), 0..1).remove(0);
    let id = "018cc251-f400-7000-8000-000000000000";
    assert_eq!(Terminal::run(80, 24, &["save", &document, "--id", id], &variables).code, Some(0));
    for (columns, expected) in [
        (
            110,
            "CREATED (UTC)          SIZE  SECONDS  IMPLEMENTATION  STATUS   ID\n\
             2024-01-01 00:00:00  1000 B        -  unknown         unknown  018cc251-f400-7000-8000-000000000000",
        ),
        (
            70,
            "CREATED (UTC)        STATUS   ID\n\
             2024-01-01 00:00:00  unknown  018cc251-f400-7000-8000-000000000000",
        ),
        (60, "CREATED (UTC)        ID\n2024-01-01 00:00:00  018cc251-f400-7000-8000-000000000000"),
        (40, "ID\n018cc251-f400-7000-8000-000000000000"),
    ] {
        let seen = Terminal::run(columns, 24, &["list"], &variables);
        assert_eq!(seen.lines[..2].join("\n"), expected, "{columns}");
    }
}

#[test]
fn a_bill_fits_forty_rows_and_ends_with_its_total() {
    let seen = Terminal::run(80, 40, &["cost", "--analyses", "10000"], &[]);
    assert!(seen.code == Some(0) && widest(&seen) <= 80, "{}", seen.text());
    let shown = &seen.lines[seen.lines.len() - 39..];
    assert!(shown.iter().any(|line| line.starts_with("A month in us-east-1 ")), "{}", seen.text());
    assert!(shown.last().unwrap().starts_with("Total   "), "{}", seen.text());

    let seen = Terminal::run(60, 40, &["cost", "--analyses", "1,1000,1000000,1000000000"], &[]);
    assert!(seen.code == Some(0) && widest(&seen) <= 60, "{}", seen.text());
    assert!(seen.text().contains("columns have no room here"), "{}", seen.text());
    assert!(seen.lines.last().unwrap().starts_with("Total   "), "{}", seen.text());
}
