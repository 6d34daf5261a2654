//! Reading what the index lists: for copies of the store, and for bringing archived documents back.

use super::repair::Sight;
use crate::Analyses;
use crate::bucket::{GetOptions, Got, Object, RestoreTier, Restoring};
use crate::error::Result;
use crate::id::AnalysisId;
use crate::index::Entry;
use crate::protocol::not_found;

impl Analyses {
    /// The document that an entry stands for, and what the index says of it, or will say if it has just been replaced.
    /// `None` if it has been deleted. One request.
    ///
    /// # Errors
    /// [`Error::Archived`](crate::Error::Archived) if it must be restored first.
    pub async fn read(&self, entry: &Entry) -> Result<Option<(Entry, Object)>> {
        match self.requests.get(&self.document_key(entry), &GetOptions::default()).await? {
            Got::Found(object) if object.meta.saved_at == entry.saved_at => Ok(Some((entry.clone(), object))),
            Got::Found(object) => {
                let sight = Sight::from_content(object.clone());
                Ok(Some((sight.into_entry(&entry.id, entry.created_at), object)))
            }
            Got::Absent | Got::NotModified { .. } => Ok(None),
        }
    }

    /// Asks for a copy of an archived document that can be read for this many days. One request for a `UUIDv7`, two
    /// for a named id.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound), and [`Error::Unsupported`](crate::Error::Unsupported) if the bucket
    /// has no archive.
    pub async fn restore(&self, id: &AnalysisId, days: u32, tier: RestoreTier) -> Result<Restoring> {
        let created_at = self.created_at(id).await?.ok_or_else(|| not_found(id))?;
        match self.requests.restore(&self.layout.document(id, created_at), days, tier).await? {
            Restoring::Absent => Err(not_found(id)),
            restoring => Ok(restoring),
        }
    }
}
