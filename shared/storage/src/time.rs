//! The two instants of an analysis. `CreatedAt` places it (index order, the month of its key) and never
//! changes; `SavedAt` names one particular save of it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::clock::Clock;

/// The beginning of a day in UTC.
pub(crate) fn midnight(day: Date) -> Option<Timestamp> {
    Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

/// When an id was first saved, in whole milliseconds since the Unix epoch.
///
/// Between 2000-01-01 and 2286-11-20 (13 decimal digits), so that its complement sorts as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CreatedAt(i64);

impl CreatedAt {
    /// The earliest creation time, 2000-01-01T00:00:00Z.
    pub const MIN: Self = Self(946_684_800_000);
    /// The latest creation time, 2286-11-20T17:46:39.999Z: the last instant of 13 digits.
    pub const MAX: Self = Self(9_999_999_999_999);

    /// The instant, or `None` outside [`MIN`](Self::MIN) to [`MAX`](Self::MAX).
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&millis).then_some(Self(millis))
    }

    /// The nearest instant in range.
    #[must_use]
    pub fn clamped(at: Timestamp) -> Self {
        Self(at.as_millisecond().clamp(Self::MIN.0, Self::MAX.0))
    }

    /// The millisecond before this one, if that is in range.
    pub(crate) fn before(self) -> Self {
        Self(self.0 - 1).max(Self::MIN)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }

    /// The instant as a timestamp.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The day in UTC.
    #[must_use]
    pub fn date(self) -> Date {
        Offset::UTC.to_datetime(self.timestamp()).date()
    }
}

impl fmt::Display for CreatedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.timestamp())
    }
}

/// When a document was written, in microseconds since the Unix epoch: the name of that one write, which ties
/// its index entry to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SavedAt(i64);

impl SavedAt {
    /// The instant `micros` microseconds after the Unix epoch.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0
    }

    /// The instant as a timestamp.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl From<Timestamp> for SavedAt {
    fn from(at: Timestamp) -> Self {
        Self(at.as_microsecond())
    }
}

impl fmt::Display for SavedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.timestamp())
    }
}

/// How far a `saved_at` may be beyond the one that it has to exceed.
const SPREAD_MICROS: u64 = 1_000_000;

/// Hands out `saved_at`: the present microsecond, and never the same one twice in a process.
///
/// The protocol needs one for each write *attempt*: a write that is sent again with that of its
/// first try could bring back one that another request has already seen replaced.
#[derive(Debug)]
pub struct SavedAtSource {
    clock: Arc<dyn Clock>,
    last: AtomicI64,
}

impl SavedAtSource {
    /// A source of times of this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, last: AtomicI64::new(i64::MIN) }
    }

    /// The present, or the first microsecond after it that was not handed out yet.
    #[must_use]
    pub fn next(&self) -> SavedAt {
        let now = self.clock.now().as_microsecond();
        let bump = |last: i64| Some(now.max(last.saturating_add(1)));
        match self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, bump) {
            Ok(last) | Err(last) => SavedAt(now.max(last.saturating_add(1))),
        }
    }

    /// The next one, and greater than this: a write that replaces another has the greater one, whatever the
    /// clock of the other's writer showed.
    pub(crate) fn above(&self, other: Option<SavedAt>) -> SavedAt {
        let next = self.next();
        match other {
            // By chance, so that it is unlike that of everybody else who replaces the same.
            Some(SavedAt(other)) if other >= next.0 => {
                let part = i64::try_from(self.clock.random() % SPREAD_MICROS).unwrap_or_default();
                SavedAt(other.saturating_add(1 + part))
            }
            _ => next,
        }
    }
}
