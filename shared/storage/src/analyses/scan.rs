//! Reading the index: entries grouped by id, and the current one of each.

use futures::{StreamExt, TryStreamExt, stream};

use super::Analyses;
use super::settle::current;
use crate::bucket::Listing;
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::index::Entry;
use crate::time::CreatedAt;

/// How many documents are looked at together to tell current entries from stale ones.
const PARALLEL_HEADS: usize = 16;

/// All entries of one id. More than one means that a save is in flight, or crashed.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: AnalysisId,
    pub(super) created_at: CreatedAt,
    entries: Vec<Entry>,
}

/// Whole groups from one stretch of the index.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) groups: Vec<Group>,
    /// Whether more follow behind the last group.
    pub(super) truncated: bool,
}

impl Analyses {
    /// Up to `keys` keys of the index behind `start_after`, in one request.
    pub(super) async fn scan(&self, start_after: Option<&str>, keys: usize) -> Result<Stretch> {
        let Listing { keys, truncated } = self.requests.list(&self.layout.index(), start_after, keys).await?;
        let mut groups = group(keys.iter().filter_map(|key| self.layout.parse_entry(key)));
        if truncated && let Some(last) = groups.pop() {
            // The listing may end amid the entries of this id.
            if groups.is_empty() {
                groups.push(self.whole(last).await?);
            }
        }
        match keys.last() {
            Some(foreign) if truncated && groups.is_empty() => {
                Err(Error::corrupt(foreign, "it is not an index entry"))
            }
            _ => Ok(Stretch { groups, truncated }),
        }
    }

    async fn whole(&self, group: Group) -> Result<Group> {
        let entries = self.entries_of(&group.id, group.created_at).await?;
        Ok(Group { entries: entries.into_iter().map(|(_, entry)| entry).collect(), ..group })
    }

    /// The entry of each group that readers see, if any: of several, the one whose document is current.
    pub(super) async fn resolve(&self, groups: Vec<Group>) -> Result<Vec<Entry>> {
        let now = self.clock.now();
        stream::iter(groups)
            .map(|group| self.current(group))
            .buffered(PARALLEL_HEADS)
            .try_filter_map(async |entry| {
                Ok(entry.filter(|entry| !self.retention.is_over(entry.saved_at, now)))
            })
            .try_collect()
            .await
    }

    async fn current(&self, group: Group) -> Result<Option<Entry>> {
        let Group { id, created_at, mut entries } = group;
        if entries.len() < 2 {
            return Ok(entries.pop());
        }
        let Some(document) = self.requests.head(&self.layout.document(&id, created_at)).await? else {
            return Ok(None);
        };
        let current = current(entries.iter(), &document);
        Ok(entries.into_iter().find(|entry| Some(entry.saved_at) == current))
    }
}

fn group(entries: impl Iterator<Item = Entry>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for entry in entries {
        match groups.last_mut() {
            Some(group) if group.id == entry.id && group.created_at == entry.created_at => {
                group.entries.push(entry);
            }
            _ => groups.push(Group {
                id: entry.id.clone(),
                created_at: entry.created_at,
                entries: vec![entry],
            }),
        }
    }
    groups
}
