//! The documents say what is there.

use std::fs;
use std::path::Path;

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

#[test]
fn every_variable_of_the_configuration_is_in_the_readme() {
    let config = fs::read_to_string(root().join("shared/storage/src/config.rs")).unwrap();
    let code = config.split("#[cfg(test)]").next().unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let variable = |word: &&str| {
        word.len() > 5 && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    let missing: Vec<_> = code.split('"').filter(variable).filter(|name| !readme.contains(*name)).collect();
    assert_eq!(missing, ["AWS_LAMBDA_RUNTIME_API"], "which Lambda sets by itself");
}
