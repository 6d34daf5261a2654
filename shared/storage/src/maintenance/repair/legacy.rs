//! Entries of an earlier version: taken over into the present format.

use super::{Damage, Finding, Inspection, Mode};
use crate::Analyses;
use crate::bucket::{Key, ObjectMeta};
use crate::error::{Error, Result};
use crate::index::LegacyEntry;
use crate::token::ContentToken;

impl Analyses {
    /// An entry of the present format is written for the document, and only then this one removed. Nothing counts it
    /// meanwhile: readers refuse an index that has any.
    pub(super) async fn examine_legacy(
        &self,
        key: &Key,
        entry: &LegacyEntry,
        mode: Mode,
    ) -> Result<Inspection> {
        if mode.is_repair() {
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
            let mut look = Inspection::from(Finding::new(Damage::Legacy, key.clone(), true));
            if place.is_none_or(|place| place == *created_at) {
                look = look.and(self.take_over(entry, &document, mode).await?);
            }
            self.requests.delete(key).await?;
            return Ok(look);
        }
        Ok(Finding::new(Damage::Legacy, key.clone(), false).into())
    }

    /// The document need not be read where the bucket tells its token, and must not be where it cannot be: the entry of
    /// its save knows more than the metadata of an archived one. Where there is another document or none, the entry is
    /// all that is known of what was saved, and judged as one of the present format.
    async fn take_over(&self, entry: &LegacyEntry, document: &Key, mode: Mode) -> Result<Inspection> {
        let LegacyEntry { id, created_at, .. } = entry;
        let seen = self.requests.head(document).await?;
        let own = seen.as_ref().filter(|meta| meta.saved_at == entry.saved_at && meta.size == entry.size);
        let token = match own {
            Some(ObjectMeta { token: Some(token), .. }) => Some(*token),
            Some(_) => self.observe(document).await?.map(|observed| observed.token),
            None => None,
        };
        self.mark(*created_at).await?;
        let present = entry.with_token(token.unwrap_or_else(|| ContentToken::of_content(b"")));
        self.requests.put_empty(&self.layout.entry(&present)).await?;
        let look = match (token, seen) {
            (Some(_), _) => {
                self.prune_stale_entries(id, *created_at).await?;
                Inspection::default()
            }
            (None, Some(_)) => self.examine_indexed(id, *created_at, mode).await?,
            (None, None) => self.examine_dangling(id, *created_at, mode).await?,
        };
        self.confirm(*created_at).await?;
        Ok(look)
    }
}
