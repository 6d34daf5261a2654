//! Ids and their entries: finding an id's place, and removing the entries that are not current.

use futures::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Analyses;
use crate::bucket::{GetOptions, Got, Key, MAX_KEYS, ObjectMeta};
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::index::Entry;
use crate::time::{CreatedAt, SavedAt};

/// The content of an id record.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct IdRecord {
    pub(super) created_at: Timestamp,
}

impl Analyses {
    /// When the id was first saved; `None` if it never was. One request for a named id, none for a `UUIDv7`.
    pub(super) async fn created_at(&self, id: &AnalysisId) -> Result<Option<CreatedAt>> {
        if let Some(created_at) = id.created_at() {
            return Ok(Some(created_at));
        }
        let key = self.layout.id_record(id);
        match self.requests.get(&key, &GetOptions::default()).await? {
            Got::Found(record) => parse_record(&key, &record.body).map(Some),
            Got::Absent | Got::NotModified { .. } => Ok(None),
        }
    }

    /// The entries of one id and their keys, in one request.
    pub(super) async fn entries_of(
        &self,
        id: &AnalysisId,
        created_at: CreatedAt,
    ) -> Result<Vec<(Key, Entry)>> {
        let prefix = self.layout.entries_of(id, created_at);
        let keys = self.requests.list(&prefix, None, MAX_KEYS).await?.keys;
        Ok(keys
            .into_iter()
            .filter_map(|key| self.layout.parse_entry(&key).map(|entry| (key, entry)))
            .collect())
    }

    /// Removes every entry of the id but the one that readers take.
    ///
    /// The entries are listed *before* the document is looked at: an entry that is written after the listing
    /// cannot be among those removed, and one in the listing whose document is current when we look is kept.
    pub(super) async fn settle(&self, id: &AnalysisId, created_at: CreatedAt) -> Result<()> {
        #[cfg(feature = "testing")]
        if self.settle_wrongly(id, created_at).await? {
            return Ok(());
        }
        let entries = self.entries_of(id, created_at).await?;
        let document = self.requests.head(&self.layout.document(id, created_at)).await?;
        let keep = document.and_then(|document| current(entries.iter().map(|(_, entry)| entry), &document));
        let stale: Vec<&Key> =
            entries.iter().filter(|(_, entry)| Some(entry.saved_at) != keep).map(|(key, _)| key).collect();
        if !stale.is_empty() {
            self.mark(created_at).await?;
        }
        try_join_all(stale.into_iter().map(|key| self.requests.delete(key))).await.map(drop)
    }
}

/// Which of an id's entries stands for its document: the one of the same save.
///
/// There may be none while a replacing save is between its document and its entry. Until that save is
/// acknowledged the newest entry stands, or an analysis that was acknowledged before would vanish from the list.
pub(super) fn current<'a>(
    entries: impl Iterator<Item = &'a Entry> + Clone,
    document: &ObjectMeta,
) -> Option<SavedAt> {
    let mut saves = entries.map(|entry| entry.saved_at);
    saves.clone().find(|saved_at| *saved_at == document.saved_at).or_else(|| saves.by_ref().max())
}

fn parse_record(key: &Key, body: &[u8]) -> Result<CreatedAt> {
    let record: IdRecord = serde_json::from_slice(body).map_err(|e| Error::corrupt(key, e.to_string()))?;
    CreatedAt::from_millis(record.created_at.as_millisecond())
        .ok_or_else(|| Error::corrupt(key, "its created_at is out of range"))
}
