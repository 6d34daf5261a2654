//! One id as the index knows it: whether it is at its place, and whether there is a document.

use futures::future::try_join_all;

use super::{Adopt, Damage, Finding, Inspection, Mode};
use crate::Analyses;
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::time::CreatedAt;

impl Analyses {
    pub(super) async fn examine_entries(
        &self,
        id: &AnalysisId,
        created_at: CreatedAt,
        mode: Mode,
    ) -> Result<Inspection> {
        let known = match self.created_at(id).await {
            // If there is a document, it will be met among the documents, and its id record reported there.
            Err(Error::Corrupt { .. }) => Some(created_at),
            result => result?,
        };
        if known.is_some_and(|known| known != created_at) {
            return self.remove_strays(id, created_at, mode).await;
        }
        let document = self.layout.document(id, created_at);
        match self.requests.head(&document).await? {
            None => self.examine_dangling(id, created_at, mode).await,
            Some(_) if known.is_none() && mode.is_repair() => {
                self.ensure_id_record(id, created_at).await?;
                Ok(Finding::new(Damage::NoIdRecord, document, true).into())
            }
            Some(_) => Ok(Inspection::default()),
        }
    }

    /// An id's creation time never changes: no save will ever write entries of another.
    pub(super) async fn remove_strays(
        &self,
        id: &AnalysisId,
        created_at: CreatedAt,
        mode: Mode,
    ) -> Result<Inspection> {
        let entries = self.entries_of(id, created_at).await?;
        if mode.is_repair() {
            self.mark(created_at).await?;
            try_join_all(entries.iter().map(|(key, _)| self.requests.delete(key))).await?;
            self.confirm(created_at).await?;
        }
        Ok(match entries.into_iter().next() {
            Some((key, _)) => Finding::new(Damage::Stale, key, mode.is_repair()).into(),
            None => Inspection::default(),
        })
    }

    /// A document that is gone was deleted or lost. Nothing tells which of the two: a delete that crashed leaves what a
    /// lost document leaves. So its entries, all that is known of it, stay until people decide.
    pub(super) async fn examine_dangling(
        &self,
        id: &AnalysisId,
        created_at: CreatedAt,
        mode: Mode,
    ) -> Result<Inspection> {
        let now = self.clock().now();
        // Listed before the document is looked for once more: another save may have begun meanwhile.
        let mut entries = self.entries_of(id, created_at).await?;
        // The bucket's lifecycle rules may remove a document some time before its entry.
        entries.retain(|(_, entry)| !self.retention.is_over(entry.saved_at, now));
        let newest = entries.into_iter().max_by_key(|(_, entry)| entry.saved_at);
        let Some((key, entry)) = newest else { return Ok(Inspection::default()) };
        if self.requests.head(&self.layout.document(id, created_at)).await?.is_some() {
            return Ok(Inspection::default());
        }
        if mode.forgets_lost() {
            self.repair_at(id, created_at, Adopt::Documents).await?;
        }
        Ok(Finding::lost(&entry, key, mode.forgets_lost()).into())
    }
}
