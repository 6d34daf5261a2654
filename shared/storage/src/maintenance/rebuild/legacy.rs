//! Entries of an earlier version: taken over into the present format.

use super::{Damage, Look, Mode};
use crate::Analyses;
use crate::bucket::Key;
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::time::CreatedAt;

impl Analyses {
    /// An entry of the present format is written from the document, and only then this one removed. Nothing counts it
    /// meanwhile: readers refuse an index that has any.
    pub(super) async fn examine_legacy(
        &self,
        key: &Key,
        id: &AnalysisId,
        created_at: CreatedAt,
        mode: Mode,
    ) -> Result<Look> {
        if mode == Mode::Repair {
            let place = match self.created_at(id).await {
                // If there is a document, it will be met among the documents, and its id record reported there.
                Err(Error::Corrupt { .. }) => Some(created_at),
                result => result?,
            };
            let document = self.layout.document(id, created_at);
            if place.is_none() && self.requests.head(&document).await?.is_some() {
                self.fix(id, created_at).await?;
            }
            if place.is_none_or(|place| place == created_at) {
                self.repair_at(id, created_at).await?;
            }
            self.requests.delete(key).await?;
        }
        Ok(Look::found(Damage::Legacy, key.clone(), mode == Mode::Repair))
    }
}
