//! The map, `docs/architecture.md`, and its checklists of common changes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::page::Page;
use crate::harness::root;

const MAP: &str = "docs/architecture.md";
/// Where paths on the map begin that are not complete.
const STORAGE: &str = "shared/storage/src/";

/// The paths in the code spans of these lines. Keys of the bucket are none, though they look like some.
fn paths(lines: &str) -> BTreeSet<String> {
    let is_path = |span: &str| {
        let has_end = [".rs", ".md", ".toml", ".json", ".yaml", "/"].iter().any(|end| span.ends_with(end));
        has_end && span.chars().all(|c| c.is_ascii_alphanumeric() || "./_-".contains(c))
    };
    let spans = lines.split('`').skip(1).step_by(2);
    let paths = spans.filter(|span| is_path(span) && !span.starts_with("metadata/"));
    paths.map(|path| complete(path).unwrap_or_else(|| panic!("{MAP}: there is no {path}"))).collect()
}

fn complete(path: &str) -> Option<String> {
    let candidates = [path.to_owned(), format!("{STORAGE}{path}")];
    candidates.into_iter().find(|path| root().join(path).exists())
}

/// What stands below a heading of the map.
fn section(heading: &str) -> String {
    let prose = Page::read(MAP).prose();
    let rest = prose.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading}")).1;
    rest.split("\n## ").next().unwrap().to_owned()
}

/// The files below a path whose text has one of these words, outside of tests and decisions.
fn naming(path: &Path, words: &[&str], found: &mut BTreeSet<String>) {
    let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
    if path.is_dir() {
        let skipped = ["tests", "decisions", "cloud"].iter().any(|skipped| path.ends_with(skipped));
        for entry in fs::read_dir(path).unwrap().filter(|_| !skipped) {
            naming(&entry.unwrap().path(), words, found);
        }
    } else if name != MAP && !name.ends_with("tests.rs") {
        let text = fs::read_to_string(path).unwrap();
        if words.iter().any(|word| text.contains(word)) {
            found.insert(name.to_owned());
        }
    }
}

/// The checklist has every file that an example of such a change has touched.
fn assert_complete(heading: &str, words: &[&str]) {
    let mut found = BTreeSet::new();
    for part in
        ["Cargo.toml", "README.md", "template.yaml", "cli", "deploy", "docs", "events", "functions", "shared"]
    {
        naming(&root().join(part), words, &mut found);
    }
    let listed = paths(&section(heading));
    let is_listed = |file: &String| {
        listed.contains(file) || listed.iter().any(|p| p.ends_with('/') && file.starts_with(p))
    };
    let missing: Vec<_> = found.iter().filter(|file| !is_listed(file)).collect();
    assert!(missing.is_empty(), "{MAP}: {heading}: {words:?} is also in {missing:?}");
    assert!(found.len() >= 2, "{words:?}: {found:?}");
}

#[test]
fn every_path_on_the_map_exists() {
    let paths = paths(&Page::read(MAP).prose());
    assert!(paths.len() > 60, "{}", paths.len());
}

#[test]
fn the_checklist_of_a_field_names_every_file_that_a_field_is_in() {
    assert_complete("To add a field", &["execution_ms", "execution_time"]);
}

#[test]
fn the_checklist_of_a_route_names_every_file_that_a_route_is_in() {
    assert_complete("To add a route", &["/analyses/{id}/versions"]);
}

#[test]
fn the_checklist_of_a_command_names_every_file_that_a_command_is_in() {
    assert_complete("To add a command", &["design-analysis verify", "verify::run"]);
}
