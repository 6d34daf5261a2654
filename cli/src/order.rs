//! The orders that `list` can show analyses in.

use std::cmp::Ordering;

use analysis_storage::Entry;

/// What analyses are sorted by. Of equal ones the newest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Sort {
    /// By creation time, the newest first
    Created,
    /// By the time of the last save, the newest first
    Saved,
    /// By size, the largest first
    Size,
    /// By execution time, the longest first
    Seconds,
    /// By id
    Id,
    /// By implementation
    Implementation,
    /// By status
    Status,
}

/// An order, and whether it is turned round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) by: Sort,
    pub(crate) reverse: bool,
}

impl Order {
    /// Whether it is that of the list itself, so that nothing has to be sorted.
    pub(crate) fn is_of_the_list(self) -> bool {
        self.by == Sort::Created && !self.reverse
    }

    fn compare(self, a: &Entry, b: &Entry) -> Ordering {
        let newest_first = || (b.created_at, &b.id).cmp(&(a.created_at, &a.id));
        let order = match self.by {
            Sort::Created => newest_first(),
            Sort::Saved => b.saved_at.cmp(&a.saved_at),
            Sort::Size => b.size.cmp(&a.size),
            Sort::Seconds => b.summary.execution_ms.cmp(&a.summary.execution_ms),
            Sort::Id => a.id.cmp(&b.id),
            Sort::Implementation => a.summary.implementation.as_str().cmp(b.summary.implementation.as_str()),
            Sort::Status => a.summary.status.as_str().cmp(b.summary.status.as_str()),
        };
        let order = if self.reverse { order.reverse() } else { order };
        order.then_with(newest_first)
    }
}

/// The first of any number of analyses in an order, without holding all of them.
#[derive(Debug)]
pub(crate) struct First {
    order: Order,
    limit: usize,
    entries: Vec<Entry>,
    seen: u64,
}

impl First {
    /// The first `limit`.
    pub(crate) fn new(order: Order, limit: u64) -> Self {
        Self { order, limit: usize::try_from(limit).unwrap_or(usize::MAX), entries: Vec::new(), seen: 0 }
    }

    /// Takes more analyses into account.
    pub(crate) fn add(&mut self, entries: Vec<Entry>) {
        self.seen += entries.len() as u64;
        self.entries.extend(entries);
        if self.entries.len() / 2 >= self.limit.max(1000) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.entries.sort_by(|a, b| self.order.compare(a, b));
        self.entries.truncate(self.limit);
    }

    /// The first ones in their order, and how many there were.
    pub(crate) fn into_sorted(mut self) -> (Vec<Entry>, u64) {
        self.cut();
        (self.entries, self.seen)
    }
}

#[cfg(test)]
mod tests {
    use analysis_storage::{AnalysisId, ContentToken, CreatedAt, Label, SavedAt, Summary};

    use super::*;

    fn entry(number: u64) -> Entry {
        let label = Label::unknown();
        Entry {
            id: AnalysisId::from_stored(&format!("n-{number}")).unwrap(),
            created_at: CreatedAt::MIN,
            saved_at: SavedAt::from_micros(0),
            token: ContentToken::of_content(b""),
            summary: Summary {
                implementation: label.clone(),
                status: label,
                timestamp: None,
                execution_ms: None,
            },
            // Each once, in no order.
            size: number * 7919 % 10_007,
        }
    }

    #[test]
    fn the_first_of_ten_thousand_are_found_and_few_are_held() {
        for (reverse, sizes) in [(false, [10_006, 10_005, 10_004]), (true, [0, 1, 2])] {
            let mut first = First::new(Order { by: Sort::Size, reverse }, 3);
            for page in 0..10 {
                first.add((page * 1000..page * 1000 + 1000).map(entry).collect());
                assert!(first.entries.len() < 3000, "{}", first.entries.len());
            }
            first.add((10_000..10_007).map(entry).collect());
            let (entries, all) = first.into_sorted();
            assert_eq!(entries.iter().map(|entry| entry.size).collect::<Vec<_>>(), sizes);
            assert_eq!(all, 10_007);
        }
    }
}
