//! How far a part of the work is, in as many columns as there is room for.

use std::collections::VecDeque;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::time::{Duration, Instant};

use crate::human;

/// The rate is that of so long.
const RECENT: Duration = Duration::from_secs(15);
/// How often it is noted how much was done by then.
const NOTED_EVERY: Duration = Duration::from_millis(250);
/// A bar with fewer blocks says nothing.
const SHORTEST_BAR: usize = 10;

/// So many documents, or whatever the work is about, and their bytes as far as these are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) items: u64,
    pub(crate) bytes: u64,
}

impl Amount {
    /// So many of unknown size.
    pub(crate) fn items(items: u64) -> Self {
        Self { items, bytes: 0 }
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self { items: self.items + more.items, bytes: self.bytes + more.bytes }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, more: Self) {
        *self = *self + more;
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Self::add)
    }
}

/// A part of the work on its way.
#[derive(Debug)]
pub(super) struct Gauge {
    what: &'static str,
    note: String,
    total: Option<Amount>,
    done: Amount,
    /// What was done without what was skipped: it says nothing of how fast the rest will go.
    worked: Amount,
    /// How much that was at recent times, the oldest first.
    noted: VecDeque<(Instant, Amount)>,
    began: Instant,
}

/// A place of the line. The first are given up last where there is no room for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    What,
    Items,
    Left,
    Bytes,
    Rate,
    Note,
}

impl Gauge {
    pub(super) fn new(what: &'static str, total: Option<Amount>, began: Instant) -> Self {
        let noted = VecDeque::from([(began, Amount::default())]);
        let nothing = Amount::default();
        Self { what, note: String::new(), total, done: nothing, worked: nothing, noted, began }
    }

    /// So much more is done; whether there was nothing to do about it.
    pub(super) fn advance(&mut self, more: Amount, is_skipped: bool, now: Instant) {
        self.done += more;
        if is_skipped {
            return;
        }
        while self.noted.len() > 1 && self.noted.get(1).is_some_and(|(at, _)| now - *at >= RECENT) {
            self.noted.pop_front();
        }
        if self.noted.back().is_some_and(|(at, _)| now - *at >= NOTED_EVERY) {
            self.noted.push_back((now, self.worked));
        }
        self.worked += more;
    }

    /// What else there is to say.
    pub(super) fn note(&mut self, text: String) {
        self.note = text;
    }

    /// How much is done, in words: `12 of 40`.
    pub(super) fn count(&self) -> Option<String> {
        let total = self.total?;
        Some(format!("{} of {}", human::count(self.done.items), human::count(total.items)))
    }

    /// The line of a terminal of this width, with a bar of these two blocks if there is room for one.
    pub(super) fn line(&self, now: Instant, width: usize, blocks: [char; 2]) -> String {
        let mut columns = self.columns(now, "/");
        let length = |columns: &[(Column, String)]| -> usize {
            columns.iter().map(|(_, text)| text.chars().count() + 2).sum::<usize>().saturating_sub(2)
        };
        while columns.len() > 1 && length(&columns) > width {
            let Some(last) = columns.iter().map(|(column, _)| *column).max() else { break };
            columns.retain(|(column, _)| *column != last);
        }
        let room = width.saturating_sub(length(&columns) + 2);
        let mut texts: Vec<String> = columns.into_iter().map(|(_, text)| text).collect();
        if let Some(total) = self.shown_total().filter(|_| room >= SHORTEST_BAR) {
            texts.insert(1, self.bar(total, room, blocks));
        }
        texts.join("  ")
    }

    /// The same as a line of a log.
    pub(super) fn log_line(&self, now: Instant) -> String {
        let columns = self.columns(now, " of ");
        let texts: Vec<String> = columns.into_iter().skip(1).map(|(_, text)| text).collect();
        format!("{}: {}", self.what, texts.join(", "))
    }

    /// All columns in the order of the line.
    fn columns(&self, now: Instant, of: &str) -> Vec<(Column, String)> {
        let total = self.shown_total();
        let of_total = |done: String, all: Option<String>| all.map_or(done.clone(), |all| done + of + &all);
        let items = of_total(human::count(self.done.items), total.map(|total| human::count(total.items)));
        let all_bytes = total.map(|total| total.bytes).filter(|bytes| *bytes > 0);
        let bytes = (self.done.bytes > 0 || all_bytes.is_some())
            .then(|| of_total(human::size(self.done.bytes), all_bytes.map(human::size)));
        let has_items = self.done.items > 0 || total.is_some();
        let left = match total {
            Some(total) => self.left(total, now).map(|left| human::duration(left) + " left"),
            None => Some(human::duration(now - self.began)),
        };
        let columns = [
            (Column::What, Some(self.what.to_owned())),
            (Column::Items, has_items.then_some(items)),
            (Column::Bytes, bytes),
            (Column::Rate, self.rate_in_words(now)),
            (Column::Left, left),
            (Column::Note, Some(self.note.clone()).filter(|note| !note.is_empty())),
        ];
        columns.into_iter().filter_map(|(column, text)| Some((column, text?))).collect()
    }

