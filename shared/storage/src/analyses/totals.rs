//! Totals in constant cost: the days that are over come from a snapshot, the others from the index.
//!
//! The order of the requests is what keeps the answer exact. Markers are listed *before* the snapshot is read:
//! a marker that is gone by then was deleted by a reader whose snapshot, with the marked change in it, was
//! already in place. Only the winner of a snapshot write deletes markers, only those that it listed itself,
//! and only those whose change had certainly ended by then.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, future, stream};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use super::Analyses;
use super::markers::{Marker, SEALED_AFTER};
use super::scan::Stretch;
use crate::bucket::{ETag, GetOptions, Got, Key, MAX_KEYS, Precondition, Put};
use crate::error::Result;
use crate::requests::Outcome;
use crate::retention::Retention;
use crate::stats::{Days, Snapshot, Stats};
use crate::time::{CreatedAt, SavedAt, midnight};

/// How many dirty days are listed, or markers deleted, at once.
const PARALLEL_DAYS: usize = 16;

/// How many markers one reader deletes; the next ones go on.
const MAX_DELETES: usize = 500;

/// The snapshot as it lies in the bucket, and what is known against it.
#[derive(Debug)]
struct Basis {
    markers: Vec<Marker>,
    snapshot: Snapshot,
    /// The tag of the stored snapshot, if there is one.
    etag: Option<ETag>,
}

impl Basis {
    /// The sealed days whose totals cannot be relied on.
    fn doubted(&self, retention: Retention, now: Timestamp) -> BTreeSet<Date> {
        let dirty = self.markers.iter().map(|marker| marker.day);
        let sealed = |day: &Date| *day < self.snapshot.unsealed_from;
        dirty.chain(self.snapshot.outlived(retention, now)).filter(sealed).collect()
    }

    /// Whether a new snapshot would spare the next reader some work. While the changes that markers announce may
    /// still be under way it would not.
    fn is_outdated(&self, sealable: Date, retention: Retention, now: Timestamp) -> bool {
        self.snapshot.unsealed_from < sealable
            || self.accounted(self.snapshot.unsealed_from).next().is_some()
            || self.snapshot.outlived(retention, now).next().is_some()
    }

    /// The markers that a snapshot of all days before this one makes superfluous.
    fn accounted(&self, unsealed_from: Date) -> impl Iterator<Item = &Marker> {
        self.markers.iter().filter(move |marker| marker.ended && marker.day < unsealed_from)
    }
}

/// Totals of days, read from the index.
#[derive(Debug)]
struct Counted {
    days: Days,
    /// Of earlier days only a part was read.
    complete_from: Date,
}

/// The first day whose totals are not final.
fn sealable(now: Timestamp) -> Date {
    Offset::UTC.to_datetime(now - SEALED_AFTER).date()
}

