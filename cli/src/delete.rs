//! `design-analysis delete`: analyses by id.

use std::collections::BTreeSet;
use std::io::{self, BufRead, IsTerminal, Write};

use analysis_storage::Access;

use crate::command::CommandError;
use crate::save::entity_tag;
use crate::store::Store;

/// What to delete.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The analyses
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Delete only the document that has this entity tag, which `load --etag` prints
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
    /// Do not ask, even on a terminal and for more than one id
    #[arg(short, long)]
    yes: bool,
}

/// Deletes one analysis after the other, and prints the id of each that is gone.
pub(crate) async fn run(options: Options) -> Result<(), CommandError> {
    let if_match = options.if_match.as_deref().map(entity_tag).transpose()?;
    let store = Store::open_interruptible(Access::Existing).await?;
    // An id is looked at once, and a mistyped one ends all before anything is gone.
    let mut seen = BTreeSet::new();
    let ids = options.ids.iter().filter(|id| seen.insert(*id)).map(|id| store.id(id));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    if ids.len() > 1 {
        if if_match.is_some() {
            return Err(CommandError::Usage("--if-match is for one analysis; give one ID".to_owned()));
        }
        let asks = !options.yes && io::stdin().is_terminal();
        if asks && !confirm(ids.len(), &mut io::stdin().lock()).map_err(CommandError::Output)? {
            return Err(CommandError::Usage("nothing was deleted".to_owned()));
        }
    }
    let mut kept = 0;
    for id in &ids {
        let _write = store.begin_write().await;
        match store.analyses.delete(id, if_match.as_ref()).await {
            Ok(()) => writeln!(io::stdout(), "{id}").map_err(CommandError::Output)?,
            Err(error) if error.code().is_of_one_document() && ids.len() > 1 => {
                eprintln!("{id}: not deleted: {error}");
                kept += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
    match kept {
        0 => Ok(()),
        _ => Err(CommandError::Refused(format!("{kept} of {} analyses not deleted", ids.len()))),
    }
}

fn confirm(analyses: usize, answers: &mut impl BufRead) -> io::Result<bool> {
    eprint!("Delete {analyses} analyses? [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_confirms() {
        for (answer, confirmed) in
            [("y\n", true), ("Y\n", true), ("yes", true), ("\n", false), ("", false), ("n\n", false)]
        {
            assert_eq!(confirm(2, &mut answer.as_bytes()).unwrap(), confirmed, "{answer:?}");
        }
    }
}
