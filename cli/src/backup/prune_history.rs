//! Which runs of the history are deleted, and deleting them.

use std::fs;
use std::io;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::directory::temporary_directory;
use crate::atomic_file::sync_directory;
use crate::transfer::{Report, Run, TransferError, copies, history, record_pruned, runs};

/// What the report says of it.
pub(super) const PRUNED: [&str; 3] = ["runs pruned", "copies pruned", "bytes pruned"];

/// How much of the history is kept.
#[derive(Debug, Clone, Copy)]
pub(super) enum Keep {
    /// What was taken out within this time.
    For(SignedDuration),
    /// What the newest runs have taken out, so many of those that have taken out anything.
    Runs(usize),
}

impl Keep {
    /// Deletes what is older, the oldest first, and reports how much that was.
    pub(super) fn prune(
        self,
        backup: &Path,
        now: Timestamp,
        report: &mut Report,
    ) -> Result<(), TransferError> {
        let old = self.old(runs(backup)?, now);
        // Recorded first: from here on nobody takes what is left of them for the whole.
        if let Some(last) = old.last() {
            record_pruned(backup, *last, &temporary_directory(backup))?;
        }
        for run in old {
            let (mut count, mut bytes) = (0, 0);
            copies(&backup.join(run.path()), |_, size| {
                count += 1;
                bytes += size;
                Ok(())
            })?;
            delete(backup, run).map_err(|source| TransferError::File {
                what: "delete",
                path: backup.join(run.path()),
                source,
            })?;
            PRUNED.into_iter().zip([1, count, bytes]).for_each(|(name, more)| report.count(name, more));
        }
        Ok(())
    }

    /// Those that are not kept, of all runs in order.
    fn old(self, mut runs: Vec<Run>, now: Timestamp) -> Vec<Run> {
        match self {
            Self::For(age) => {
                let since = now.checked_sub(age).unwrap_or(Timestamp::MIN);
                runs.retain(|run| run.began() < since);
            }
            Self::Runs(newest) => runs.truncate(runs.len().saturating_sub(newest)),
        }
        runs
    }
}

/// Out of the history first, as a whole: a run that is half deleted would seem damaged.
fn delete(backup: &Path, run: Run) -> io::Result<()> {
    let waste = temporary_directory(backup).join(run.name());
    fs::rename(backup.join(run.path()), &waste)?;
    sync_directory(&history(backup))?;
    fs::remove_dir_all(waste)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_or_beyond_the_number_is_not_kept() {
        let now: Timestamp = "2026-11-28T00:00:00Z".parse().unwrap();
        let hours_ago = |hours| Run::begin(now - SignedDuration::from_hours(hours), None);
        let runs = [49, 48, 1].map(hours_ago).to_vec();
        let old = |keep: Keep| keep.old(runs.clone(), now).len();
        assert_eq!(old(Keep::For(SignedDuration::from_hours(48))), 1);
        assert_eq!(old(Keep::For(SignedDuration::from_hours(1_000_000_000))), 0);
        assert_eq!([1, 2, 3, 4].map(|newest| old(Keep::Runs(newest))), [2, 1, 0, 0]);
    }
}
