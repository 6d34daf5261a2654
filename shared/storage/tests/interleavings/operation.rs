//! What is interleaved: operations on one id, and what came of them.

use analysis_storage::import::{self, Existing};
use analysis_storage::{Analyses, AnalysisId, Condition, CreatedAt, Document, ETag, Entry, Error};
use bytes::Bytes;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Save,
    Create,
    /// A save over just the document that is there at first.
    Match,
    Delete,
    Repair,
    Import,
    ImportReplacing,
    /// An import of the very document that is there at first, with its entry.
    ImportKnown,
}

use Operation::{Create, Delete, Import, ImportKnown, ImportReplacing, Match, Repair, Save};

impl Operation {
    pub(crate) fn saves(self) -> bool {
        !matches!(self, Delete | Repair)
    }
}

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Refused,
    /// It may have had its effect.
    Unknown,
}

/// What each operation works on.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) id: AnalysisId,
    /// The entry that a list has shown before, and the tag of its document.
    pub(crate) known: Option<(Entry, ETag)>,
}

/// The number of the save that there may have been before.
pub(crate) const FIRST: usize = 9;

pub(crate) async fn perform(
    analyses: Analyses,
    subject: Subject,
    operation: Operation,
    number: usize,
) -> Outcome {
    let (id, known) = (&subject.id, subject.known.as_ref().map(|(entry, _)| entry));
    let document = |number| Document::parse(Bytes::from(format!(r#"{{"status":"s{number}"}}"#))).unwrap();
    // Each import has a creation time of its own, of days that are over.
    let created_at = CreatedAt::clamped(format!("2026-01-1{number}T11:00:00Z").parse().unwrap());
    let import = |document, existing, known| import::Import { id, document, created_at, existing, known };
    let (own, first) = (document(number), document(FIRST));
    let tag = || subject.known.as_ref().map_or_else(|| ETag::new("\"none\""), |(_, tag)| tag.clone());
    let result = match operation {
        Save => analyses.save(id, &own, &Condition::None).await.map(drop),
        Create => analyses.save(id, &own, &Condition::Absent).await.map(drop),
        Match => analyses.save(id, &own, &Condition::Match(tag())).await.map(drop),
        Delete => analyses.delete(id, None).await,
        Repair => analyses.repair(id).await,
        Import => take_in(&analyses, import(&own, Existing::Keep, None)).await,
        ImportReplacing => take_in(&analyses, import(&own, Existing::Replace, known)).await,
        ImportKnown => take_in(&analyses, import(&first, Existing::Keep, known)).await,
    };
    match result {
        Ok(()) => Outcome::Done,
        Err(Error::PreconditionFailed(_) | Error::NotFound { .. } | Error::SaveInFlight(_)) => {
            Outcome::Refused
        }
        Err(Error::NoAnswer { .. }) => Outcome::Unknown,
        Err(e) => panic!("{operation:?}: {e}"),
    }
}

async fn take_in(analyses: &Analyses, import: import::Import<'_>) -> Result<(), Error> {
    match analyses.import(import).await?.outcome {
        import::ImportOutcome::Conflict => {
            Err(Error::PreconditionFailed("another document is there".to_owned()))
        }
        _ => Ok(()),
    }
}
