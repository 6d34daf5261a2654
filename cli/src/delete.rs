//! `design-analysis delete`: analyses by id, or all that a filter selects.

mod confirm;
mod selected;

use std::collections::BTreeSet;
use std::io::{self, Write};

use analysis_storage::{Access, AnalysisId, ETag, Error};
use clap_complete::ArgValueCompleter;

use crate::command::CommandError;
use crate::completions;
use crate::input;
use crate::save::entity_tag;
use crate::selection::Selection;
use crate::store::Store;
use confirm::Yes;

/// What to delete.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The analyses; - reads their ids from standard input, one a line. Write -- before ids that begin with -
    #[arg(value_name = "ID", add = ArgValueCompleter::new(completions::ids))]
    ids: Vec<String>,
    #[command(flatten)]
    selection: Selection,
    /// Delete only the document that has this entity tag, which `load --etag` prints
    #[arg(long, value_name = "ETAG", help_heading = SURE)]
    if_match: Option<String>,
    /// Only print the ids of what would be deleted, and how many they are; nothing is deleted
    #[arg(long, help_heading = SURE)]
    dry_run: bool,
    /// Do not ask, even on a terminal. With a count, only if there are just so many: --yes=12. Options that select
    /// analyses need the count where there is no terminal to ask at
    #[arg(
        short,
        long,
        value_name = "COUNT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        value_parser = confirm::parse,
        help_heading = SURE
    )]
    yes: Option<Yes>,
}

const SURE: &str = "How to be sure";

/// Deletes one analysis after the other, and prints the id of each that is gone.
pub(crate) async fn run(options: Options) -> Result<(), CommandError> {
    let usage = |text: &str| Err(CommandError::Usage(text.to_owned()));
    match (options.ids.is_empty(), options.selection.is_everything()) {
        (true, true) => {
            usage("give the ids of analyses, or options that select some, such as --status error")
        }
        (false, false) => usage("give either the ids of analyses or options that select some"),
        (true, false) if options.if_match.is_some() => usage("--if-match is for one analysis; give one ID"),
        (true, false) => selected::run(&options).await,
        (false, true) => named(&options).await,
    }
}

/// Those of the command line.
async fn named(options: &Options) -> Result<(), CommandError> {
    let if_match = options.if_match.as_deref().map(entity_tag).transpose()?;
    let store = Store::open_interruptible(Access::Existing).await?;
    // An id is looked at once, and a mistyped one ends all before anything is gone.
    let mut seen = BTreeSet::new();
    let ids = input::ids(&options.ids).map_err(CommandError::Usage)?;
    let ids = ids.iter().filter(|id| seen.insert(*id)).map(|id| store.id(id));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    if ids.len() > 1 && if_match.is_some() {
        return Err(CommandError::Usage("--if-match is for one analysis; give one ID".to_owned()));
    }
    if !options.dry_run {
        confirm::named(options.yes, ids.len() as u64)?;
        store.try_out().await?;
    }
    let mut tally = Tally::of(ids.len());
    for id in &ids {
        let result = if options.dry_run {
            preview(&store, id, if_match.as_ref()).await
        } else {
            let _write = store.begin_write().await;
            store.analyses.delete(id, if_match.as_ref()).await
        };
        tally.add(id, result)?;
    }
    tally.finish(options.dry_run)
}

/// Whether the analysis is there, and is the one that is meant.
async fn preview(store: &Store, id: &AnalysisId, if_match: Option<&ETag>) -> Result<(), Error> {
    let meta = store.analyses.describe(id).await?;
    match if_match.filter(|tag| **tag != meta.etag) {
        Some(_) => Err(Error::PreconditionFailed(format!(
            "analysis `{id}` has changed: it does not have the tag of If-Match"
        ))),
        None => Ok(()),
    }
}

/// How many have been deleted, and how many not.
struct Tally {
    all: usize,
    kept: usize,
}

impl Tally {
    fn of(all: usize) -> Self {
        Self { all, kept: 0 }
    }

    /// Prints the id of what is gone. One of several that is not deleted does not keep the others from it.
    fn add(&mut self, id: &AnalysisId, result: Result<(), Error>) -> Result<(), CommandError> {
        match result {
            Ok(()) => writeln!(io::stdout(), "{id}").map_err(CommandError::Output),
            Err(error) if error.code().is_of_one_document() && self.all > 1 => {
                self.keep(id, &error.to_string());
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn keep(&mut self, id: &AnalysisId, reason: &str) {
        eprintln!("{id}: not deleted: {reason}");
        self.kept += 1;
    }

    fn finish(self, dry_run: bool) -> Result<(), CommandError> {
        let Self { all, kept } = self;
        match kept {
            0 => Ok(()),
            _ if dry_run => {
                Err(CommandError::Refused(format!("{kept} of {all} analyses would not be deleted")))
            }
            _ => Err(CommandError::Refused(format!("{kept} of {all} analyses not deleted"))),
        }
    }
}
