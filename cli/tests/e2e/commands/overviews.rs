//! Lists and totals.

use std::fs;

use super::{Place, on_files, write};

/// Ids and creation times that do not depend on the day of the test.
const FIXED: [(&str, &str); 5] = [
    (
        "018cc251-f400-7000-8000-000000000000",
        r#"{"implementation":"hybrid","status":"success","execution_time":41.83}"#,
    ),
    ("018cc251-f400-7000-8000-000000000001", r#"{"implementation":"hybrid","status":"error"}"#),
    (
        "018d6800-0000-7000-8000-000000000000",
        r#"{"implementation":"openai","status":"success","execution_time":9}"#,
    ),
    ("018d6800-0001-7000-8000-000000000000", r#"{"implementation":"a-rather-long-implementation"}"#),
    ("018e0000-0000-7000-8000-000000000000", r#"{"implementation":"hybrid","status":"success"}"#),
];

fn fixed(place: &Place<'_>) {
    for (id, document) in FIXED {
        assert_eq!(place.pipe(&["save", "-", "--id", id], document.as_bytes()).text(), format!("{id}\n"));
    }
}

#[test]
fn a_list_is_an_aligned_table() {
    on_files(|place, directory| {
        let store = directory.join("store");
        fs::create_dir(&store).unwrap();
        let none = place.run(&["list"]);
        none.assert_ends(0, &format!("there are no such analyses in {}", store.display()));
        assert_eq!(none.out, b"");
        fixed(place);
        let run = place.run(&["list", "--limit", "4"]);
        let more = "there may be more: --all lists every one, --limit N up to N";
        run.assert_ends(0, &format!("the newest 4 in {}; {more}", store.display()));
        let expected = "\
CREATED (UTC)        SIZE  SECONDS  IMPLEMENTATION                STATUS   ID
2024-03-02 16:29:43  46 B        -  hybrid                        success  018e0000-0000-7000-8000-000000000000
2024-02-02 04:07:26  49 B        -  a-rather-long-implementation  unknown  018d6800-0001-7000-8000-000000000000
2024-02-02 04:07:26  65 B     9.00  openai                        success  018d6800-0000-7000-8000-000000000000
2024-01-01 00:00:00  69 B    41.83  hybrid                        success  018cc251-f400-7000-8000-000000000000
";
        assert_eq!(run.text(), expected);
        let all = place.run(&["list", "--all"]);
        assert_eq!(all.messages, format!("5 analyses in {}\n", store.display()));
        assert_eq!(place.run(&["list", "--all", "--json"]).messages, "");
        assert_eq!(all.text().lines().count(), 1 + FIXED.len());
    });
}

#[test]
fn a_list_is_filtered_as_the_api_filters() {
    on_files(|place, _| {
        fixed(place);
        place.pipe(&["save", "-", "--id", "of-today"], b"{}").text();
        for (filters, expected) in [
            (&["--implementation", "openai"][..], 1),
            (&["--status", "success"], 3),
            (&["--from", "2024-02", "--to", "2024-12"], 3),
            (&["--to", "2024-01"], 2),
            (&["--from", "2024-02", "--to", "2024-02-02T06:08:00+02:00"], 2),
            (&["--status", "success", "--limit", "2"], 2),
            (&["--since", "8w"], 1),
            (&["--since", "9999w"], 6),
        ] {
            let run = place.run(&[&["list", "--json"], filters].concat());
            assert_eq!(run.json().len(), expected, "{filters:?}");
        }
        for (wrong, message) in [
            (&["--from", "yesterday"][..], "error: --from \"yesterday\" is not a time"),
            (&["--from", "2024-02", "--to", "2024-01"], "error: --from lies after `to`"),
            (&["--status", "a b"], "error: --status "),
            (&["--since", "7"], "is no length of time such as 12h, 30d or 8w"),
            (&["--since", "7d", "--from", "2024-01"], "cannot be used with"),
            (&["--limit", "0"], "invalid value '0'"),
            (&["--all", "--limit", "5"], "cannot be used with"),
        ] {
            place.run(&[&["list"], wrong].concat()).assert_ends(2, message);
        }
    });
}

#[test]
fn a_list_of_thousands_is_complete() {
    on_files(|place, directory| {
        let name = |n: u32| format!("n-{n:04}");
        let files: Vec<String> =
            (0..1203).map(|n| write(directory, &format!("{}.json", name(n)), "{}")).collect();
        let saved = place.run(
            &[&["save", "--id-from-name"], &*files.iter().map(String::as_str).collect::<Vec<_>>()].concat(),
        );
        assert_eq!(saved.text().lines().count(), 1203);
        for (arguments, expected) in [(&["--all"][..], 1203), (&["--limit", "1100"], 1100), (&[], 100)] {
            let listed = place.run(&[&["list", "--json"], arguments].concat()).json();
            let mut ids: Vec<_> = listed.iter().map(|item| item["request_id"].to_string()).collect();
            ids.sort();
            ids.dedup();
            assert_eq!((listed.len(), ids.len()), (expected, expected), "{arguments:?}");
        }
        assert_eq!(place.run(&["list", "--all"]).text().lines().count(), 1204);
    });
}

#[test]
fn totals_of_nothing_have_no_bars() {
    on_files(|place, directory| {
        let store = directory.join("store");
        fs::create_dir(&store).unwrap();
        let empty = format!("Analyses   0\nSize       0 B\nStore      {}\n", store.display());
        assert_eq!(place.run(&["stats"]).text(), empty);
    });
}

#[test]
fn totals_are_shown_as_bars() {
    on_files(|place, directory| {
        let store = directory.join("store").display().to_string();
        fixed(place);
        let bar = |blocks: usize| "#".repeat(blocks);
        let expected = format!(
            "\
Analyses   5
Size       273 B
Execution  25.41 seconds on average
Oldest     2024-01-01 00:00:00 UTC
Newest     2024-03-02 16:29:43 UTC
Store      {store}

By month of creation
2024-01  2  {}
2024-02  2  {}
2024-03  1  {}

By implementation
a-rather-long-implementation  1  {}
hybrid                        3  {}
openai                        1  {}

By status
error    1  {}
success  3  {}
unknown  1  {}
",
            bar(68),
            bar(68),
            bar(34),
            bar(15),
            bar(47),
            bar(15),
            bar(22),
            bar(68),
            bar(22)
        );
        assert_eq!(place.run(&["stats"]).text(), expected);
    });
}
