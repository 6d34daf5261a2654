//! Runs the shell blocks of a page as one script, as a reader would, and tells what each line has done.
//!
//! A script has its commands on the same lines as the page, so that every message names a line of the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::page::{Block, Page};
use crate::harness::{program, root};

/// Sourced before the script. It gives each command the line that it stands on, and notes each that fails.
const PRELUDE: &str = r#"
unset BASH_ENV
set -o pipefail
trap 'LINE=$LINENO; export LINE' DEBUG
trap 'printf "%s %s\n" "$LINENO" "$?" >>"$NOTES/failures"' ERR
"#;
/// Ends what a block has printed.
const END: &str = "---- end of block";

/// A directory that has what the commands of the pages read, and the programs that they find.
pub(super) struct Shell {
    directory: TempDir,
    /// Text of the page, and what stands for it here.
    replacements: Vec<(String, String)>,
    variables: Vec<(String, String)>,
    path: Vec<PathBuf>,
}

/// What a script has done.
pub(super) struct Outcome {
    /// What each block has printed, on both outputs.
    pub(super) printed: Vec<String>,
    /// Line and exit code of each command that failed.
    pub(super) failures: Vec<(usize, u16)>,
    notes: BTreeMap<String, String>,
}

/// Where this machine has a program.
pub(super) fn find(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut places = std::env::split_paths(&path).map(|directory| directory.join(name));
    places.find(|file| file.is_file()).unwrap_or_else(|| panic!("{name} is not installed"))
}

impl Shell {
    /// One in which only the programs exist that are added.
    pub(super) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        for part in ["bin", "notes", "tmp"] {
            fs::create_dir(directory.path().join(part)).unwrap();
        }
        let copies = ["examples", "events", "deploy"].map(|part| root().join(part));
        assert!(Command::new("cp").arg("-r").args(copies).arg(directory.path()).status().unwrap().success());
        let path = vec![directory.path().join("bin")];
        let mut shell = Self { directory, replacements: Vec::new(), variables: Vec::new(), path };
        shell.replace("/tmp/", &format!("{}/", shell.path().join("tmp").display()));
        shell
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Lets the script find all programs of this machine, too.
    pub(super) fn with_this_machine(mut self) -> Self {
        self.path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
        self
    }

    pub(super) fn replace(&mut self, text: &str, by: &str) {
        self.replacements.push((text.to_owned(), by.to_owned()));
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Adds a program of this machine.
    pub(super) fn link(&self, name: &str) {
        symlink(find(name), self.path().join("bin").join(name)).unwrap();
    }

    /// Adds a program at this path: a Bash script. `NOTES` is the directory of its notes, `LINE` the line of the page.
    pub(super) fn stub(&self, file: &str, script: &str) {
        let file = self.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("#!{}\n{script}\n", find("bash").display())).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs these blocks of the page, one after the other.
    pub(super) fn run(&self, page: &Page, blocks: &[Block]) -> Outcome {
        let (script, prelude) = (self.path().join("script"), self.path().join("prelude"));
        fs::write(&script, self.script(page, blocks)).unwrap();
        fs::write(&prelude, PRELUDE).unwrap();
        let mut command = Command::new(find("bash"));
        for (name, _) in program(&[]).get_envs().filter(|(_, value)| value.is_none()) {
            command.env_remove(name);
        }
        let notes = self.path().join("notes");
        let output = command
            .arg(&script)
            .current_dir(self.path())
            .env("BASH_ENV", prelude)
            .env("NOTES", &notes)
            .env("PATH", std::env::join_paths(&self.path).unwrap())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut printed: Vec<String> = text.split(END).map(str::to_owned).collect();
        let rest = printed.pop().unwrap();
        assert!(printed.len() == blocks.len() && rest.trim().is_empty(), "{}: {text}", page.name);
        let mut outcome = Outcome { printed, failures: Vec::new(), notes: read(&notes) };
        outcome.failures = outcome.pairs("failures");
        outcome
    }

    fn script(&self, page: &Page, blocks: &[Block]) -> String {
        let mut script = String::new();
        let mut commands: Vec<&str> = vec![""; page.lines.len()];
        for block in blocks {
            block.lines().for_each(|number| commands[number - 1] = page.line(number));
        }
        for (number, command) in (1..).zip(commands) {
            let end = blocks.iter().any(|block| block.end == number);
            // Messages belong to the output that a page shows.
            let line = if end { format!("echo '{END}'") } else { command.to_owned() };
            writeln!(script, "{}{line}", if number == 1 { "exec 2>&1; " } else { "" }).unwrap();
        }
        self.replacements.iter().fold(script, |text, (from, to)| text.replace(from, to))
    }
}

/// The files of a directory, by name.
fn read(directory: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let name = |file: &Path| file.file_name().unwrap().to_string_lossy().into_owned();
    files.map(|file| (name(&file), fs::read_to_string(&file).unwrap())).collect()
}

impl Outcome {
    /// What the stubs have noted in the file of that name.
    pub(super) fn notes(&self, name: &str) -> &str {
        self.notes.get(name).map_or("", String::as_str)
    }

    /// The notes of that name: a line of the page, and a number.
    pub(super) fn pairs(&self, name: &str) -> Vec<(usize, u16)> {
        let parse = |line: &str| {
            let pair = line.split_once(' ').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
            pair.unwrap_or_else(|| panic!("{name}: {line}"))
        };
        self.notes(name).lines().map(parse).collect()
    }
}