    /// The total, unless more is done than that: the store has grown meanwhile.
    fn shown_total(&self) -> Option<Amount> {
        self.total.filter(|total| self.done.items <= total.items)
    }

    fn bar(&self, total: Amount, room: usize, [full, empty]: [char; 2]) -> String {
        let (done, all) = if total.bytes > 0 {
            (self.done.bytes, total.bytes)
        } else {
            (self.done.items, total.items.max(1))
        };
        let length = u128::from(done.min(all)) * room as u128 / u128::from(all);
        (0..room as u128).map(|n| if n < length { full } else { empty }).collect()
    }

    /// How much was worked on lately, and within how long.
    fn recently(&self, now: Instant) -> Option<(Amount, Duration)> {
        let (since, before) = self.noted.front()?;
        let worked =
            Amount { items: self.worked.items - before.items, bytes: self.worked.bytes - before.bytes };
        let span = now - *since;
        (worked.items > 0 && !span.is_zero()).then_some((worked, span))
    }

    fn rate_in_words(&self, now: Instant) -> Option<String> {
        let (worked, span) = self.recently(now)?;
        let per_second = |amount: u64| u128::from(amount) * 1000 / span.as_millis().max(1);
        let per_second = |amount: u64| u64::try_from(per_second(amount)).unwrap_or(u64::MAX);
        let (bytes, items) = (per_second(worked.bytes), per_second(worked.items));
        match (bytes, items) {
            (0, 0) => None,
            (0, _) => Some(format!("{}/s", human::count(items))),
            _ => Some(format!("{}/s", human::size(bytes))),
        }
    }

    /// How long the rest takes if there is something to do about all of it.
    fn left(&self, total: Amount, now: Instant) -> Option<Duration> {
        let (worked, span) = self.recently(now)?;
        let (worked, rest) = if total.bytes > 0 && worked.bytes > 0 {
            (worked.bytes, total.bytes.saturating_sub(self.done.bytes))
        } else {
            (worked.items, total.items.saturating_sub(self.done.items))
        };
        let millis = u128::from(rest) * span.as_millis() / u128::from(worked);
        Some(Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;
    const BLOCKS: [char; 2] = ['#', '.'];

    /// After 4 seconds: 1,000 of 5,000 documents and 10 of 50 MB, a part of them skipped.
    fn gauge(skipped: u64) -> (Gauge, Instant) {
        let began = Instant::now();
        let mut gauge = Gauge::new("importing", Some(Amount { items: 5000, bytes: 50 * MB }), began);
        let now = began + Duration::from_secs(4);
        let part = |items: u64| Amount { items, bytes: items * 10 * MB / 1000 };
        gauge.advance(part(skipped), true, now);
        gauge.advance(part(1000 - skipped), false, now);
        (gauge, now)
    }

    #[test]
    fn a_narrow_terminal_loses_columns_and_no_letters() {
        let (gauge, now) = gauge(0);
        for (width, line) in [
            (80, "importing  ###...............  1,000/5,000  10.0 MB/50.0 MB  2.5 MB/s  16 s left"),
            (60, "importing  1,000/5,000  10.0 MB/50.0 MB  2.5 MB/s  16 s left"),
            (59, "importing  1,000/5,000  10.0 MB/50.0 MB  16 s left"),
            (40, "importing  1,000/5,000  16 s left"),
            (25, "importing  1,000/5,000"),
            (3, "importing"),
        ] {
            assert_eq!(gauge.line(now, width, BLOCKS), line, "{width}");
        }
    }

    #[test]
    fn what_was_skipped_counts_as_done_and_in_no_rate() {
        let (gauge, now) = gauge(600);
        let line = gauge.log_line(now);
        assert_eq!(line, "importing: 1,000 of 5,000, 10.0 MB of 50.0 MB, 1.0 MB/s, 40 s left");
        let (gauge, now) = super::tests::gauge(1000);
        assert_eq!(gauge.log_line(now), "importing: 1,000 of 5,000, 10.0 MB of 50.0 MB");
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let began = Instant::now();
        let mut gauge = Gauge::new("listing", None, began);
        for second in 1..=60 {
            let rate = if second <= 30 { 1000 } else { 10 };
            gauge.advance(Amount::items(rate), false, began + Duration::from_secs(second));
        }
        let line = gauge.log_line(began + Duration::from_mins(1));
        assert_eq!(line, "listing: 30,300, 10/s, 1 min 0 s");
    }

    #[test]
    fn a_total_that_was_exceeded_is_none() {
        let began = Instant::now();
        let mut gauge = Gauge::new("checking", Some(Amount::items(2)), began);
        gauge.note("in 2024-01".to_owned());
        gauge.advance(Amount::items(2), true, began);
        assert_eq!(gauge.log_line(began), "checking: 2 of 2, in 2024-01");
        gauge.advance(Amount::items(1), true, began);
        assert_eq!(gauge.line(began, 80, BLOCKS), "checking  3  0 s  in 2024-01");
    }
}
