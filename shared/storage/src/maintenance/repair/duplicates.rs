//! Documents of other programs whose id lies in several months: which of them is adopted.

use std::collections::{HashMap, HashSet};

use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};

use super::PARALLEL;
use crate::Analyses;
use crate::bucket::{Key, MAX_KEYS, ObjectMeta};
use crate::error::Result;
use crate::id::AnalysisId;
use crate::legacy_bucket;
use crate::month::Month;

/// The named ids of one page of documents that lie in other months, too: all their keys, in order.
#[derive(Debug, Default)]
pub(super) struct DuplicateLocations(HashMap<AnalysisId, Vec<Key>>);

impl Analyses {
    /// Looks for the named ids among these documents of all other months.
    ///
    /// One LIST for each month there is, and one for each thousand documents that those months hold between the first
    /// and the last of these ids.
    pub(super) async fn find_duplicates(&self, documents: &[Key]) -> Result<DuplicateLocations> {
        let parsed = documents.iter().filter_map(|key| self.layout.parse_document(key));
        let named: Vec<_> = parsed.filter(|(id, _)| id.created_at().is_none()).collect();
        let ids: HashSet<&AnalysisId> = named.iter().map(|(id, _)| id).collect();
        let found: Vec<Vec<Key>> = stream::iter(self.months_of_documents().await?)
            .map(|month| self.find_in(month, &ids))
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        let mut duplicates: HashMap<AnalysisId, Vec<Key>> = HashMap::new();
        for key in found.into_iter().flatten() {
            if let Some((id, _)) = self.layout.parse_document(&key) {
                duplicates.entry(id).or_default().push(key);
            }
        }
        duplicates.retain(|_, keys| keys.len() > 1);
        Ok(DuplicateLocations(duplicates))
    }

    /// The documents of these ids in one month.
    async fn find_in(&self, month: Month, ids: &HashSet<&AnalysisId>) -> Result<Vec<Key>> {
        let prefix = self.layout.documents(Some(month));
        let names = || ids.iter().map(|id| format!("{prefix}{id}.json"));
        let (Some(first), Some(last)) = (names().min(), names().max()) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        // What it begins with sorts before it.
        let mut position = first[..first.len() - 1].to_owned();
        loop {
            let page = self.requests.list(&prefix, Some(&position), MAX_KEYS).await?;
            let end = page.next().map(ToString::to_string);
            let is_wanted =
                |key: &Key| self.layout.parse_document(key).is_some_and(|(id, _)| ids.contains(&id));
            found.extend(page.keys().filter(|key| is_wanted(key)).cloned());
            match end.filter(|end| *end < last) {
                Some(end) => position = end,
                None => return Ok(found),
            }
        }
    }

    /// The key of the newest document of an id that no record places, if another than this.
    pub(super) async fn newer_than(
        &self,
        id: &AnalysisId,
        key: &Key,
        duplicates: &DuplicateLocations,
    ) -> Result<Option<Key>> {
        let Some(keys) = duplicates.0.get(id) else { return Ok(None) };
        let heads = try_join_all(keys.iter().map(|key| self.requests.head(key))).await?;
        let is_kept = |meta: &ObjectMeta| self.is_kept(meta);
        let (keys, metas): (Vec<&Key>, Vec<ObjectMeta>) =
            keys.iter().zip(heads).filter_map(|(key, meta)| Some((key, meta.filter(is_kept)?))).unzip();
        let newest = legacy_bucket::newest(&metas).and_then(|n| keys.get(n).copied());
        Ok(newest.filter(|newest| *newest != key).cloned())
    }
}
