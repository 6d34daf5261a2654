//! Ids and their entries: finding an id's place, and removing the entries that are not current.

use bytes::Bytes;
use futures::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Analyses;
use crate::bucket::{GetOptions, Got, Key, ObjectMeta};
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::index::Entry;
use crate::time::CreatedAt;

/// The content of an id record. Of one creation time it is always the same, so that a listing, which shows tags, tells
/// whether a record is what it should be.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IdRecord {
    created_at: Timestamp,
}

impl IdRecord {
    /// The record of an id that was created then.
    pub(crate) fn of(created_at: CreatedAt) -> Self {
        Self { created_at: created_at.timestamp() }
    }

    /// The object's content.
    pub(crate) fn to_json(&self) -> Bytes {
        // Cannot fail.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

impl Analyses {
    /// When the id was first saved; `None` if it never was. One request for a named id, none for a `UUIDv7`.
    pub(crate) async fn created_at(&self, id: &AnalysisId) -> Result<Option<CreatedAt>> {
        if let Some(created_at) = id.created_at() {
            return Ok(Some(created_at));
        }
        let key = self.layout.id_record(id);
        match self.requests.get(&key, &GetOptions::default()).await? {
            Got::Found(record) => parse_record(&key, &record.body).map(Some),
            Got::Absent | Got::NotModified { .. } => Ok(None),
        }
    }

    /// Removes every entry of the id but the one that readers take: whether there were others.
    ///
    /// The entries are listed *before* the document is looked at: an entry that is written after the listing
    /// cannot be among those removed, and one in the listing whose document is current when we look is kept.
    pub(crate) async fn settle(&self, id: &AnalysisId, created_at: CreatedAt) -> Result<bool> {
        #[cfg(feature = "testing")]
        if self.is(crate::mutants::Mutant::HeadBeforeList) {
            return self.settle_head_first(id, created_at).await.map(|()| true);
        }
        let entries = self.entries_of(id, created_at).await?;
        let document = self.requests.head(&self.layout.document(id, created_at)).await?;
        let stale = stale(&entries, document.as_ref());
        #[cfg(feature = "testing")]
        let stale = self.or_all_stale(stale, &entries, document.as_ref());
        if !stale.is_empty() {
            self.mark(created_at).await?;
        }
        try_join_all(stale.into_iter().map(|key| self.requests.delete(key)))
            .await
            .map(|gone| !gone.is_empty())
    }
}

/// Which of an id's entries do not stand for its document: all but the one of the same save.
///
/// There may be none such while a replacing save is between its document and its entry. Until that save is
/// acknowledged the newest entry stands, or an analysis that was acknowledged before would vanish from the list.
pub(crate) fn stale<'a>(entries: &'a [(Key, Entry)], document: Option<&ObjectMeta>) -> Vec<&'a Key> {
    let keep = document.and_then(|document| {
        let current = entries.iter().find(|(_, entry)| entry.saved_at == document.saved_at);
        let newest = || entries.iter().max_by_key(|(_, entry)| entry.saved_at);
        current.or_else(newest).map(|(key, _)| key)
    });
    entries.iter().map(|(key, _)| key).filter(|key| Some(*key) != keep).collect()
}

fn parse_record(key: &Key, body: &[u8]) -> Result<CreatedAt> {
    let record: IdRecord = serde_json::from_slice(body).map_err(|e| Error::corrupt(key, e.to_string()))?;
    CreatedAt::from_millis(record.created_at.as_millisecond())
        .ok_or_else(|| Error::corrupt(key, "its created_at is out of range"))
}
