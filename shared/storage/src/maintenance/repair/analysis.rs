//! Repairing one analysis: its index entry is derived anew from its document.

use super::observed::ContentKind;
use crate::Analyses;
use crate::error::Result;
use crate::id::AnalysisId;
use crate::time::{CreatedAt, SavedAt};

/// Which documents a repair takes into the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adopt {
    /// Those that are JSON, and those that cannot be read.
    Documents,
    /// Whatever lies there: somebody knows that it is what was meant.
    Everything,
}

impl Analyses {
    /// Makes the index agree with the document of this id, whatever a crashed save or delete, or another
    /// program, has left behind. An id without a document ends up without entries.
    ///
    /// 1. For a named id, GET its id record. Without one there is nothing to repair.
    /// 2. HEAD and GET the document.
    /// 3. PUT a marker, if the period of its creation is over and this process has not written one just before.
    /// 4. PUT its index entry. This is the commit point: list and totals show it as it is.
    /// 5. Prune: LIST the entries of the id, *then* HEAD the document, then DELETE every entry that is stale.
    /// 6. PUT the marker again, if it has aged.
    ///
    /// The entry says what the document says of itself. If that cannot be read, because it is archived or no
    /// analysis, it says what the object's user metadata says, and `unknown` where those are silent. What is no JSON is
    /// no document: then nothing is written or removed.
    /// Safe at any time, beside any number of saves, deletes and other repairs of the id.
    ///
    /// # Errors
    /// Only those of every request, and [`Error::Corrupt`](crate::Error::Corrupt) for an id record that cannot be read.
    pub async fn repair(&self, id: &AnalysisId) -> Result<()> {
        match self.created_at(id).await? {
            Some(created_at) => self.repair_at(id, created_at, Adopt::Documents).await,
            None => Ok(()),
        }
    }

    /// Repairs an id whose creation time is known.
    ///
    /// The order is that of a save: the document is looked at, its entry written, and only then are the
    /// entries listed that may have to go.
    pub(crate) async fn repair_at(&self, id: &AnalysisId, created_at: CreatedAt, adopt: Adopt) -> Result<()> {
        let mut has_changed = false;
        if let Some(observed) = self.observe(&self.layout.document(id, created_at)).await? {
            let is_junk = observed.content.is_some_and(|content| content.kind == ContentKind::NoJson);
            if is_junk && adopt == Adopt::Documents {
                return Ok(());
            }
            // Metadata know less than the entry that the save wrote, and theirs would stand beside it.
            if observed.is_read || !self.has_entry(id, created_at, observed.saved_at).await? {
                let entry = observed.into_entry(id, created_at);
                self.mark(created_at).await?;
                self.requests.put_empty(&self.layout.entry(&entry)).await?;
                has_changed = true;
            }
        }
        has_changed |= self.prune_stale_entries(id, created_at).await?;
        if has_changed { self.confirm(created_at).await } else { Ok(()) }
    }

    /// Repairs the id if its index and document disagree, before the caller learns that a condition does not hold.
    ///
    /// The condition may fail because the caller's own earlier try, whose outcome is unknown, was cut off between
    /// document and entry. A caller who is refused does not come back, so that nobody else would finish the work.
    ///
    /// What another program has put in the place of a document is not the work of any caller, and left. So are entries
    /// without a document, which may be lost, unless the caller `deletes` it.
    pub(crate) async fn repair_if_inconsistent(
        &self,
        id: &AnalysisId,
        created_at: CreatedAt,
        deletes: bool,
    ) -> Result<()> {
        let entries = self.entries_of(id, created_at).await?;
        let is_finished = match self.requests.head(&self.layout.document(id, created_at)).await? {
            Some(meta) if meta.is_ours => entries.iter().any(|(_, entry)| entry.saved_at == meta.saved_at),
            Some(_) => !entries.is_empty(),
            None => entries.is_empty() || !deletes,
        };
        if is_finished { Ok(()) } else { self.repair_at(id, created_at, Adopt::Documents).await }
    }

    async fn has_entry(&self, id: &AnalysisId, created_at: CreatedAt, saved_at: SavedAt) -> Result<bool> {
        let entries = self.entries_of(id, created_at).await?;
        Ok(entries.iter().any(|(_, entry)| entry.saved_at == saved_at))
    }
}
