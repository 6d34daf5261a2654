//! Dirty markers: before an entry of a period that may be sealed changes, a marker says that the sealed sums of the
//! period are not to be trusted.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::{PARALLEL, Period};
use crate::bucket::{ETag, Key, Listed, MAX_KEYS};
use crate::clock::{Clock, Stopwatch};
use crate::durations::{ACCOUNTED_AFTER, MARKED_AFTER, RELIED_ON, RENEWED_AFTER, signed};
use crate::error::Result;
use crate::time::CreatedAt;
use crate::{Analyses, StorageType};

/// How many markers one reader removes; the next ones go on.
const MAX_DELETES: usize = 500;

/// The markers that this process has written lately.
#[derive(Debug, Default)]
pub(crate) struct Markers(Mutex<BTreeMap<Period, Stopwatch>>);

impl Markers {
    fn has_younger(&self, period: Period, age: Duration, clock: &dyn Clock) -> bool {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.get(&period).is_some_and(|since| since.elapsed(clock) < age)
    }

    fn remember(&self, period: Period, since: Stopwatch, clock: &dyn Clock) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.retain(|_, since| since.elapsed(clock) < RENEWED_AFTER);
        written.insert(period, since);
    }
}

/// A marker in the bucket.
#[derive(Debug, Clone)]
pub(crate) struct Marker {
    pub(crate) key: Key,
    /// Each writing of a marker has its own.
    pub(crate) etag: ETag,
    pub(super) period: Period,
    /// Whether all changes that it announced had landed, or would be announced again, before it was listed.
    pub(super) is_accounted: bool,
}

/// All markers.
#[derive(Debug)]
pub(super) struct MarkerListing {
    pub(super) markers: Vec<Marker>,
    /// What an earlier version has left in their place, and nobody reads any more.
    pub(super) outdated: Vec<Key>,
    /// The bucket's time before which they were listed, at the latest.
    pub(super) date: Timestamp,
}

impl Analyses {
    /// Announces that an entry of this creation time is about to change. One request, where one is needed.
    pub(crate) async fn mark(&self, created_at: CreatedAt) -> Result<()> {
        #[cfg(feature = "testing")]
        if self.is(crate::mutants::Mutant::NoMarker) {
            return Ok(());
        }
        self.ensure_marker(created_at, RELIED_ON).await
    }

    /// Sees to it, before a change is acknowledged, that nobody can have sealed its period without it: the change may
    /// have taken so long that its marker has aged, or that it needs one by now.
    pub(crate) async fn confirm(&self, created_at: CreatedAt) -> Result<()> {
        #[cfg(feature = "testing")]
        if self.is(crate::mutants::Mutant::NoConfirmation) {
            return Ok(());
        }
        self.ensure_marker(created_at, RENEWED_AFTER).await
    }

    /// Writes the marker of the period, unless it needs none yet or has one that is younger than `age`.
    async fn ensure_marker(&self, created_at: CreatedAt, age: Duration) -> Result<()> {
        let clock = self.clock();
        let now = clock.now();
        let period = Period::containing(created_at, now);
        if now.duration_since(period.end()) <= signed(MARKED_AFTER)
            || self.markers.has_younger(period, age, clock)
        {
            return Ok(());
        }
        // Measured from before it is written, so that it never seems younger than it is.
        let since = Stopwatch::start(clock);
        let unique = |saved_at: crate::SavedAt| match self.storage_type {
            // The time of a file tells it apart, and what has no bytes fits on a full disk: deleting must go on there.
            StorageType::Local => Bytes::new(),
            _ => format!("{} {:016x}\n", saved_at.timestamp(), self.clock().random()).into(),
        };
        self.requests.put_whatever(&self.layout.marker(period), unique).await?;
        self.markers.remember(period, since, clock);
        Ok(())
    }

    /// All markers, their ages by the bucket's own clock: one request for each thousand.
    pub(super) async fn list_markers(&self) -> Result<MarkerListing> {
        let (mut markers, mut outdated) = (Vec::new(), Vec::new());
        let mut first_date = None;
        let mut last: Option<Key> = None;
        loop {
            let start_after = last.as_ref().map(Key::as_str);
            let page = self.requests.list(&self.layout.markers(), start_after, MAX_KEYS).await?;
            let date = *first_date.get_or_insert(page.date);
            last = page.next().cloned();
            for Listed { key, etag, last_modified, .. } in page.objects {
                let is_accounted = is_accounted(last_modified, date);
                match self.layout.parse_marker(&key) {
                    Some(period) => markers.push(Marker { key, etag, period, is_accounted }),
                    None if is_accounted => outdated.push(key),
                    None => {}
                }
            }
            if last.is_none() {
                return Ok(MarkerListing { markers, outdated, date });
            }
        }
    }

    /// Removes markers whose changes a stored snapshot accounts for, unless they have been written again since. Up to
    /// [`MAX_DELETES`] requests; other readers remove the rest.
    pub(super) async fn remove_markers(&self, accounted: impl Iterator<Item = Marker>) -> Result<()> {
        stream::iter(accounted.take(MAX_DELETES))
            .map(|marker| async move { self.requests.delete_matching(&marker.key, &marker.etag).await.map(drop) })
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await
    }
}

/// Whether a marker of that age may be removed once its period is counted.
pub(crate) fn is_accounted(written: Timestamp, now: Timestamp) -> bool {
    now.duration_since(written) > signed(ACCOUNTED_AFTER)
}
