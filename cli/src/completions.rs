//! What a shell asks for while somebody types: commands, options, and the ids of the store.
//!
//! The script that `design-analysis completions` prints calls the program at every press of the tab key, with the words
//! of the line and [`VARIABLE`] set. The program answers and ends, before anything else is done.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use analysis_storage::config::{Environment, StoreName};
use analysis_storage::query::{Filter, Limit};
use analysis_storage::{Access, Analyses, Error, StorageConfig};
use clap::Command;
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, CompletionCandidate, Shell};

use crate::command::CommandError;
use crate::pages::Pages;

/// Set to the name of a shell when its script calls.
const VARIABLE: &str = "DESIGN_ANALYSIS_COMPLETE";
/// How long somebody waits for ids.
const PATIENCE: Duration = Duration::from_secs(1);
/// So many analyses, the newest, are looked through for an id: ten requests.
const LOOKED_THROUGH: u64 = 10 * Limit::MAX as u64;
/// So many files of a backup are looked through.
const FILES: usize = 10_000;

/// For which shell.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The shell to complete in
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(options: &Options, program: &Command) -> Result<(), CommandError> {
    let (name, shell) = (program.get_name(), options.shell.to_string());
    let shells = Shells::builtins();
    let Some(completer) = shells.completer(&shell) else {
        return Err(CommandError::Usage(format!("there is no script for {shell}")));
    };
    // A reader that has left is no failure of the completer's.
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, name, name, name, &mut script).map_err(CommandError::Output)?;
    io::stdout().write_all(&script).map_err(CommandError::Output)
}

/// Answers a shell, and ends the process, if one asks.
pub(crate) fn answer(program: fn() -> Command) {
    CompleteEnv::with_factory(program).var(VARIABLE).complete();
}

/// The ids of the store that begin so, of its newest analyses. None if it cannot be asked, or not soon: nothing that
/// goes wrong may be printed into the line that somebody types.
pub(crate) fn ids(begin: &OsStr) -> Vec<CompletionCandidate> {
    let Some(begin) = begin.to_str() else { return Vec::new() };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let look = look(begin, &mut found);
    // What was found until then is better than nothing.
    drop(runtime.block_on(async { tokio::time::timeout(PATIENCE, look).await }));
    runtime.shutdown_background();
    found
}

async fn look(begin: &str, found: &mut Vec<CompletionCandidate>) -> Result<(), Error> {
    let store = option("--store").and_then(|store| store.to_str()?.parse::<StoreName>().ok());
    let config = StorageConfig::of_store(&Environment::of_process(), store.as_ref())?;
    let analyses = Analyses::open_for(Access::Existing, &config).await?;
    let mut pages = Pages::new(&analyses, Filter::default(), LOOKED_THROUGH);
    while let Some(entries) = pages.next().await? {
        let ids = entries.iter().map(|entry| entry.id.as_str()).filter(|id| id.starts_with(begin));
        found.extend(ids.map(CompletionCandidate::new));
    }
    Ok(())
}

/// The ids that begin so, of the documents in the backup that `--from` names.
pub(crate) fn ids_of_a_backup(begin: &OsStr) -> Vec<CompletionCandidate> {
    let (Some(begin), Some(backup)) = (begin.to_str(), option("--from")) else { return Vec::new() };
    let Ok(files) = fs::read_dir(Path::new(&backup)) else { return Vec::new() };
    let names = files.take(FILES).filter_map(|file| file.ok()?.file_name().into_string().ok());
    let ids = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned));
    let mut ids: Vec<String> = ids.filter(|id| id.starts_with(begin)).collect();
    ids.sort_unstable();
    ids.into_iter().map(CompletionCandidate::new).collect()
}

/// The value of an option in the line that is being typed.
fn option(name: &str) -> Option<OsString> {
    option_in(std::env::args_os().skip(1), name)
}

fn option_in(words: impl IntoIterator<Item = OsString>, name: &str) -> Option<OsString> {
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == name {
            return words.next();
        }
        let with_value = word.to_str().and_then(|word| word.strip_prefix(name)?.strip_prefix('='));
        if let Some(value) = with_value {
            return Some(value.into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_in_the_line_has_its_value_beside_it_or_behind_an_equals_sign() {
        let value = |line: &str| option_in(line.split(' ').map(OsString::from), "--store");
        for (line, store) in [
            ("-- design-analysis load --store a st", Some("a")),
            ("-- design-analysis --store=s3://b/c load st", Some("s3://b/c")),
            ("-- design-analysis load st --store", None),
            ("-- design-analysis load --stores a", None),
        ] {
            assert_eq!(value(line), store.map(OsString::from), "{line}");
        }
    }
}
