//! The documents say what is there, and their commands do what they say.

mod checks;
mod links;
mod map;
mod page;
mod promises;
mod reference;
mod shell;
mod variables;
mod walks;

use std::fs;
use std::path::Path;

use analysis_http::ProblemCode;
use page::{Page, pages};
pub(crate) use walks::invoke_the_functions;

fn sources(directory: &Path, into: &mut String) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_table_of_errors_has_every_code_with_its_status_and_no_other() {
    let page = Page::read("docs/api.md");
    let rows = page.lines.iter().skip_while(|line| *line != "## Errors").skip(1);
    let rows = rows.take_while(|line| !line.starts_with("## ")).filter_map(|line| {
        let (code, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
        Some((code, rest.split_once(" |")?.0.parse::<u16>().ok()?))
    });
    let mut listed: Vec<(&str, u16)> = rows.collect();
    let mut codes: Vec<(&str, u16)> =
        ProblemCode::all().map(|code| (code.as_str(), code.status().as_u16())).collect();
    assert!(listed.is_sorted_by_key(|(_, status)| *status), "in the order of their statuses: {listed:?}");
    listed.sort_unstable();
    codes.sort_unstable();
    assert_eq!(listed, codes);
}

#[test]
fn the_readme_is_short() {
    let lines = Page::read("README.md").lines.len();
    assert!(lines <= 250, "README.md has {lines} lines: one subject a page in docs/");
}

#[test]
fn no_page_is_left_out() {
    assert!(pages().len() >= 20, "{}", pages().len());
}
