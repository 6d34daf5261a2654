//! What `--help` and the manual say beneath the options of a command: examples, and the settings that it reads.

use analysis_http::ServerConfig;
use analysis_http::telemetry::LogConfig;
use analysis_storage::StorageConfig;
use analysis_storage::config::Variable;
use clap::Command;

use crate::{exit, variables};

/// No line is longer, so that it can be read, and is the same in a pipe as at a wide terminal.
const WIDTH: usize = 100;

const FIRST_STEPS: &str = "\
First steps:
  # Save a document in ./analysis_results; its id is printed
  design-analysis save study.json --id study-1
  # See what is stored, and get the very bytes back
  design-analysis list
  design-analysis load study-1
  # Serve the HTTP API at http://127.0.0.1:8000
  design-analysis serve
  # See which store all of them work on, and why
  design-analysis config";

/// What is said of one command.
struct Notes {
    command: &'static str,
    settings: Settings,
    /// What each does, and the example.
    examples: [(&'static str, &'static str); 2],
}

/// Which environment variables a command reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settings {
    None,
    /// Those of the store, and of the log of what it meets.
    Store,
    /// Those of the server alone.
    Server,
    /// Every one.
    All,
}

#[rustfmt::skip]
const NOTES: [Notes; 18] = [
    Notes { command: "serve", settings: Settings::All, examples: [
        ("Serve the files in ./analysis_results at http://127.0.0.1:8000", "design-analysis serve"),
        ("Serve a bucket to others, who must send a token", "API_TOKEN=\"$(cat token)\" design-analysis serve --host 0.0.0.0 --store s3://designs"),
    ] },
    Notes { command: "health", settings: Settings::Server, examples: [
        ("Ask the server of this environment whether it lives", "design-analysis health"),
        ("Ask the one at another port", "API_PORT=9000 design-analysis health"),
    ] },
    Notes { command: "save", settings: Settings::Store, examples: [
        ("Save the documents of a directory, 16 at a time", "design-analysis save results/*.json --jobs 16"),
        ("Save one under an id, as created when it says", "design-analysis save study.json --id study-1 --created-at timestamp"),
    ] },
    Notes { command: "load", settings: Settings::Store, examples: [
        ("Print a document", "design-analysis load study-1"),
        ("Write it to a file, whole or not at all", "design-analysis load study-1 --output study-1.json"),
    ] },
    Notes { command: "list", settings: Settings::Store, examples: [
        ("Show the failures of the last week", "design-analysis list --since 7d --status error"),
        ("Show the 20 largest of those whose ids begin with study-", "design-analysis list --id-prefix study- --sort size --limit 20"),
    ] },
    Notes { command: "stats", settings: Settings::Store, examples: [
        ("Show the totals of the configured store", "design-analysis stats"),
        ("Print those of another as JSON", "design-analysis stats --json --store s3://designs/team-a"),
    ] },
    Notes { command: "delete", settings: Settings::Store, examples: [
        ("See which failures of the last week would be deleted, and how many they are", "design-analysis delete --status error --since 7d --dry-run"),
        ("Delete just so many, or nothing", "design-analysis delete --status error --since 7d --yes=12"),
    ] },
    Notes { command: "cost", settings: Settings::Store, examples: [
        ("Estimate the costs of what is stored", "design-analysis cost"),
        ("Estimate those of what may be stored", "design-analysis cost --analyses 20000 --average-size 300KB --region eu-west-1"),
    ] },
    Notes { command: "check", settings: Settings::Store, examples: [
        ("Compare the index with the listing of the documents", "design-analysis check"),
        ("Read every document, too, at no more than 20 MB a second", "design-analysis check --read-data --rate 20MB"),
    ] },
    Notes { command: "repair", settings: Settings::Store, examples: [
        ("Put right what needs no decision", "design-analysis repair"),
        ("Give up what is gone for good from a month", "design-analysis repair --month 2026-01 --forget-lost"),
    ] },
    Notes { command: "import", settings: Settings::Store, examples: [
        ("See what would be taken from a directory", "design-analysis import --from results --dry-run"),
        ("Take in an older bucket", "design-analysis import --from s3://old-bucket/design-analysis --from-region eu-west-1"),
    ] },
    Notes { command: "backup", settings: Settings::Store, examples: [
        ("Bring a backup up to date, with 30 days of its history", "design-analysis backup --to /backups/designs --keep 30d"),
        ("Show what its runs have replaced and removed", "design-analysis backup --to /backups/designs --list"),
    ] },
    Notes { command: "restore", settings: Settings::Store, examples: [
        ("Bring one document back", "design-analysis restore --from /backups/designs --id study-1"),
        ("See what restoring the state of a day would do", "design-analysis restore --from /backups/designs --as-of 2026-11-28 --dry-run"),
    ] },
    Notes { command: "verify", settings: Settings::Store, examples: [
        ("Compare the store with its backup", "design-analysis verify --against /backups/designs"),
        ("Compare it with the files that were imported, and print JSON", "design-analysis verify --against results --json"),
    ] },
    Notes { command: "doctor", settings: Settings::Store, examples: [
        ("Look into the store of this environment", "design-analysis doctor"),
        ("Look into a bucket before it is used, for a program", "design-analysis doctor --store s3://designs --json"),
    ] },
    Notes { command: "config", settings: Settings::All, examples: [
        ("See which store it is, and which settings lead to it", "design-analysis config"),
        ("Print what would hold for another, as JSON", "design-analysis config --json --store s3://designs"),
    ] },
    Notes { command: "completions", settings: Settings::None, examples: [
        ("In bash, from a line in ~/.bashrc", "source <(design-analysis completions bash)"),
        ("In fish, once", "design-analysis completions fish >~/.config/fish/completions/design-analysis.fish"),
    ] },
    Notes { command: "man", settings: Settings::None, examples: [
        ("Read the page of a command", "design-analysis man save | man -l -"),
        ("Install all pages, for man design-analysis-save", "design-analysis man --to /usr/local/share/man/man1"),
    ] },
];

/// The program with what is said of it and of each of its commands.
pub(crate) fn described(program: Command) -> Command {
    let program = program
        .max_term_width(WIDTH)
        .after_help([FIRST_STEPS, exit::HELP].join("\n\n"))
        .after_long_help([FIRST_STEPS, &variables::help(), exit::HELP].join("\n\n"));
    NOTES.iter().fold(program, |program, notes| {
        program.mut_subcommand(notes.command, |command| command.after_long_help(notes.text()))
    })
}

impl Notes {
    fn text(&self) -> String {
        let mut text = "Examples:".to_owned();
        for (what, example) in self.examples {
            text.extend(["\n  # ", what, "\n  ", example]);
        }
        match self.settings.names() {
            _ if self.command == "serve" => text + "\n\n" + &variables::help(),
            None => text,
            Some(names) => {
                let advice =
                    "`design-analysis --help` says what they mean, `design-analysis config` what they are";
                format!("{text}\n\nEnvironment variables:\n  {names}\n  {advice}")
            }
        }
    }
}

impl Settings {
    fn names(self) -> Option<String> {
        let variables = match self {
            Self::None => return None,
            Self::Store => [&StorageConfig::VARIABLES[..], &LogConfig::VARIABLES].concat(),
            Self::Server => ServerConfig::VARIABLES.to_vec(),
            Self::All => variables::all(),
        };
        let names: Vec<&str> = variables.iter().map(|Variable { name, .. }| *name).collect();
        Some(names.join(", "))
    }
}
