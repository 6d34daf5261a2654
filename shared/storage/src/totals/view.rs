//! Totals from the snapshot and the index.
//!
//! The order of the requests is what keeps the answer exact. Markers are listed *before* the snapshot is read: a marker
//! that is gone by then was removed by a reader whose snapshot, with the marked change in it, was already in place. The
//! index is read after the markers, too.

use futures::{StreamExt, TryStreamExt, future, stream};
use jiff::Timestamp;

use super::markers::MarkerListing;
use super::sealing::{SnapshotWithMarkers, sealable};
use super::snapshot::Snapshot;
use super::sums::Periods;
use super::{PARALLEL, Period};
use crate::Analyses;
use crate::bucket::MAX_KEYS;
use crate::error::Result;
use crate::retention::Retention;
use crate::time::CreatedAt;

/// The sums of all periods.
#[derive(Debug)]
pub(super) struct View {
    pub(super) basis: SnapshotWithMarkers,
    pub(super) periods: Periods,
    /// The bucket's time of the listing of the markers.
    pub(super) as_of: Timestamp,
}

/// A span of time that is counted anew: whole periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    start: Timestamp,
    end: Timestamp,
}

impl Analyses {
    /// The markers, *then* the snapshot and the index.
    pub(super) async fn view(&self) -> Result<View> {
        #[cfg(feature = "testing")]
        let early = self.early_snapshot().await?;
        let MarkerListing { markers, date, .. } = self.list_markers().await?;
        let as_of = self.sealing_time(date);
        let recent = self.count(sealable(as_of), None);
        let (basis, recent) = future::try_join(self.basis(markers), recent).await?;
        #[cfg(feature = "testing")]
        let basis = match early {
            Some((snapshot, etag)) => SnapshotWithMarkers { snapshot, etag, ..basis },
            None => basis,
        };

        let sealed_until = basis.snapshot.sealed_until;
        let mut periods = basis.snapshot.periods.clone();
        let spans = self.spans(&basis, as_of);
        periods.retain(|period, _| !spans.iter().any(|span| span.contains(*period)));
        let doubtful: Vec<Periods> =
            stream::iter(spans).map(|span| self.count_span(span)).buffered(PARALLEL).try_collect().await?;
        periods.extend(doubtful.into_iter().flatten());
        if sealed_until < recent.complete_from {
            periods.extend(self.count_span(Span { start: sealed_until, end: recent.complete_from }).await?);
        }
        let unsealed_from = sealed_until.max(recent.complete_from);
        periods.extend(recent.hours.into_iter().filter(|(hour, _)| hour.start() >= unsealed_from));
        Ok(View { basis, periods, as_of })
    }

    /// The time that sealing is judged by: the bucket's.
    #[cfg_attr(
        not(feature = "testing"),
        expect(clippy::unused_self, reason = "only a mutant of the simulation asks")
    )]
    fn sealing_time(&self, date: Timestamp) -> Timestamp {
        #[cfg(feature = "testing")]
        if self.is(crate::mutants::Mutant::HostClock) {
            return self.clock().now();
        }
        date
    }

    /// What is sealed and in doubt: marked, or past its retention in part. Near ones that have few analyses between
    /// their ends are counted together.
    fn spans(&self, basis: &SnapshotWithMarkers, now: Timestamp) -> Vec<Span> {
        let SnapshotWithMarkers { markers, snapshot, .. } = basis;
        let doubtful =
            markers.iter().map(|marker| marker.period).chain(snapshot.outlived(self.retention, now));
        let spans =
            doubtful.map(|period| Span::covering(period, &snapshot.periods).until(snapshot.sealed_until));
        let mut spans: Vec<Span> = spans.filter(|span| span.start < span.end).collect();
        spans.sort_unstable();
        // Each with the number of its analyses: there may be a span for every day of many years.
        let mut joined: Vec<(Span, u64)> = Vec::new();
        for span in spans {
            if let Some((last, analyses)) = joined.last_mut() {
                let more = Span { start: last.end, end: span.end }.analyses(snapshot);
                if span.start < last.end || *analyses + more <= MAX_KEYS as u64 {
                    (*last, *analyses) = (last.with(span), *analyses + more);
                    continue;
                }
            }
            joined.push((span, span.analyses(snapshot)));
        }
        joined.into_iter().map(|(span, _)| span).collect()
    }

    async fn count_span(&self, span: Span) -> Result<Periods> {
        let mut hours = self.count(span.start, Some(span.end)).await?.hours;
        hours.retain(|hour, _| span.contains(*hour));
        Ok(hours)
    }
}

impl View {
    /// Whether a new snapshot would spare the next reader some work. While the changes that markers announce may still
    /// be under way it would not.
    pub(super) fn is_outdated(&self, retention: Retention) -> bool {
        let snapshot = &self.basis.snapshot;
        snapshot.sealed_until < sealable(self.as_of)
            || self.basis.accounted(snapshot.sealed_until).next().is_some()
            || snapshot.outlived(retention, self.as_of).next().is_some()
    }
}

impl Span {
    /// The period, and the whole of the day that the snapshot has in its place.
    fn covering(period: Period, sealed: &Periods) -> Self {
        let period = if sealed.contains_key(&period.day()) { period.day() } else { period };
        Self { start: period.start(), end: period.end() }
    }

    /// The part before this time.
    fn until(self, end: Timestamp) -> Self {
        Self { end: self.end.min(end), ..self }
    }

    fn with(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    fn contains(self, period: Period) -> bool {
        self.start <= period.start() && period.end() <= self.end
    }

    /// How many analyses the snapshot has in it.
    fn analyses(self, snapshot: &Snapshot) -> u64 {
        let first = Period::hour(CreatedAt::clamped(self.start));
        let begun = snapshot.periods.range(first..).take_while(|(period, _)| period.start() < self.end);
        begun.filter(|(period, _)| self.contains(**period)).map(|(_, sums)| sums.analyses).sum()
    }
}
