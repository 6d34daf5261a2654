//! Counting in the index, in ranges that are read at once where there is much to read.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::{BoxFuture, try_join_all};
use jiff::Timestamp;

use super::Period;
use super::sums::Periods;
use crate::Analyses;
use crate::bucket::MAX_KEYS;
use crate::error::Result;
use crate::index::Entry;
use crate::time::CreatedAt;

/// How many ranges one range is divided into at most.
const PARALLEL: usize = 16;
/// How many ranges one count is divided into at most. Each may cost one request that finds nothing.
const MAX_RANGES: usize = 64;
/// A range is worth dividing once it had so many pages, and if each part is likely to have as many: a burst of a
/// thousand within a second does not mean that the hours before were like that.
const WORTHWHILE_PAGES: usize = 4;

/// Sums of hours, read from the index.
#[derive(Debug)]
pub(super) struct PartialTotals {
    pub(super) hours: Periods,
    /// Of earlier hours only a part was read.
    pub(super) complete_from: Timestamp,
}

/// A part of the index: what was created at or after `from` and lies behind a position.
struct KeyRange {
    from: CreatedAt,
    position: Option<String>,
    /// Whether others count what its last page holds of earlier times.
    is_part: bool,
}

impl Analyses {
    /// Counts the analyses created from one instant on until another, both at the full hour.
    ///
    /// One request for each thousand, and up to [`MAX_RANGES`] more where there are many thousands.
    pub(super) async fn count(&self, from: Timestamp, until: Option<Timestamp>) -> Result<PartialTotals> {
        let position = until.map(|until| self.layout.before(CreatedAt::clamped(until)));
        let ranges = AtomicUsize::new(0);
        let from = CreatedAt::clamped(from);
        let (mut hours, complete_from) =
            self.count_range(KeyRange { from, position, is_part: false }, &ranges).await?;
        hours.retain(|hour, _| hour.start() >= complete_from);
        Ok(PartialTotals { hours, complete_from })
    }

    /// The sums, and from when on they are complete: earlier than asked for, where a page held more than that.
    fn count_range<'a>(
        &'a self,
        range: KeyRange,
        ranges: &'a AtomicUsize,
    ) -> BoxFuture<'a, Result<(Periods, Timestamp)>> {
        async move {
            let KeyRange { from, mut position, is_part } = range;
            let mut hours = Periods::new();
            let mut pages = 0;
            loop {
                pages += 1;
                let page = self.scan(position.as_deref(), MAX_KEYS).await?;
                let ends = page.groups.first().zip(page.groups.last());
                let ends = ends.map(|(first, last)| (first.created_at, last.created_at));
                let keys = page.groups.len();
                let is_wanted = |entry: &Entry| !is_part || entry.created_at >= from;
                for entry in self.visible(page.groups, self.clock().now()).filter(is_wanted) {
                    hours.entry(Period::hour(entry.created_at)).or_default().add(&entry);
                }
                let (Some(next), Some((newest, oldest))) = (page.next, ends) else {
                    return Ok((hours, CreatedAt::MIN.timestamp()));
                };
                if oldest < from {
                    // Its hour may go on behind the page.
                    return Ok((hours, Period::hour(oldest).end()));
                }
                let is_much = pages >= WORTHWHILE_PAGES;
                let parts = if is_much { parts(from, newest, oldest, keys, ranges) } else { None };
                if let Some(parts) = parts {
                    let parts = self.divide(&parts, next);
                    let counts = parts.into_iter().map(|part| self.count_range(part, ranges));
                    for (part, _) in try_join_all(counts).await? {
                        merge(&mut hours, part);
                    }
                    return Ok((hours, from.timestamp()));
                }
                position = Some(next);
            }
        }
        .boxed()
    }

    /// The ranges that begin at these times, the oldest first; the last of them ends at this position.
    fn divide(&self, bounds: &[CreatedAt], end: String) -> Vec<KeyRange> {
        let ends = bounds.iter().skip(1).map(|until| self.layout.before(*until)).chain([end]);
        let part = |(from, position): (&CreatedAt, String)| KeyRange {
            from: *from,
            position: Some(position),
            is_part: true,
        };
        bounds.iter().zip(ends).map(part).collect()
    }
}

/// Where the parts of the rest of a range begin, the oldest first, if it is worth dividing.
///
/// Judged by how densely the last page was filled.
fn parts(
    from: CreatedAt,
    newest: CreatedAt,
    oldest: CreatedAt,
    keys: usize,
    ranges: &AtomicUsize,
) -> Option<Vec<CreatedAt>> {
    let rest = oldest.millis() - from.millis();
    let page = (newest.millis() - oldest.millis()).max(1);
    let pages = usize::try_from(rest / page).unwrap_or_default() * keys / MAX_KEYS;
    let wanted = (pages / WORTHWHILE_PAGES).min(PARALLEL);
    let is_allowed = |used: usize| Some(used + wanted).filter(|used| wanted >= 2 && *used <= MAX_RANGES);
    ranges.fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_allowed).ok()?;
    let count = i64::try_from(wanted).ok()?;
    let bound = |n: i64| CreatedAt::from_millis(from.millis() + rest / count * n);
    Some((0..count).filter_map(bound).collect())
}

fn merge(hours: &mut Periods, part: Periods) {
    for (hour, sums) in part {
        hours.entry(hour).or_default().merge(&sums);
    }
}
