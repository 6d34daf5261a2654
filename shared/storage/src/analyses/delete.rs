//! Deleting: the document first, then its entries.

use std::time::Duration;

use super::Analyses;
use super::load::not_found;
use crate::bucket::{ETag, Key};
use crate::error::{Error, Result};
use crate::id::AnalysisId;

/// No request takes this long: a document without an entry that is older belongs to a save that crashed.
pub(super) const CRASHED_AFTER: Duration = Duration::from_mins(15);

impl Analyses {
    /// Deletes an analysis. Five requests, six for a named id; one more for each stale entry, and one
    /// if the day of its creation is over.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::SaveInFlight`] if its first save has not been acknowledged yet;
    /// [`Error::PreconditionFailed`] if it does not have the tag `if_match`.
    pub async fn delete(&self, id: &AnalysisId, if_match: Option<&ETag>) -> Result<()> {
        let created_at = self.created_at(id).await?.ok_or_else(|| not_found(id))?;
        let document = self.layout.document(id, created_at);
        if self.entries_of(id, created_at).await?.is_empty() {
            self.check_crashed(id, &document).await?;
        }
        self.mark(created_at).await?;
        let deleted = match if_match {
            Some(tag) => self.requests.delete_matching(&document, tag).await,
            None => self.requests.delete(&document).await,
        };
        if let Err(Error::PreconditionFailed(_)) = deleted {
            self.mend(id, created_at).await?;
            let what = format!("analysis `{id}` has changed: it does not have the tag of If-Match");
            return Err(Error::PreconditionFailed(what));
        }
        deleted?;
        self.settle(id, created_at).await
    }

    /// Whether the document, which has no entry, was left behind by a save that crashed.
    async fn check_crashed(&self, id: &AnalysisId, document: &Key) -> Result<()> {
        let meta = self.requests.head(document).await?.ok_or_else(|| not_found(id))?;
        let age = self.clock.now().duration_since(meta.saved_at.timestamp());
        if age.unsigned_abs() > CRASHED_AFTER && age.is_positive() {
            Ok(())
        } else {
            Err(Error::SaveInFlight(id.to_string()))
        }
    }
}
