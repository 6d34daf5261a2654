//! One analysis of a backup: copied, kept, or taken out.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

use analysis_storage::bucket::RestoreTier;
use analysis_storage::{Analyses, AnalysisId, Entry, Error, ErrorCode};
use bytes::Bytes;

use super::NO_LONGER_STORED;
use super::directory::BackupDirectory;
use super::removed::Removed;
use crate::transfer::{
    Budget, Done, Failures, Found, JoinedById, Line, Problem, Sorter, SourceRecord, TransferError,
    TransferKind, blocking, sha256, too_large,
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
    pub(super) waiting: Mutex<Sorter<SourceRecord>>,
}

impl Copying<'_> {
    /// Brings one analysis up to date.
    pub(super) async fn one(&self, mut joined: JoinedById) -> Result<Done, TransferError> {
        let problems = std::mem::take(&mut joined.problems);
        let mut done = match joined.entry.take() {
            Some(entry) => self.stored(entry, &joined).await?,
            None => self.not_listed(&joined).await?,
        };
        done.problems.splice(0..0, problems);
        Ok(done)
    }

    /// The list is not the store: before a copy is taken out, the store itself is asked.
    async fn not_listed(&self, joined: &JoinedById) -> Result<Done, TransferError> {
        if joined.files.is_empty() || joined.lines.is_empty() {
            return self.not_stored(joined);
        }
        match self.analyses.describe(&AnalysisId::from_stored(&joined.id)?).await {
            Err(Error::NotFound { .. }) => self.not_stored(joined),
            Ok(_) => {
                joined.lines.iter().try_for_each(|line| self.keep(line))?;
                let reason = "is in the store, but not in its list, so that only the older copy is kept; \
                              `design-analysis repair` puts it right";
                Ok(Done::problem(Problem::new(TransferKind::NotListed, &*joined.id, reason)))
            }
            Err(error) => {
                let problem = self.failures.problem(error, &joined.id)?;
                joined.lines.iter().try_for_each(|line| self.keep(line))?;
                Ok(Done::problem(problem))
            }
        }
    }

    fn not_stored(&self, joined: &JoinedById) -> Result<Done, TransferError> {
        if joined.files.is_empty() {
            return Ok(Done::default());
        }
        if joined.lines.is_empty() {
            let reason = "is neither in the store nor in the manifest; it was left as it is";
            return Ok(Done::problem(Problem::new(
                TransferKind::UnlistedFile,
                format!("{}.json", joined.id),
                reason,
            )));
        }
        self.directory.remove(&joined.id, &joined.lines)?;
        Ok(Done::counted(NO_LONGER_STORED))
    }

    async fn stored(&self, entry: Entry, joined: &JoinedById) -> Result<Done, TransferError> {
        let line = self.fitting(joined).await?;
        if let Some(line) = line.as_ref().filter(|line| line.is_of(entry.saved_at)) {
            self.keep(line)?;
            return Ok(Done::counted("unchanged"));
        }
        if entry.size > self.limit {
            return self.not_copied(line.as_ref(), too_large(&*joined.id, entry.size, self.limit));
        }
        if joined.files.is_empty() && self.directory.is_obstructed(&joined.id) {
            let reason = "is no file, so that the document cannot be put there; move it away";
            let problem = Problem::new(TransferKind::Obstacle, format!("{}.json", joined.id), reason);
            return self.not_copied(line.as_ref(), problem);
        }
        let reserved = self.budget.reserve(entry.size).await;
        let read = self.analyses.read_for_backup(&entry).await;
        if read.is_ok() {
            self.failures.none();
        }
        match read {
            Ok(Some((entry, object))) => self.write(&entry, object.body, joined).await,
            // Deleted since it was listed.
            Ok(None) => self.not_stored(joined),
            Err(Error::Archived(_)) => {
                drop(reserved);
                self.archived(&entry, line, joined).await
            }
            Err(error) => self.not_copied(line.as_ref(), self.failures.problem(error, &joined.id)?),
        }
    }

    /// The line that describes the file. Of several, one was written by a backup that did not end; which one the file
    /// belongs to must be read from the file.
    async fn fitting(&self, joined: &JoinedById) -> Result<Option<Line>, TransferError> {
        let Some((_, size)) = joined.files.first() else { return Ok(None) };
        match &joined.lines[..] {
            [] => Ok(None),
            [line] => Ok((line.size == *size).then(|| line.clone())),
            lines => {
                let place = self.directory.document(&joined.id);
                let read = blocking(move || sha256(File::open(place)?)).await?;
                // A file that cannot be read is copied again.
                let line = read.ok().and_then(|(digest, size)| Line::describing(lines, &digest, size));
                Ok(line.cloned())
            }
        }
    }

    async fn write(&self, entry: &Entry, body: Bytes, joined: &JoinedById) -> Result<Done, TransferError> {
        let bytes = body.clone();
        let (sha256, size) = blocking(move || sha256(&bytes[..])).await??;
        let line = Line { size, ..Line::from_entry(entry, sha256) };
        let displaced = self.displace(&line, joined).await?;
        let (directory, copy) = (Arc::clone(&self.directory), line.clone());
        blocking(move || directory.write(&copy, &body)).await??;
        self.keep(&line)?;
        Ok(Done { count: Some("copied"), problems: displaced.into_iter().collect() })
    }

    /// Moves a file away that is not of this backup, unless it is the document itself: the line about to be written
    /// must not seem to describe it.
    async fn displace(&self, line: &Line, joined: &JoinedById) -> Result<Option<Problem>, TransferError> {
        if joined.files.is_empty() || !joined.lines.is_empty() {
            return Ok(None);
        }
        let place = self.directory.document(&joined.id);
        let own = blocking(move || sha256(File::open(place)?)).await?;
        if own.is_ok_and(|own| own == (line.sha256.clone(), line.size)) {
            return Ok(None);
        }
        self.directory.remove(&joined.id, &[])?;
        let reason = format!("was not of this backup; it was moved to {}", Removed::name(&joined.id));
        Ok(Some(Problem::new(TransferKind::DisplacedFile, format!("{}.json", joined.id), reason)))
    }

    async fn archived(
        &self,
        entry: &Entry,
        line: Option<Line>,
        joined: &JoinedById,
    ) -> Result<Done, TransferError> {
        let Some((days, tier)) = self.restore else {
            let problem = Problem::new(
                ErrorCode::Archived,
                &*joined.id,
                "is archived; --restore-archived brings it back first",
            );
            return self.not_copied(line.as_ref(), problem);
        };
        if !joined.is_requested {
            match self.analyses.restore_archived(&entry.id, days, tier).await {
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error) => {
                    return self.not_copied(line.as_ref(), self.failures.problem(error, &joined.id)?);
                }
            }
        }
        let mut records = vec![SourceRecord::Stored(entry.to_string()), SourceRecord::Requested];
        records.extend(line.map(|line| SourceRecord::Listed(0, line)));
        let file =
            |(path, size): &(_, _)| SourceRecord::File(Found::File { path: Clone::clone(path), size: *size });
        records.extend(joined.files.iter().map(file));
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let pushed = records.iter().try_for_each(|side| waiting.push(&joined.id, side));
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
    pub(super) fn take_waiting(&self) -> Sorter<SourceRecord> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The lines of the manifest.
    pub(super) fn into_lines(self) -> Sorter<Line> {
        self.lines.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
