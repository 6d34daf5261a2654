//! Dirty markers: before an entry of a day that may be sealed changes, a marker says that the day's sealed
//! totals are not to be trusted.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::Analyses;
use crate::bucket::{Key, MAX_KEYS};
use crate::error::Result;
use crate::time::{CreatedAt, SavedAt};

/// How long after its end a day is sealed.
pub(super) const SEALED_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// How long after the end of its day a change needs a marker. A change without one, begun before that, ends
/// long before the day is sealed.
const MARKED_AFTER: SignedDuration = SignedDuration::from_mins(30);
/// How long a process relies on a marker that it has written.
const RELIED_ON: SignedDuration = SignedDuration::from_mins(5);
/// How old a marker is when the change it announced is certain to have ended: more than [`RELIED_ON`] and the
/// longest request together.
const ENDED: Duration = Duration::from_mins(15);

/// The markers that this process has written lately.
#[derive(Debug, Default)]
pub(super) struct Markers(Mutex<BTreeMap<Date, Timestamp>>);

impl Markers {
    fn is_fresh(&self, day: Date, now: Timestamp) -> bool {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.get(&day).is_some_and(|at| now.duration_since(*at) < RELIED_ON)
    }

    fn remember(&self, day: Date, now: Timestamp) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.retain(|_, at| now.duration_since(*at) < RELIED_ON);
        written.insert(day, now);
    }
}

/// A marker in the bucket.
#[derive(Debug, Clone)]
pub(super) struct Marker {
    pub(super) key: Key,
    pub(super) day: Date,
    /// Whether the change it announced had certainly ended before its day was listed. Judged by a later time, the
    /// listing might have missed the change.
    pub(super) ended: bool,
}

impl Analyses {
    /// Announces that an entry of this creation time is about to change. One request, where one is needed.
    pub(super) async fn mark(&self, created_at: CreatedAt) -> Result<()> {
        #[cfg(feature = "testing")]
        if self.is(super::mutants::Mutant::MarkerAfterChange) {
            return Ok(());
        }
        self.put_marker(created_at).await
    }

    pub(super) async fn put_marker(&self, created_at: CreatedAt) -> Result<()> {
        let (day, now) = (created_at.date(), self.clock.now());
        let over = day.tomorrow().ok().and_then(crate::time::midnight);
        let needs_marker = over.is_some_and(|end| now.duration_since(end) > MARKED_AFTER);
        if !needs_marker || self.markers.is_fresh(day, now) {
            return Ok(());
        }
        self.requests.put_empty(&self.layout.marker(day, now.into())).await?;
        self.markers.remember(day, now);
        Ok(())
    }

    /// All markers, their ages judged by the time before any of the index was read: one request for each thousand.
    pub(super) async fn list_markers(&self, now: Timestamp) -> Result<Vec<Marker>> {
        let mut markers = Vec::new();
        let mut last: Option<Key> = None;
        loop {
            let start_after = last.as_ref().map(Key::as_str);
            let page = self.requests.list(&self.layout.markers(), start_after, MAX_KEYS).await?;
            last = page.keys.last().cloned();
            markers.extend(page.keys.into_iter().filter_map(|key| {
                let (day, written) = self.layout.parse_marker(&key)?;
                Some(Marker { key, day, ended: is_past(written, now) })
            }));
            if !page.truncated {
                return Ok(markers);
            }
        }
    }
}

pub(super) fn is_past(written: SavedAt, now: Timestamp) -> bool {
    let age = now.duration_since(written.timestamp());
    age.is_positive() && age.unsigned_abs() > ENDED
}
