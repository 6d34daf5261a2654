//! The next snapshot.
//!
//! Only the winner of a snapshot write removes markers, only those that it listed itself and that nobody has written again
//! since, and only those whose changes had certainly landed by then.

use bytes::Bytes;
use jiff::Timestamp;

use super::markers::Marker;
use super::period::floor_to_hour;
use super::snapshot::Snapshot;
use super::sums::Periods;
use crate::Analyses;
use crate::bucket::{ETag, GetOptions, Got, Precondition, Put};
use crate::durations::SEALED_AFTER;
use crate::error::Result;
use crate::retention::Retention;
use crate::retrying::PutOutcome;
use crate::time::SavedAt;

/// The snapshot as it lies in the bucket, and what is known against it.
#[derive(Debug)]
pub(super) struct SnapshotWithMarkers {
    pub(super) markers: Vec<Marker>,
    pub(super) snapshot: Snapshot,
    /// The tag of the stored snapshot, if there is one.
    pub(super) etag: Option<ETag>,
}

/// The time until which periods may be sealed.
pub(super) fn sealable(now: Timestamp) -> Timestamp {
    floor_to_hour(now - SEALED_AFTER)
}

impl Analyses {
    pub(super) async fn basis(&self, markers: Vec<Marker>) -> Result<SnapshotWithMarkers> {
        let (snapshot, etag) = self.stored_snapshot().await?;
        Ok(SnapshotWithMarkers { markers, snapshot, etag })
    }

    pub(crate) async fn stored_snapshot(&self) -> Result<(Snapshot, Option<ETag>)> {
        let (snapshot, etag) = match self.requests.get(&self.layout.totals(), &GetOptions::default()).await? {
            Got::Found(object) => (serde_json::from_slice(&object.body).ok(), Some(object.meta.etag)),
            Got::Absent | Got::NotModified { .. } => (None, None),
        };
        // One that cannot be read, or lacks what is kept longer by now, is derived anew.
        let snapshot = snapshot.filter(|snapshot: &Snapshot| snapshot.retention.is_at_least(self.retention));
        Ok((snapshot.unwrap_or_else(|| Snapshot::empty(self.retention)), etag))
    }

    /// Stores the sums of all periods that are over, unless somebody else has stored others meanwhile; then removes the
    /// markers that these sums account for. Whether they were stored.
    pub(super) async fn seal(
        &self,
        basis: &SnapshotWithMarkers,
        periods: &Periods,
        as_of: Timestamp,
    ) -> Result<bool> {
        let sealed_until = basis.snapshot.sealed_until.max(sealable(as_of));
        let snapshot = Snapshot::sealing(periods, sealed_until, self.retention, as_of);
        let precondition = basis.etag.clone().map_or(Precondition::Absent, Precondition::Match);
        let put = |saved_at: SavedAt| Put {
            key: self.layout.totals(),
            body: Bytes::from(snapshot.to_json(saved_at)),
            saved_at,
            metadata: Vec::new(),
            precondition: precondition.clone(),
        };
        if let PutOutcome::Failed = self.requests.put(None, put).await? {
            return Ok(false);
        }
        let accounted = basis.accounted(sealed_until).cloned();
        #[cfg(feature = "testing")]
        let accounted = accounted.chain(self.aged_since(&basis.markers).await?);
        self.remove_markers(accounted).await?;
        Ok(true)
    }
}

impl SnapshotWithMarkers {
    /// The basis of a count that relies on no snapshot, to take the place of the stored one.
    pub(super) fn anew(self, retention: Retention) -> Self {
        Self { snapshot: Snapshot::empty(retention), ..self }
    }

    /// The markers that a snapshot of all periods before that time makes superfluous.
    pub(super) fn accounted(&self, sealed_until: Timestamp) -> impl Iterator<Item = &Marker> {
        self.markers.iter().filter(move |marker| marker.is_accounted && marker.period.end() <= sealed_until)
    }
}