impl Analyses {
    /// Totals over all analyses, every acknowledged save included.
    ///
    /// Three requests, and one more: for each thousand analyses created since yesterday's end, for each day whose
    /// analyses have changed in the last quarter of an hour, and to store the totals of a day that is over.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn stats(&self) -> Result<Stats> {
        let now = self.clock.now();
        let sealable = sealable(now);
        let (basis, days) = self.all_days(now, sealable).await?;
        if basis.is_outdated(sealable, self.retention, now) {
            // The answer is exact either way: the next reader tries again.
            if let Err(error) = self.seal(&basis, &days, sealable).await {
                tracing::warn!(%error, "the totals of past days were not stored");
            }
        }
        Ok(Stats::of(&days, now, self.storage_type))
    }

    /// The same, and nothing is written.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn stats_unsealed(&self) -> Result<Stats> {
        let now = self.clock.now();
        let (_, days) = self.all_days(now, sealable(now)).await?;
        Ok(Stats::of(&days, now, self.storage_type))
    }

    async fn all_days(&self, now: Timestamp, sealable: Date) -> Result<(Basis, Days)> {
        let (basis, recent) = future::try_join(self.basis(now), self.count(sealable, None)).await?;
        let days = self.complete(&basis, recent, now).await?;
        Ok((basis, days))
    }

    /// The markers, *then* the snapshot.
    async fn basis(&self, now: Timestamp) -> Result<Basis> {
        #[cfg(feature = "testing")]
        let early = self.early_snapshot().await?;
        let markers = self.list_markers(now).await?;
        let stored = self.requests.get(&self.layout.totals(), &GetOptions::default()).await?;
        #[cfg(feature = "testing")]
        let stored = early.unwrap_or(stored);
        let (snapshot, etag) = match stored {
            Got::Found(object) => (serde_json::from_slice(&object.body).ok(), Some(object.meta.etag)),
            Got::Absent | Got::NotModified { .. } => (None, None),
        };
        // One that cannot be read, or lacks what is kept longer by now, is derived anew.
        let snapshot = snapshot.filter(|snapshot: &Snapshot| snapshot.retention.is_at_least(self.retention));
        Ok(Basis { markers, snapshot: snapshot.unwrap_or_else(|| Snapshot::empty(self.retention)), etag })
    }

    /// All days: the snapshot's, but from the index those that it lacks and those in doubt.
    async fn complete(&self, basis: &Basis, recent: Counted, now: Timestamp) -> Result<Days> {
        let sealed_until = basis.snapshot.unsealed_from;
        let doubted = basis.doubted(self.retention, now);
        let relisted: Vec<Days> = stream::iter(doubted.iter().copied())
            .map(|day| async move { self.count_days(day, day.tomorrow().ok()).await })
            .buffered(PARALLEL_DAYS)
            .try_collect()
            .await?;

        let mut days = basis.snapshot.days.clone();
        days.retain(|day, _| !doubted.contains(day));
        days.extend(relisted.into_iter().flatten());
        if sealed_until < recent.complete_from {
            days.extend(self.count_days(sealed_until, Some(recent.complete_from)).await?);
        }
        days.extend(
            recent.days.into_iter().filter(|(day, _)| *day >= sealed_until.max(recent.complete_from)),
        );
        Ok(days)
    }

    /// Counts, in the index, the analyses created from one day on until another begins.
    async fn count_days(&self, from: Date, until: Option<Date>) -> Result<Days> {
        let mut counted = self.count(from, until).await?;
        Ok(counted.days.split_off(&from))
    }

    /// The same, with all else that the last page of the index happened to hold.
    async fn count(&self, from: Date, until: Option<Date>) -> Result<Counted> {
        let mut days = Days::new();
        let end = until.and_then(midnight).map(CreatedAt::clamped);
        let mut start_after = end.map(|end| self.layout.before(end));
        loop {
            let Stretch { groups, truncated } = self.scan(start_after.as_deref(), MAX_KEYS).await?;
            let last = groups.last().map(|last| {
                (last.created_at.date(), self.layout.after_entries_of(&last.id, last.created_at))
            });
            for entry in self.resolve(groups).await? {
                days.entry(entry.created_at.date()).or_default().add(&entry);
            }
            match last {
                Some((day, _)) if truncated && day < from => {
                    return Ok(Counted { days, complete_from: day.tomorrow().unwrap_or(from) });
                }
                Some((_, position)) if truncated => start_after = Some(position),
                _ => return Ok(Counted { days, complete_from: CreatedAt::MIN.date() }),
            }
        }
    }

    /// Stores the totals of all days that are over, unless somebody else has stored others meanwhile; then
    /// removes the markers that these totals account for.
    async fn seal(&self, basis: &Basis, days: &Days, sealable: Date) -> Result<()> {
        let unsealed_from = basis.snapshot.unsealed_from.max(sealable);
        let mut snapshot = Snapshot { unsealed_from, ..Snapshot::empty(self.retention) };
        for (day, totals) in days.range(..unsealed_from) {
            snapshot.totals.merge(totals);
            snapshot.days.insert(*day, totals.clone());
        }
        let precondition = basis.etag.clone().map_or(Precondition::Absent, Precondition::Match);
        let put = |saved_at: SavedAt| Put {
            key: self.layout.totals(),
            body: Bytes::from(snapshot.to_json(saved_at)),
            saved_at,
            metadata: Vec::new(),
            precondition: precondition.clone(),
        };
        if let Outcome::Refused { .. } = self.requests.put(put).await? {
            return Ok(());
        }
        let accounted = basis.accounted(unsealed_from);
        #[cfg(feature = "testing")]
        let accounted = accounted.chain(self.aged_since(&basis.markers));
        let superfluous: Vec<Key> = accounted.take(MAX_DELETES).map(|marker| marker.key.clone()).collect();
        stream::iter(superfluous)
            .map(|key| async move { self.requests.delete(&key).await })
            .buffer_unordered(PARALLEL_DAYS)
            .try_collect()
            .await
    }
}
