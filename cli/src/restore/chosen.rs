//! Only some ids of a backup.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use analysis_storage::{Analyses, AnalysisId, ErrorCode};

use super::as_of::AsOf;
use crate::transfer::{
    Done, Found, MANIFEST, Problem, Sorter, SourceRecord, TransferError, Work, read_lines, runs,
};

/// The ids to restore.
#[derive(Debug)]
pub(super) struct Chosen(BTreeSet<String>);

impl Chosen {
    /// Those of the command line; `None` if there are none, which means all.
    pub(super) fn new(ids: &[String], analyses: &Analyses) -> Result<Option<Self>, TransferError> {
        let id = |text: &String| match AnalysisId::parse(text, analyses.clock().now()) {
            Ok(id) => Ok(id.to_string()),
            Err(error) => Err(TransferError::Unusable(error.to_string())),
        };
        let ids = ids.iter().map(id).collect::<Result<BTreeSet<_>, _>>()?;
        Ok((!ids.is_empty()).then_some(Self(ids)))
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.0.contains(id)
    }

    /// Adds what the backup knows of them, and reports those of which it has nothing.
    pub(super) fn add(
        &self,
        kept: &mut Sorter<SourceRecord>,
        backup: &Path,
        as_of: Option<AsOf>,
        work: &mut Work,
    ) -> Result<(), TransferError> {
        let mut known = BTreeSet::new();
        read_lines(backup, |number, line| match line {
            Some(line) if self.has(&line.id) => {
                known.insert(line.id.clone());
                kept.push(&line.id.clone(), &SourceRecord::Listed(number, line))
            }
            _ => Ok(()),
        })?;
        if let Some(as_of) = as_of {
            let known = RefCell::new(&mut known);
            as_of.add(kept, backup, |id| {
                let has = self.has(id);
                has.then(|| known.borrow_mut().insert(id.to_owned()));
                has
            })?;
        }
        for id in &self.0 {
            let path = format!("{id}.json");
            match fs::metadata(backup.join(&path)) {
                Ok(metadata) if metadata.is_file() => {
                    let file = Found::File { path: path.into(), size: metadata.len() };
                    kept.push(id, &SourceRecord::File(file)).map_err(TransferError::Temporary)?;
                }
                _ if known.contains(id) => {}
                _ => work.report.add(&Done::problem(not_there(backup, id)?))?,
            }
        }
        Ok(())
    }
}

/// What is said of an id that the backup has not, and how to restore it if it had it once.
fn not_there(backup: &Path, id: &str) -> Result<Problem, TransferError> {
    let had =
        runs(backup)?.into_iter().rfind(|run| backup.join(run.path()).join(format!("{id}.json")).exists());
    let reason = match had {
        None => format!("is not in {MANIFEST}, nor in the history"),
        Some(run) => format!(
            "was taken out of the backup by the run of {run}; --as-of with a time before that restores it"
        ),
    };
    Ok(Problem::new(ErrorCode::NotFound, id, reason))
}
