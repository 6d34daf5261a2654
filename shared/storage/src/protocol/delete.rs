//! Deleting: the document first, then its entries.

use super::not_found;
use crate::Analyses;
use crate::bucket::{ETag, Key, ObjectMeta};
use crate::durations::{CRASHED_AFTER, signed};
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::retrying::Rounds;

impl Analyses {
    /// Deletes an analysis.
    ///
    /// 1. For a named id, GET its id record, which stays.
    /// 2. LIST its entries, *then* HEAD its document. Without an entry there is nothing to delete yet, unless the document
    ///    is one that a crashed save has left behind.
    /// 3. PUT a marker, if the period of its creation is over and this process has not written one just before.
    /// 4. DELETE the document, if it is still the one that was seen. This is the commit point: load does not show it.
    /// 5. Prune: LIST its entries, *then* HEAD the document, then DELETE the entries. List and totals do not show it.
    /// 6. PUT the marker again, if it has aged. The delete is acknowledged.
    ///
    /// Six requests, seven for a named id; one more for each stale entry, and one if the period of its creation is over.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::SaveInFlight`] if its first save has not been acknowledged yet;
    /// [`Error::PreconditionFailed`] if it does not have the tag `if_match`; [`Error::NoAnswer`] if it may be deleted or
    /// not; [`Error::Refused`], or [`Error::Contended`] if others were faster each time, if it is not.
    pub async fn delete(&self, id: &AnalysisId, if_match: Option<&ETag>) -> Result<()> {
        let created_at = self.created_at(id).await?.ok_or_else(|| not_found(id))?;
        let document = self.layout.document(id, created_at);
        let is_listed = !self.entries_of(id, created_at).await?.is_empty();
        let seen = self.requests.head(&document).await?;
        if !is_listed {
            self.check_crashed(id, seen.as_ref())?;
        }
        self.mark(created_at).await?;
        if let Err(refused) = self.delete_document(id, &document, seen, if_match).await {
            if let Error::PreconditionFailed(_) = refused {
                self.repair_if_inconsistent(id, created_at, true).await?;
                self.confirm(created_at).await?;
            }
            return Err(refused);
        }
        self.prune_stale_entries(id, created_at).await.map_err(Error::half_done)?;
        self.confirm(created_at).await.map_err(Error::half_done)
    }

    /// Deletes what is there, and only that; nothing is left to do if it is gone.
    async fn delete_document(
        &self,
        id: &AnalysisId,
        document: &Key,
        mut seen: Option<ObjectMeta>,
        if_match: Option<&ETag>,
    ) -> Result<()> {
        let mut rounds = Rounds::default();
        loop {
            let tag = seen.map(|meta| meta.etag);
            if if_match.is_some() && tag.as_ref() != if_match {
                let what = format!("analysis `{id}` has changed: it does not have the tag of If-Match");
                return Err(Error::PreconditionFailed(what));
            }
            let Some(tag) = tag else { return Ok(()) };
            if self.requests.delete_matching(document, &tag).await? {
                return Ok(());
            }
            seen = self.requests.head(document).await?;
            self.requests.next_round(&mut rounds, "delete", id).await?;
        }
    }

    /// Whether the document, which has no entry, was left behind by a save that crashed.
    fn check_crashed(&self, id: &AnalysisId, document: Option<&ObjectMeta>) -> Result<()> {
        let meta = document.ok_or_else(|| not_found(id))?;
        let age = self.clock().now().duration_since(meta.last_modified);
        if age > signed(CRASHED_AFTER) { Ok(()) } else { Err(Error::SaveInFlight(id.to_string())) }
    }
}
