//! Each promise of `docs/semantics.md` names a test, and the file that has it.

use std::fs;
use std::path::{Path, PathBuf};

use super::page::Page;
use crate::harness::root;

/// What suites hold that other tests run: functions of these files need no attribute to be tests.
const RUN_BY_OTHERS: [&str; 2] = ["cli/tests/e2e/suite/", "shared/storage/src/testing/contract.rs"];

/// The code in a text: what stands between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The names of test files and where they are, from the table at the top: one path for all names of a row, or one each.
fn places(page: &Page) -> Vec<(String, String)> {
    let rows = page.lines.iter().skip_while(|line| *line != "| Name | Path |").skip(2);
    let mut places = Vec::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let (names, paths) = row.split_at(row[1..].find('|').unwrap() + 1);
        let is_path =
            |text: &&str| ["cli/", "functions/", "shared/"].iter().any(|part| text.starts_with(part));
        let paths: Vec<_> = code(paths).filter(is_path).collect();
        for (at, name) in code(names).enumerate() {
            let path = paths.get(at).or(paths.first()).unwrap_or_else(|| panic!("no path: {row}"));
            places.push((name.to_owned(), (*path).to_owned()));
        }
    }
    places
}

/// The Rust files below a directory.
fn files_below(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// The file of this name, or the files of a test target that has the name's directory.
fn files(name: &str, places: &[(String, String)]) -> Vec<PathBuf> {
    let is_it = |known: &str| known.strip_suffix("...").map_or(known == name, |part| name.starts_with(part));
    let Some((_, place)) = places.iter().find(|(known, _)| is_it(known)) else { return Vec::new() };
    let place = root().join(place);
    if place.is_file() || place.join(name).is_file() {
        return vec![if place.is_file() { place } else { place.join(name) }];
    }
    let target = place.join(name.trim_end_matches(".rs"));
    if target.is_dir() {
        return files_below(&target);
    }
    let found: Vec<_> = files_below(&place).into_iter().filter(|path| path.ends_with(name)).collect();
    assert!(found.len() <= 1, "{name} may be any of {found:?}");
    found
}

/// Whether the file has this function, as a test.
fn has_test(file: &Path, test: &str) -> bool {
    let code = fs::read_to_string(file).unwrap();
    let lines: Vec<_> = code.lines().map(str::trim).collect();
    let is_part = RUN_BY_OTHERS.iter().any(|part| file.starts_with(root().join(part)));
    let functions = lines.iter().enumerate().filter(|(_, line)| line.contains(&format!("fn {test}(")));
    let mut attributes =
        functions.map(|(at, _)| lines[..at].iter().rev().take_while(|line| !line.is_empty()));
    attributes.any(|mut lines| is_part || lines.any(|l| *l == "#[test]" || l.starts_with("#[tokio::test")))
}

#[test]
fn every_promise_names_a_test_of_the_file_it_names() {
    let page = Page::read("docs/semantics.md");
    let (places, text) = (places(&page), page.lines.join("\n"));
    let named: Vec<_> = code(&text).filter_map(|word| word.split_once("::")).collect();
    // How a promise names its test, said in these words.
    let named: Vec<_> = named.into_iter().filter(|name| *name != ("file", "test")).collect();
    assert!(named.len() > 250, "{}", named.len());
    let is_missing =
        |(name, test): &&(&str, &str)| !files(name, &places).iter().any(|file| has_test(file, test));
    let missing: Vec<_> = named.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "no such test in that file: {missing:?}");
}
