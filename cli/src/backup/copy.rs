//! One analysis of a backup: copied, kept, or taken out.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

use analysis_storage::bucket::RestoreTier;
use analysis_storage::{Analyses, AnalysisId, Entry, Error};
use bytes::Bytes;

use super::NO_LONGER_STORED;
use super::directory::BackupDirectory;
use super::removed::Removed;
use crate::transfer::{
    Budget, Done, Failures, Found, Line, Problem, Side, Sides, Sorter, TransferError, blocking, sha256,
    too_large,
};

/// What every copy needs.
pub(super) struct Copying<'a> {
    pub(super) directory: Arc<BackupDirectory>,
    pub(super) analyses: &'a Analyses,
    pub(super) budget: &'a Budget,
    pub(super) failures: Failures,
    pub(super) limit: u64,
    /// For how many days archived documents are restored, and how fast; `None` if they are only reported.
    pub(super) restore: Option<(u32, RestoreTier)>,
    /// The lines of the manifest to come.
    pub(super) lines: Mutex<Sorter<Line>>,
    /// The analyses whose documents are being restored.
    pub(super) waiting: Mutex<Sorter<Side>>,
}

impl Copying<'_> {
    /// Brings one analysis up to date.
    pub(super) async fn one(&self, mut sides: Sides) -> Result<Done, TransferError> {
        let problems = std::mem::take(&mut sides.problems);
        let mut done = match sides.entry.take() {
            Some(entry) => self.stored(entry, &sides).await?,
            None => self.not_listed(&sides).await?,
        };
        done.problems.splice(0..0, problems);
        Ok(done)
    }

    /// The list is not the store: before a copy is taken out, the store itself is asked.
    async fn not_listed(&self, sides: &Sides) -> Result<Done, TransferError> {
        if sides.files.is_empty() || sides.lines.is_empty() {
            return self.not_stored(sides);
        }
        match self.analyses.describe(&AnalysisId::from_stored(&sides.id)?).await {
            Err(Error::NotFound(_)) => self.not_stored(sides),
            Ok(_) => {
                sides.lines.iter().try_for_each(|line| self.keep(line))?;
                let reason = "is in the store, but not in its list, so that only the older copy is kept; \
                              `design-analysis rebuild` puts it right";
                Ok(Done::problem(Problem::new("not_listed", &*sides.id, reason)))
            }
            Err(error) => {
                let problem = self.failures.problem(error, &sides.id)?;
                sides.lines.iter().try_for_each(|line| self.keep(line))?;
                Ok(Done::problem(problem))
            }
        }
    }

    fn not_stored(&self, sides: &Sides) -> Result<Done, TransferError> {
        if sides.files.is_empty() {
            return Ok(Done::default());
        }
        if sides.lines.is_empty() {
            let reason = "is neither in the store nor in the manifest; it was left as it is";
            return Ok(Done::problem(Problem::new("unlisted_file", format!("{}.json", sides.id), reason)));
        }
        self.directory.remove(&sides.id, &sides.lines)?;
        Ok(Done::counted(NO_LONGER_STORED))
    }

    async fn stored(&self, entry: Entry, sides: &Sides) -> Result<Done, TransferError> {
        let line = self.fitting(sides).await?;
        if let Some(line) = line.as_ref().filter(|line| line.is_of(entry.saved_at)) {
            self.keep(line)?;
            return Ok(Done::counted("unchanged"));
        }
        if entry.size > self.limit {
            return self.not_copied(line.as_ref(), too_large(&*sides.id, entry.size, self.limit));
        }
        if sides.files.is_empty() && self.directory.is_obstructed(&sides.id) {
            let reason = "is no file, so that the document cannot be put there; move it away";
            let problem = Problem::new("obstacle", format!("{}.json", sides.id), reason);
            return self.not_copied(line.as_ref(), problem);
        }
        let reserved = self.budget.reserve(entry.size).await;
        let read = self.analyses.read(&entry).await;
        if read.is_ok() {
            self.failures.none();
        }
        match read {
            Ok(Some((entry, object))) => self.write(&entry, object.body, sides).await,
            // Deleted since it was listed.
            Ok(None) => self.not_stored(sides),
            Err(Error::Archived(_)) => {
                drop(reserved);
                self.archived(&entry, line, sides).await
            }
            Err(error) => self.not_copied(line.as_ref(), self.failures.problem(error, &sides.id)?),
        }
    }

    /// The line that describes the file. Of several, one was written by a backup that did not end; which one the file
    /// belongs to must be read from the file.
    async fn fitting(&self, sides: &Sides) -> Result<Option<Line>, TransferError> {
        let Some((_, size)) = sides.files.first() else { return Ok(None) };
        match &sides.lines[..] {
            [] => Ok(None),
            [line] => Ok((line.size == *size).then(|| line.clone())),
            lines => {
                let place = self.directory.document(&sides.id);
                let read = blocking(move || sha256(File::open(place)?)).await?;
                // A file that cannot be read is copied again.
                let line = read.ok().and_then(|(digest, size)| Line::describing(lines, &digest, size));
                Ok(line.cloned())
            }
        }
    }

    async fn write(&self, entry: &Entry, body: Bytes, sides: &Sides) -> Result<Done, TransferError> {
        let bytes = body.clone();
        let (sha256, size) = blocking(move || sha256(&bytes[..])).await??;
        let line = Line { size, ..Line::of(entry, sha256) };
        let displaced = self.displace(&line, sides).await?;
        let (directory, copy) = (Arc::clone(&self.directory), line.clone());
        blocking(move || directory.write(&copy, &body)).await??;
        self.keep(&line)?;
        Ok(Done { count: Some("copied"), problems: displaced.into_iter().collect() })
    }

    /// Moves a file away that is not of this backup, unless it is the document itself: the line about to be written
    /// must not seem to describe it.
    async fn displace(&self, line: &Line, sides: &Sides) -> Result<Option<Problem>, TransferError> {
        if sides.files.is_empty() || !sides.lines.is_empty() {
            return Ok(None);
        }
        let place = self.directory.document(&sides.id);
        let own = blocking(move || sha256(File::open(place)?)).await?;
        if own.is_ok_and(|own| own == (line.sha256.clone(), line.size)) {
            return Ok(None);
        }
        self.directory.remove(&sides.id, &[])?;
        let reason = format!("was not of this backup; it was moved to {}", Removed::name(&sides.id));
        Ok(Some(Problem::new("displaced_file", format!("{}.json", sides.id), reason)))
    }

    async fn archived(
        &self,
        entry: &Entry,
        line: Option<Line>,
        sides: &Sides,
    ) -> Result<Done, TransferError> {
        let Some((days, tier)) = self.restore else {
            let problem = Problem::new("archived", &*sides.id, "is archived; --restore brings it back first");
            return self.not_copied(line.as_ref(), problem);
        };
        if !sides.is_requested {
            match self.analyses.restore(&entry.id, days, tier).await {
                Ok(_) | Err(Error::NotFound(_)) => {}
                Err(error) => {
                    return self.not_copied(line.as_ref(), self.failures.problem(error, &sides.id)?);
                }
            }
        }
        let mut records = vec![Side::Stored(entry.to_string()), Side::Requested];
        records.extend(line.map(|line| Side::Listed(0, line)));
        let file = |(path, size): &(_, _)| Side::File(Found::File { path: Clone::clone(path), size: *size });
        records.extend(sides.files.iter().map(file));
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let pushed = records.iter().try_for_each(|side| waiting.push(&sides.id, side));
        pushed.map_err(TransferError::Temporary)?;
        Ok(Done::default())
    }

    /// Keeps the copy of an older save, if there is one, and reports why there is none of the newest.
    fn not_copied(&self, line: Option<&Line>, problem: Problem) -> Result<Done, TransferError> {
        line.map_or(Ok(()), |line| self.keep(line))?;
        Ok(Done::problem(problem))
    }

    fn keep(&self, line: &Line) -> Result<(), TransferError> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(&line.id, line).map_err(TransferError::Temporary)
    }

    /// Those to look at again.
    pub(super) fn take_waiting(&self) -> Sorter<Side> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The lines of the manifest.
    pub(super) fn into_lines(self) -> Sorter<Line> {
        self.lines.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
