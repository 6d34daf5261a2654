//! Reading what the index lists, for copies of the store.

use super::repair::ObservedDocument;
use crate::Analyses;
use crate::bucket::{GetOptions, Got, Object};
use crate::error::Result;
use crate::index::Entry;

impl Analyses {
    /// The document that an entry stands for, and what the index says of it, or will say if it has just been replaced.
    /// `None` if it has been deleted. One request.
    ///
    /// # Errors
    /// [`Error::Archived`](crate::Error::Archived) if it must be restored first.
    pub async fn read_for_backup(&self, entry: &Entry) -> Result<Option<(Entry, Object)>> {
        match self.requests.get(&self.document_key(entry), &GetOptions::default()).await? {
            Got::Found(object) if object.meta.saved_at == entry.saved_at => Ok(Some((entry.clone(), object))),
            Got::Found(object) => {
                let observed = ObservedDocument::from_content(object.clone());
                Ok(Some((observed.into_entry(&entry.id, entry.created_at), object)))
            }
            Got::Absent | Got::NotModified { .. } => Ok(None),
        }
    }
}
