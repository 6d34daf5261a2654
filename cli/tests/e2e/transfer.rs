//! Documents carried in and out: `import`, `backup`, `restore`, `verify`.

mod apart;
mod archive;
mod backup;
mod copies;
mod folder_markers;
mod history;
mod import;
mod legacy_bucket;
mod memory;
mod removed;
mod round_trip;
mod signals;
mod tree;
mod verify;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::program;

/// The files of the index of a store: entries lie in a folder for each 28 hours.
fn index_entries(store: &Path) -> Vec<PathBuf> {
    let files =
        |directory: PathBuf| fs::read_dir(directory).into_iter().flatten().map(|file| file.unwrap().path());
    files(store.join("metadata/index")).flat_map(files).collect()
}

/// How a command ended, and what it printed.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The totals, from the last line of `--json`.
    pub(crate) fn totals(&self) -> Value {
        serde_json::from_str(self.out.lines().last().unwrap_or_else(|| panic!("{}", self.err))).unwrap()
    }

    /// The problems that `--json` has printed, as `kind subject`, sorted.
    pub(crate) fn problems(&self) -> Vec<String> {
        let lines = self.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let text = |problem: &Value, field: &str| problem[field].as_str().unwrap().to_owned();
        let named = lines.filter(|line| line["problem"].is_string());
        let mut problems: Vec<String> =
            named.map(|line| format!("{} {}", text(&line, "problem"), text(&line, "subject"))).collect();
        problems.sort();
        problems
    }

    /// Asserts that it ended well with these totals.
    pub(crate) fn assert_well(&self, totals: &[(&str, u64)]) {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        let found = self.totals();
        for (name, count) in totals {
            assert_eq!(found[name], *count, "{name}: {found}");
        }
        assert_eq!(found["problems"], 0, "{found}");
    }

    /// Asserts that it ran to its end and found just these problems.
    pub(crate) fn assert_found(&self, problems: &[&str]) {
        assert_eq!(
            (self.code, self.problems()),
            (Some(1), problems.iter().map(ToString::to_string).collect())
        );
        assert_eq!(self.totals()["problems"], problems.len(), "{}", self.out);
    }
}

/// Runs a command with `--json` to its end.
pub(crate) fn run(variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let output = program(variables).args(arguments).arg("--json").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Writes a file, and the directories it lies in.
pub(crate) fn write(root: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The manifest of a backup: each line without `saved_at` and `copied_at`, which say when the store it came from had it
/// saved, and when it was copied.
pub(crate) fn manifest(directory: &Path) -> Vec<Value> {
    let lines = fs::read_to_string(directory.join("manifest.jsonl")).unwrap();
    let mut lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &mut lines {
        for field in ["saved_at", "copied_at"] {
            let time = line.as_object_mut().unwrap().remove(field);
            assert!(time.is_some_and(|at| at.is_string()), "{field}");
        }
    }
    lines
}

/// What lies below a directory: every path, and what the files hold.
pub(crate) fn files(root: &Path) -> Vec<(PathBuf, Option<String>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
            found.push((path, None));
        } else {
            let content = fs::read_to_string(&path).unwrap();
            found.push((path, Some(content)));
        }
    }
    found.sort();
    found
}
