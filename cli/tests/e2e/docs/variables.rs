//! The pages and `--help` say of the environment variables what the code declares.

use std::cell::RefCell;
use std::collections::BTreeSet;

use analysis_http::ServerConfig;
use analysis_http::telemetry::LogConfig;
use analysis_storage::StorageConfig;
use analysis_storage::config::{Environment, Variable};

use super::page::Page;
use crate::harness::program;

fn declared() -> Vec<Variable> {
    let [store, server, log] =
        [&StorageConfig::VARIABLES[..], &ServerConfig::VARIABLES, &LogConfig::VARIABLES];
    [store, server, log].concat()
}

/// The lines of the first table of a page, without its head.
fn table(name: &str) -> Vec<String> {
    let lines = Page::read(name).lines.into_iter().skip_while(|line| !line.starts_with("| Variable |"));
    lines.skip(2).take_while(|line| line.starts_with('|')).collect()
}

#[test]
fn the_table_of_the_configuration_is_what_the_code_declares() {
    let row = |v: &Variable| format!("| `{}` | {} | {} |", v.name, v.default_text(), v.meaning);
    let rows: Vec<_> = declared().iter().map(row).collect();
    let should = rows.join("\n");
    assert_eq!(
        table("docs/configuration.md"),
        rows,
        "the rows in docs/configuration.md should be\n{should}\n"
    );
}

#[test]
fn the_readme_repeats_the_table_of_the_configuration() {
    let (readme, all) = (table("README.md"), table("docs/configuration.md"));
    assert!(readme.len() >= 5, "{readme:?}");
    for row in readme {
        assert!(all.contains(&row), "not in docs/configuration.md: {row}");
    }
}

#[test]
fn what_is_read_is_declared_and_what_is_declared_is_read() {
    let read = RefCell::new(BTreeSet::new());
    for storage in ["local", "s3"] {
        let environment = Environment::from_lookup(|name| {
            read.borrow_mut().insert(name.to_owned());
            let set = [("STORAGE_TYPE", storage), ("S3_BUCKET_NAME", "analyses")];
            set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        });
        StorageConfig::from_environment(&environment).unwrap();
        ServerConfig::from_environment(&environment).unwrap();
        LogConfig::from_environment(&environment).unwrap();
    }
    let names = |v: Variable| [v.name].into_iter().chain(v.fallbacks.iter().copied()).map(str::to_owned);
    let mut known: BTreeSet<_> = declared().into_iter().flat_map(names).collect();
    // Lambda sets it by itself.
    known.insert("AWS_LAMBDA_RUNTIME_API".to_owned());
    assert_eq!(read.into_inner(), known);
}

#[test]
fn help_lists_every_variable() {
    for arguments in [&["--help"][..], &["serve", "--help"]] {
        let output = program(&[]).args(arguments).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        // Lines are as long as the terminal is wide.
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for Variable { name, meaning, .. } in declared() {
            let meaning = meaning.replace('`', "");
            assert!(
                help.contains(&format!(" {name} {meaning}")),
                "{arguments:?} does not list {name}: {help}"
            );
        }
    }
}
