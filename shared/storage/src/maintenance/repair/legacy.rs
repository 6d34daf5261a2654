//! Entries of an earlier version: taken over into the present format.

use super::{Damage, Inspection, Mode};
use crate::Analyses;
use crate::bucket::Key;
use crate::error::{Error, Result};
use crate::index::LegacyEntry;

impl Analyses {
    /// An entry of the present format is written for the document, and only then this one removed. Nothing counts it
    /// meanwhile: readers refuse an index that has any.
    pub(super) async fn examine_legacy(
        &self,
        key: &Key,
        entry: &LegacyEntry,
        mode: Mode,
    ) -> Result<Inspection> {
        if mode == Mode::Repair {
            let LegacyEntry { id, created_at, .. } = entry;
            let place = match self.created_at(id).await {
                // If there is a document, it will be met among the documents, and its id record reported there.
                Err(Error::Corrupt { .. }) => Some(*created_at),
                result => result?,
            };
            let document = self.layout.document(id, *created_at);
            if place.is_none() && self.requests.head(&document).await?.is_some() {
                self.ensure_id_record(id, *created_at).await?;
            }
            if place.is_none_or(|place| place == *created_at) {
                self.take_over(entry, &document).await?;
            }
            self.requests.delete(key).await?;
        }
        Ok(Inspection::found(Damage::Legacy, key.clone(), mode == Mode::Repair))
    }

    /// The document need not be read where the bucket tells its token, and must not be where it cannot be: the entry of
    /// its save knows more than the metadata of an archived one.
    async fn take_over(&self, entry: &LegacyEntry, document: &Key) -> Result<()> {
        let LegacyEntry { id, created_at, .. } = entry;
        let seen = self.requests.head(document).await?;
        let seen = seen.filter(|meta| meta.saved_at == entry.saved_at && meta.size == entry.size);
        let Some(token) = seen.and_then(|meta| meta.token) else {
            return self.repair_at(id, *created_at).await;
        };
        self.mark(*created_at).await?;
        self.requests.put_empty(&self.layout.entry(&entry.with_token(token))).await?;
        self.prune_stale_entries(id, *created_at).await?;
        self.confirm(*created_at).await
    }
}
