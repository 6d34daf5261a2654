//! The protocol broken on purpose, one rule at a time: what shows that the simulation would notice.

use futures::future::try_join_all;

use super::Analyses;
use super::markers::{Marker, is_past};
use super::settle::current;
use crate::bucket::{GetOptions, Got, Key};
use crate::error::Result;
use crate::id::AnalysisId;
use crate::time::CreatedAt;

/// A rule of the protocol that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// Settling looks at the document before it lists the entries.
    HeadBeforeList,
    /// The marker of a past day is written after the change that it announces.
    MarkerAfterChange,
    /// The totals read the snapshot before they list the markers.
    SnapshotBeforeMarkers,
    /// The age of a marker is judged when it is deleted instead of when it was listed.
    AgeAtDeletion,
}

impl Analyses {
    /// The same, with one rule of the protocol broken.
    #[must_use]
    pub fn with_mutant(self, mutant: Option<Mutant>) -> Self {
        Self { mutant, ..self }
    }

    pub(super) fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Whether it has settled in its own way.
    pub(super) async fn settle_wrongly(&self, id: &AnalysisId, created_at: CreatedAt) -> Result<bool> {
        if self.is(Mutant::MarkerAfterChange) {
            self.put_marker(created_at).await?;
        }
        if self.is(Mutant::HeadBeforeList) {
            self.settle_head_first(id, created_at).await?;
        }
        Ok(self.is(Mutant::HeadBeforeList))
    }

    async fn settle_head_first(&self, id: &AnalysisId, created_at: CreatedAt) -> Result<()> {
        let document = self.requests.head(&self.layout.document(id, created_at)).await?;
        let entries = self.entries_of(id, created_at).await?;
        let keep = document.and_then(|document| current(entries.iter().map(|(_, entry)| entry), &document));
        let stale = entries.iter().filter(|(_, entry)| Some(entry.saved_at) != keep);
        try_join_all(stale.map(|(key, _)| self.requests.delete(key))).await.map(drop)
    }

    /// The snapshot, for a reader that lists the markers only afterwards.
    pub(super) async fn early_snapshot(&self) -> Result<Option<Got>> {
        if !self.is(Mutant::SnapshotBeforeMarkers) {
            return Ok(None);
        }
        self.requests.get(&self.layout.totals(), &GetOptions::default()).await.map(Some)
    }

    /// The markers that have become old since they were listed.
    pub(super) fn aged_since<'a>(&'a self, markers: &'a [Marker]) -> impl Iterator<Item = &'a Marker> {
        let now = self.is(Mutant::AgeAtDeletion).then(|| self.clock.now());
        let written = |key: &Key| self.layout.parse_marker(key).map(|(_, written)| written);
        markers.iter().filter(move |marker| {
            let aged = now.zip(written(&marker.key)).is_some_and(|(now, written)| is_past(written, now));
            aged && !marker.ended
        })
    }
}
