//! What a backup had at a time: of each document the copy that was current at the end of the last run that had begun.

use std::fmt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::transfer::{JoinedById, Line, Sorter, SourceRecord, TransferError, pruned, runs};

/// What is said of documents that the backup did not have then.
pub(super) const NOT_THEN: &str = "not in the backup then";

/// The time.
#[derive(Debug, Clone, Copy)]
pub(super) struct AsOf(Timestamp);

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Reads an RFC 3339 time, or a date, which stands for its last moment in UTC.
pub(super) fn parse(text: &str) -> Result<AsOf, String> {
    let end_of = |date: Date| Offset::UTC.to_timestamp(date.at(23, 59, 59, 999_999_999)).ok();
    let is_date = text.len() == "2026-11-28".len();
    let time = match text.parse::<Date>().ok().filter(|_| is_date) {
        Some(date) => end_of(date),
        None => text.parse().ok(),
    };
    time.map(AsOf).ok_or_else(|| {
        format!("{text:?} is neither a time such as 2026-11-28T10:22:33Z nor a date such as 2026-11-28")
    })
}

impl AsOf {
    /// Refuses a time of which the backup knows only a part.
    pub(super) fn check(self, backup: &Path) -> Result<(), TransferError> {
        match pruned(backup)? {
            Some(run) if self.0 < run.began() => Err(TransferError::Unusable(format!(
                "what the backup had at {self} has been pruned; it knows everything since {run}"
            ))),
            _ => Ok(()),
        }
    }

    /// Adds what later runs have taken out.
    pub(super) fn add(
        self,
        kept: &mut Sorter<SourceRecord>,
        backup: &Path,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(), TransferError> {
        let later = runs(backup)?.into_iter().filter(|run| run.began() > self.0);
        later.into_iter().try_for_each(|run| kept.add_taken_out(backup, run, &wanted))
    }

    /// Whether the backup had by then what the line describes. What does not say since when is taken to be older.
    pub(super) fn had(self, line: &Line) -> bool {
        line.copied_at().is_none_or(|at| at <= self.0)
    }

    /// The copy that was current then: the first that a later run has taken out, else the present one. `None` if that
    /// was added later.
    pub(super) fn copy(self, mut joined: JoinedById) -> Option<Copy> {
        let taken_out = std::mem::take(&mut joined.taken_out);
        let mut missing = None;
        let later = taken_out.into_iter().map(|copy| Copy {
            name: copy.run.path().join(format!("{}.json", joined.id)),
            lines: copy.lines,
            size: copy.file.map(|(_, size)| size),
        });
        let later: Vec<Copy> = later.collect();
        for copy in later.into_iter().chain([Copy::current(joined)]) {
            if copy.size.is_some() {
                let had = copy.lines.is_empty() || copy.lines.iter().any(|line| self.had(line));
                // What a killed run has announced without taking it out is found with the next.
                return if had { Some(copy) } else { missing };
            }
            if copy.lines.iter().any(|line| self.had(line)) {
                missing.get_or_insert(copy);
            }
        }
        missing
    }
}

/// A copy that may be restored.
#[derive(Debug)]
pub(super) struct Copy {
    /// Its path below the backup.
    pub(super) name: PathBuf,
    /// The lines that may describe it.
    pub(super) lines: Vec<Line>,
    /// Its size in bytes, if it is there.
    pub(super) size: Option<u64>,
}

impl Copy {
    /// The one that the backup has at present.
    pub(super) fn current(joined: JoinedById) -> Self {
        Self {
            name: PathBuf::from(format!("{}.json", joined.id)),
            lines: joined.lines,
            size: joined.files.first().map(|(_, size)| *size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_stands_for_its_end() {
        for (text, time) in [
            ("2026-11-28T10:22:33Z", "2026-11-28T10:22:33Z"),
            ("2026-11-28T10:22:33.412+01:00", "2026-11-28T09:22:33.412Z"),
            ("20261128T102233.412Z", "2026-11-28T10:22:33.412Z"),
            ("2026-11-28", "2026-11-28T23:59:59.999999999Z"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), time, "{text}");
        }
        for text in ["", "yesterday", "2026-11", "2026-11-28T10:22:33", "2026-02-30", "10:22"] {
            assert!(parse(text).unwrap_err().contains("is neither a time such as"), "{text}");
        }
    }
}
