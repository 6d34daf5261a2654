//! One document on its way into the store.

use analysis_storage::import::{Existing, Import, ImportOutcome};
use analysis_storage::{Analyses, AnalysisId, CreatedAt, Document, Entry, Error, ErrorCode};

use super::{Budget, Done, Problem, TransferError, TransferKind};

/// Where documents go, and under which conditions.
#[derive(Debug)]
pub(crate) struct Importer<'a> {
    pub(crate) analyses: &'a Analyses,
    pub(crate) budget: Budget,
    /// `MAX_DOCUMENT_BYTES`.
    pub(crate) limit: u64,
    pub(crate) existing: Existing,
    /// Whether nothing is written.
    pub(crate) dry_run: bool,
}

impl Importer<'_> {
    /// What is counted, so that the totals say it even of none.
    pub(crate) fn counts(dry_run: bool) -> [&'static str; 3] {
        if dry_run {
            ["would be created", "would be replaced", "unchanged"]
        } else {
            ["created", "replaced", "unchanged"]
        }
    }

    /// Saves a document, and says which creation time it has then. `origin` is where it comes from, for messages.
    pub(crate) async fn import(
        &self,
        id: &AnalysisId,
        origin: &str,
        document: &Document,
        created_at: CreatedAt,
        known: Option<&Entry>,
    ) -> Result<(Done, CreatedAt), TransferError> {
        let import = Import { id, document, created_at, existing: self.existing, known };
        let imported = if self.dry_run {
            self.analyses.preview_import(import).await
        } else {
            self.analyses.import(import).await
        };
        let imported = match imported {
            Ok(imported) => imported,
            Err(Error::Archived(key)) => {
                let reason = format!("cannot be compared with {key}, which is archived; restore that first");
                return Ok((Done::problem(Problem::new(ErrorCode::Archived, origin, reason)), created_at));
            }
            Err(error) => return Ok((Done::problem(Problem::from_error(error, origin)?), created_at)),
        };
        let [created, replaced, unchanged] = Self::counts(self.dry_run);
        let done = match imported.outcome {
            ImportOutcome::Created => Done::counted(created),
            ImportOutcome::Replaced => Done::counted(replaced),
            ImportOutcome::Unchanged => Done::skipped(unchanged),
            ImportOutcome::Conflict => {
                let reason = "another document is stored under its id; --replace puts this one in its place";
                Done::problem(Problem::new(TransferKind::Conflict, origin, reason))
            }
        };
        Ok((done, imported.created_at))
    }
}
