//! The protocol broken on purpose, one rule at a time: what shows that the simulation would notice. What a bucket
//! around the bucket can break is broken there instead, in [`testing`](crate::testing).

use std::sync::Arc;

use futures::future::try_join_all;

use crate::Analyses;
use crate::bucket::{ETag, Key, MAX_KEYS, ObjectMeta};
use crate::clock::Clock;
use crate::error::Result;
use crate::id::AnalysisId;
use crate::index::Entry;
use crate::time::CreatedAt;
use crate::totals::{Marker, Snapshot, is_accounted};

/// A rule of the protocol that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// Pruning looks at the document before it lists the entries.
    HeadBeforeList,
    /// Pruning removes every entry that is not current, also while none is.
    NoneStays,
    /// No marker is written before a change.
    NoMarker,
    /// Whether a marker has aged is not looked at before a change is acknowledged.
    NoConfirmation,
    /// The totals read the snapshot before they list the markers.
    SnapshotBeforeMarkers,
    /// The age of a marker is judged when it is deleted instead of when it was listed.
    AgeAtDeletion,
    /// Times are those of the process, not those of the bucket.
    HostClock,
}

impl Analyses {
    /// This service with one rule of the protocol broken.
    #[must_use]
    pub fn with_mutant(mut self, mutant: Option<Mutant>, host: &Arc<dyn Clock>) -> Self {
        if mutant == Some(Mutant::HostClock) {
            self.requests = self.requests.with_clock(Arc::clone(host));
        }
        Self { mutant, ..self }
    }

    pub(crate) fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Settles as it should not: the document first.
    pub(crate) async fn prune_head_first(&self, id: &AnalysisId, created_at: CreatedAt) -> Result<()> {
        let document = self.requests.head(&self.layout.document(id, created_at)).await?;
        let entries = self.entries_of(id, created_at).await?;
        let stale = crate::protocol::stale(&entries, document.as_ref());
        try_join_all(stale.into_iter().map(|key| self.requests.delete(key))).await.map(drop)
    }

    /// The stale entries, or all but the current one.
    pub(crate) fn or_all_stale<'a>(
        &self,
        stale: Vec<&'a Key>,
        entries: &'a [(Key, Entry)],
        document: Option<&ObjectMeta>,
    ) -> Vec<&'a Key> {
        if !self.is(Mutant::NoneStays) {
            return stale;
        }
        let current = |entry: &Entry| document.is_some_and(|document| document.saved_at == entry.saved_at);
        entries.iter().filter(|(_, entry)| !current(entry)).map(|(key, _)| key).collect()
    }

    /// The snapshot, for a reader that lists the markers only afterwards.
    pub(crate) async fn early_snapshot(&self) -> Result<Option<(Snapshot, Option<ETag>)>> {
        if !self.is(Mutant::SnapshotBeforeMarkers) {
            return Ok(None);
        }
        self.stored_snapshot().await.map(Some)
    }

    /// The markers that have become old since they were listed.
    pub(crate) async fn aged_since(&self, markers: &[Marker]) -> Result<Vec<Marker>> {
        if !self.is(Mutant::AgeAtDeletion) {
            return Ok(Vec::new());
        }
        let listing = self.requests.list(&self.layout.markers(), None, MAX_KEYS).await?;
        let is_aged = |marker: &&Marker| {
            let object = listing.objects.iter().find(|object| object.key == marker.key);
            object.is_some_and(|object| {
                object.etag == marker.etag && is_accounted(object.last_modified, listing.date)
            })
        };
        Ok(markers.iter().filter(is_aged).cloned().collect())
    }
}
