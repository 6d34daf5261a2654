//! The repository under test, and Cargo within a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What the tests build the workspace with. A Cargo within a test that builds with the same compiles nothing again.
pub(crate) const TEST_FEATURES: &str = "analysis-storage/testing";

/// Keeps from a Cargo within a test what the Cargo around it has set: build scripts that watch these variables, such as
/// ring's, would run again, and everything above them be compiled again.
pub(crate) fn without_cargo(command: &mut Command) -> &mut Command {
    let set = ["CARGO_CRATE_", "CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_PRIMARY_", "RUSTC_BOOTSTRAP"];
    for (name, _) in std::env::vars() {
        if set.iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
}

/// The example analyses: their names and bytes.
pub(crate) fn examples() -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let mut examples: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap()))
        .collect();
    examples.sort();
    assert!(examples.len() >= 5);
    examples
}
