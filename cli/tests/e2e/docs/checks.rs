//! Every command on every page is one that exists.
//!
//! Bash reads the blocks; programs that only note their arguments stand in for the real ones. What they note is then
//! held against the program, the Makefile, the packages and the routes. A command that nobody knows fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::page::{Page, pages};
use super::shell::Shell;
use super::sources;
use crate::harness::{Client, Server, program, root};

/// Programs whose arguments are noted.
const NOTED: [&str; 12] = [
    "bin/aws",
    "bin/cargo",
    "bin/curl",
    "bin/design-analysis",
    "bin/docker",
    "bin/editor",
    "bin/helm",
    "bin/kubectl",
    "bin/make",
    "bin/openssl",
    ".venv/bin/ministack",
    ".venv-sam/bin/sam",
];
/// Programs that are harmless, and whose effects the commands after them need.
const REAL: [&str; 4] = ["cp", "grep", "sed", "tr"];

/// The words of each command of a page, with its line.
fn commands(shell: &Shell, page: &Page) -> Vec<(usize, Vec<String>)> {
    let outcome = shell.run(page, &page.shell(&[]));
    let unknown: Vec<_> = outcome.failures.iter().filter(|(_, code)| [126, 127].contains(code)).collect();
    assert!(unknown.is_empty(), "{}: {unknown:?} {:?}", page.name, outcome.printed);
    let notes = outcome.notes("commands");
    let command = |note: &str| {
        let mut words = note.split('\0').map(str::to_owned);
        let line = words.next().unwrap().parse().unwrap();
        words.next_back();
        (line, words.collect())
    };
    notes.split_terminator("\x1e\0").map(command).collect()
}

fn noting() -> Shell {
    let mut shell = Shell::new();
    for file in NOTED {
        shell.stub(file, r#"printf '%s\0' "$LINE" "${0##*/}" "$@" $'\x1e' >>"$NOTES/commands""#);
    }
    for name in REAL {
        shell.link(name);
    }
    shell.set("EDITOR", "editor");
    shell
}

struct Known {
    files: PathBuf,
    server: Server,
}

impl Known {
    fn check(&self, words: &[&str]) -> Result<(), String> {
        match words {
            ["make", arguments @ ..] => makes(arguments),
            ["cargo", arguments @ ..] => cargo(arguments),
            ["curl", arguments @ ..] => self.requests(arguments),
            ["design-analysis", arguments @ ..] => parses(arguments),
            _ => Ok(()),
        }?;
        let is_file =
            |word: &&str| ["deploy/", "docs/", "events/", "examples/"].iter().any(|d| word.starts_with(d));
        let words = words.iter().map(|word| word.trim_start_matches('@'));
        let missing: Vec<_> = words.filter(is_file).filter(|file| !self.files.join(file).exists()).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("no such files: {missing:?}")) }
    }

    /// The method and path are those of a route.
    fn requests(&self, arguments: &[&str]) -> Result<(), String> {
        let url = arguments.iter().find(|word| word.starts_with("http")).ok_or("no URL")?;
        let (host, path) =
            url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).ok_or("no path")?;
        if host == "127.0.0.1:4566" {
            // The emulator's; docs::walks::a_server_on_s3 sends it.
            return Ok(());
        }
        let has = |options: &[&str]| arguments.iter().any(|word| options.contains(word));
        let given = arguments.iter().position(|word| *word == "-X").map(|at| arguments[at + 1]);
        let derived = if has(&["-I", "-sI"]) {
            "HEAD"
        } else if has(&["-d", "--data-binary"]) {
            "POST"
        } else {
            "GET"
        };
        let path = format!("/{}", path.split('?').next().unwrap());
        let answer = Client::new(&self.server.url).send(given.unwrap_or(derived), &path, &[], b"");
        let known = answer.status != 405 && !answer.text().contains("unknown_route");
        if known { Ok(()) } else { Err(answer.text()) }
    }
}

