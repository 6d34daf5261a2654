//! Reading the index: entries grouped by id, and the one of each that readers take.

use jiff::Timestamp;

use super::{Entry, IndexKey};
use crate::Analyses;
use crate::bucket::{Key, MAX_KEYS};
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::time::CreatedAt;

/// All entries of one id. More than one means that a save is in flight, or crashed.
#[derive(Debug)]
pub(crate) struct IdEntries {
    pub(crate) id: AnalysisId,
    pub(crate) created_at: CreatedAt,
    pub(crate) entries: Vec<Entry>,
}

impl IdEntries {
    /// The newest entry: `saved_at` grows from each document to the one that replaces it, so that no older one is current
    /// when two are there.
    pub(crate) fn newest(self) -> Option<Entry> {
        self.entries.into_iter().max_by_key(|entry| entry.saved_at)
    }
}

/// Whole groups from one page of the index.
#[derive(Debug)]
pub(crate) struct IndexPage {
    pub(crate) groups: Vec<IdEntries>,
    /// The position behind them, if more may follow.
    pub(crate) next: Option<String>,
}

impl Analyses {
    /// Up to `keys` keys of the index behind `start_after`, in one request; one more for each page of keys that are no
    /// entries.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] for entries in a format of an earlier or a later version of this software.
    pub(crate) async fn scan(&self, start_after: Option<&str>, keys: usize) -> Result<IndexPage> {
        let mut page = self.scan_once(start_after, keys).await?;
        while let (true, Some(next)) = (page.groups.is_empty(), &page.next) {
            page = self.scan_once(Some(next), MAX_KEYS).await?;
        }
        Ok(page)
    }

    async fn scan_once(&self, start_after: Option<&str>, keys: usize) -> Result<IndexPage> {
        let listing = self.requests.list(&self.layout.index(), start_after, keys).await?;
        let entries = listing.keys().filter_map(|key| self.readable(key).transpose());
        let mut groups = group(entries.collect::<Result<_>>()?);
        let Some(last_key) = listing.next() else { return Ok(IndexPage { groups, next: None }) };
        // The listing may end amid the entries of the last id.
        if let Some(last) = groups.pop()
            && groups.is_empty()
        {
            groups.push(self.whole(last).await?);
        }
        let behind = groups.last().map(|last| self.layout.after_entries_of(&last.id, last.created_at));
        Ok(IndexPage { groups, next: Some(behind.unwrap_or_else(|| last_key.to_string())) })
    }

    /// The entry that a key is; none for what this software did not write.
    fn readable(&self, key: &Key) -> Result<Option<Entry>> {
        match self.known_version(key)? {
            IndexKey::Entry(entry) => Ok(Some(entry)),
            IndexKey::Unrelated | IndexKey::Newer => Ok(None),
            IndexKey::Legacy(..) => Err(other_version(
                "an earlier version of this software: run `design-analysis repair` once, which takes them over",
                key,
            )),
        }
    }

    /// What a key of the index is.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] for an entry in a format of a later version of this software.
    pub(crate) fn known_version(&self, key: &Key) -> Result<IndexKey> {
        match self.layout.parse_index_key(key) {
            IndexKey::Newer => {
                Err(other_version("a later version of this software: run that version here, too", key))
            }
            known => Ok(known),
        }
    }

    async fn whole(&self, group: IdEntries) -> Result<IdEntries> {
        let entries = self.entries_of(&group.id, group.created_at).await?;
        Ok(IdEntries { entries: entries.into_iter().map(|(_, entry)| entry).collect(), ..group })
    }

    /// The entries of one id and their keys, in one request.
    pub(crate) async fn entries_of(
        &self,
        id: &AnalysisId,
        created_at: CreatedAt,
    ) -> Result<Vec<(Key, Entry)>> {
        let prefix = self.layout.entries_of(id, created_at);
        let listing = self.requests.list(&prefix, None, MAX_KEYS).await?;
        Ok(listing.keys().filter_map(|key| Some((key.clone(), self.layout.parse_entry(key)?))).collect())
    }

    /// The entry of each group that readers see, if any.
    pub(crate) fn visible(&self, groups: Vec<IdEntries>, now: Timestamp) -> impl Iterator<Item = Entry> {
        let retention = self.retention;
        groups
            .into_iter()
            .filter_map(IdEntries::newest)
            .filter(move |entry| !retention.is_over(entry.saved_at, now))
    }
}

fn other_version(what: &str, key: &Key) -> Error {
    Error::misconfigured(format!("the index has entries of {what}; first of them: {key}"))
}

fn group(entries: Vec<Entry>) -> Vec<IdEntries> {
    let mut groups: Vec<IdEntries> = Vec::new();
    for entry in entries {
        match groups.last_mut() {
            Some(group) if group.id == entry.id && group.created_at == entry.created_at => {
                group.entries.push(entry);
            }
            _ => groups.push(IdEntries {
                id: entry.id.clone(),
                created_at: entry.created_at,
                entries: vec![entry],
            }),
        }
    }
    groups
}
