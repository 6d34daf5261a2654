//! The documents say what is there, and their commands do what they say.

mod checks;
mod links;
mod page;
mod shell;
mod walks;

use std::fs;
use std::path::Path;

use page::{Page, pages};
pub(crate) use walks::invoke_the_functions;

use crate::common::root;

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
fn every_promise_names_a_test_that_exists() {
    let mut code = String::new();
    for part in ["shared", "functions", "cli"] {
        sources(&root().join(part), &mut code);
    }
    let semantics = fs::read_to_string(root().join("docs/semantics.md")).unwrap();
    let named: Vec<&str> =
        semantics.split('`').filter_map(|word| word.split_once(".rs::").map(|(_, test)| test)).collect();
    assert!(named.len() > 100, "{}", named.len());
    let missing: Vec<_> = named.into_iter().filter(|test| !code.contains(&format!("fn {test}("))).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

/// The first cells of the table rows of a page that are code.
fn first_cells(name: &str) -> Vec<String> {
    let cell = |line: &String| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    Page::read(name).lines.iter().filter_map(cell).collect()
}

#[test]
fn every_variable_of_the_configuration_is_documented() {
    let config = fs::read_to_string(root().join("shared/storage/src/config.rs")).unwrap();
    let code = config.split("#[cfg(test)]").next().unwrap();
    let variable = |word: &&str| {
        word.len() > 5 && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    let page = Page::read("docs/configuration.md").lines.join("\n");
    // The table of variables comes first, then what else there is.
    let documented: Vec<_> = page.split("\n## ").next().unwrap().split('`').collect();
    let missing: Vec<_> =
        code.split('"').filter(variable).filter(|name| !documented.contains(name)).collect();
    assert_eq!(missing, ["AWS_LAMBDA_RUNTIME_API"], "which Lambda sets by itself");
}

#[test]
fn the_readme_repeats_the_table_of_the_configuration() {
    let table = Page::read("docs/configuration.md").lines;
    let row = |line: &&String| line.starts_with("| `") && line.split('|').count() == 5;
    let readme = Page::read("README.md").lines;
    let rows: Vec<_> = readme.iter().filter(row).collect();
    assert!(rows.len() >= 5, "{rows:?}");
    for row in rows {
        assert!(table.contains(row), "not in docs/configuration.md: {row}");
    }
}

#[test]
fn every_error_code_is_documented() {
    let code = fs::read_to_string(root().join("shared/http/src/problem.rs")).unwrap();
    let variants = code.split_once("pub enum Code {").unwrap().1.split_once('}').unwrap().0;
    let documented = first_cells("docs/api.md");
    for variant in variants.split(',').map(str::trim).filter(|variant| !variant.is_empty()) {
        let mut name = String::new();
        for letter in variant.chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        }
        assert!(documented.contains(&name), "{name} in docs/api.md");
    }
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