fn succeeds(command: &mut Command) -> Result<(), String> {
    let output = command.output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// The program knows these arguments.
fn parses(arguments: &[&str]) -> Result<(), String> {
    succeeds(program(&[]).args(arguments).arg("--help"))
}

/// The Makefile has these targets.
fn makes(arguments: &[&str]) -> Result<(), String> {
    succeeds(
        Command::new("make").env_remove("MAKEFLAGS").arg("--dry-run").args(arguments).current_dir(root()),
    )
}

fn cargo(arguments: &[&str]) -> Result<(), String> {
    let value = |option: &str| {
        let at = arguments.iter().position(|word| *word == option)?;
        arguments.get(at + 1).copied()
    };
    match arguments {
        ["run" | "build" | "install", ..] if !arguments.contains(&"--locked") => {
            Err("no --locked".to_owned())
        }
        ["run", "--locked", "--quiet", "-p", "design-analysis", "--", rest @ ..] => parses(rest),
        ["run" | "build" | "test", ..] => {
            let directory = package(value("-p").ok_or("no package")?)?;
            let filter = arguments.last().filter(|_| arguments[0] == "test").copied();
            let filter = value("--test")
                .map_or(filter, |target| arguments.iter().skip_while(|w| **w != target).nth(1).copied());
            tests(&directory, value("--test"), filter.unwrap_or_default())
        }
        ["lambda", "invoke", function, ..] => package(function).map(|_| ()),
        ["lambda", "watch" | "build", ..] | ["fmt" | "clippy" | "doc" | "deny" | "install", ..] => Ok(()),
        _ => Err("not a command that the pages explain".to_owned()),
    }
}

/// The directory of a package of the workspace.
fn package(name: &str) -> Result<PathBuf, String> {
    let parts =
        ["cli".to_owned(), "shared/storage".into(), "shared/http".into(), format!("functions/{name}")];
    let manifest = |part: &PathBuf| fs::read_to_string(part.join("Cargo.toml")).unwrap_or_default();
    let is_it = |part: &PathBuf| manifest(part).contains(&format!("name = \"{name}\"\n"));
    parts.iter().map(|part| root().join(part)).find(is_it).ok_or_else(|| format!("no package {name}"))
}

/// The package has this test target, and in it modules and tests of that name.
fn tests(package: &Path, target: Option<&str>, filter: &str) -> Result<(), String> {
    if let Some(target) = target {
        let tests = package.join("tests");
        let exists =
            tests.join(target).join("main.rs").exists() || tests.join(format!("{target}.rs")).exists();
        exists.then_some(()).ok_or_else(|| format!("no tests {target}"))?;
    }
    let mut code = String::new();
    sources(package, &mut code);
    let has = |part: &str| ["fn ", "mod "].iter().any(|kind| code.contains(&format!("{kind}{part}")));
    let missing = filter.split("::").find(|part| !has(part));
    missing.map_or(Ok(()), |part| Err(format!("no test or module {part}")))
}

/// The commands in the prose of a page: code that begins with the name of a program.
fn inline(page: &Page) -> Vec<String> {
    let prose = page.prose().replace("```", "");
    let starts = ["make ", "cargo ", "design-analysis "];
    let spans = prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " "));
    spans.filter(|span| starts.iter().any(|start| span.starts_with(start))).collect()
}

#[test]
fn every_test_target_is_run() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let named = |variable: &str| {
        let value = makefile.lines().find_map(|line| line.strip_prefix(&format!("{variable} := ")));
        value.unwrap().split(' ').map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let packages = fs::read_dir(root().join("functions")).unwrap().map(|package| package.unwrap().path());
    let packages =
        packages.chain(["shared/storage", "shared/http", "cli"].map(|package| root().join(package)));
    let targets = packages.flat_map(|package| fs::read_dir(package.join("tests")).into_iter().flatten());
    let targets =
        targets.map(|target| target.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
    let run: BTreeSet<_> = named("EXHAUSTIVE").into_iter().chain(named("OTHERS")).collect();
    assert_eq!(run, targets.collect::<BTreeSet<_>>());
    // The examples in the comments, too.
    assert!(makefile.lines().any(|line| line.starts_with("\tcargo test ") && line.ends_with(" --doc")));
}

#[test]
fn cargo_keeps_to_the_lock_file_wherever_it_compiles() {
    let compiles =
        ["build", "clippy", "deny", "doc", "install", "lambda build", "lambda watch", "run", "test"];
    let compiles = compiles.map(|command| format!("cargo {command} "));
    for file in ["Makefile", ".ci/run", ".ci/mutants", "deploy/docker/Dockerfile"] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        for line in text.lines().filter(|line| compiles.iter().any(|command| line.contains(command))) {
            assert!(line.contains("--locked") || line.contains("--version"), "{file}: {line}");
        }
    }
}

#[test]
fn every_command_exists() {
    let directory = TempDir::new().unwrap();
    let mut wrong = Vec::new();
    let mut checked = 0;
    for page in pages() {
        let shell = noting();
        let server = Server::on_files(&directory.path().join("store"));
        let commands = commands(&shell, &page);
        let known = Known { files: shell.path().to_owned(), server };
        let inline = inline(&page);
        let words = inline.iter().map(|span| (0, span.split_whitespace().map(str::to_owned).collect()));
        for (line, words) in commands.into_iter().chain(words) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            if let Err(why) = known.check(&words) {
                wrong.push(format!("{}:{line}: {words:?}: {why}", page.name));
            }
            checked += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 100, "{checked}");
}
