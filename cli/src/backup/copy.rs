//! One analysis of a backup: copied, kept, or taken out.

use std::collections::HashSet;
use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

use analysis_storage::bucket::RestoreTier;
use analysis_storage::{Analyses, AnalysisId, Entry, Error, ErrorCode};
use bytes::Bytes;

use super::damage;
use super::directory::BackupDirectory;
use super::history::History;
use super::present::Present;
use super::replacement::Replacement;
use super::{HEALED, NO_LONGER_STORED};
use crate::transfer::{
    Budget, Done, Failures, Found, JoinedById, Line, MANIFEST, Problem, Sorter, SourceRecord, TransferError,
    TransferKind, blocking, sha256, too_large,
};

/// What every copy needs.
pub(super) struct Copying<'a> {
    pub(super) directory: Arc<BackupDirectory>,
    pub(super) history: Arc<History>,
    /// Whether every copy is read, and not only its size looked at.
    pub(super) check: bool,
    pub(super) analyses: &'a Analyses,
    /// The analyses whose documents have been reported not to be what was saved: their copies stay as they are.
    pub(super) doubtful: HashSet<AnalysisId>,
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
            return self.not_stored(joined).await;
        }
        let problem = match self.analyses.describe(&AnalysisId::from_stored(&joined.id)?).await {
            Err(Error::NotFound { .. }) => return self.not_stored(joined).await,
            Ok(_) => {
                let reason = "is in the store, but not in its list, so that only the older copy is kept; \
                              `design-analysis repair` puts it right";
                Problem::new(TransferKind::NotListed, &*joined.id, reason)
            }
            Err(error) => self.failures.problem(error, &joined.id)?,
        };
        let present = self.present(joined).await?;
        joined.lines.iter().try_for_each(|line| self.keep(line))?;
        let damage = present.problem(joined, "was not copied again");
        Ok(Done { problems: [problem].into_iter().chain(damage).collect(), ..Done::default() })
    }

    async fn not_stored(&self, joined: &JoinedById) -> Result<Done, TransferError> {
        let name = format!("{}.json", joined.id);
        if joined.files.is_empty() {
            if !self.check || !self.is_lost(joined).await? {
                return Ok(Done::default());
            }
            let reason = format!("is in {MANIFEST}, but neither in the directory nor in the store");
            return Ok(Done::problem(Problem::new(TransferKind::DamagedCopy, name, reason)));
        }
        if joined.lines.is_empty() {
            let reason = "is neither in the store nor in the manifest; it was left as it is";
            return Ok(Done::problem(Problem::new(TransferKind::UnlistedFile, name, reason)));
        }
        let present = self.present(joined).await?;
        self.directory.remove(&joined.id, &present.lines(joined), &self.history)?;
        let damage =
            present.problem(joined, "the document is no longer stored; the file was moved to the history");
        Ok(Done { problems: damage.into_iter().collect(), ..Done::counted(NO_LONGER_STORED) })
    }

    async fn stored(&self, entry: Entry, joined: &JoinedById) -> Result<Done, TransferError> {
        let present = self.present(joined).await?;
        if self.doubtful.contains(&entry.id) {
            return self.not_copied(joined, &present, None);
        }
        if let Some(line) = present.line().filter(|line| line.is_of(entry.saved_at)) {
            self.keep(line)?;
            let unchanged = Done::counted("unchanged");
            return Ok(Done { is_skipped: !self.check, ..unchanged });
        }
        if entry.size > self.limit {
            return self.not_copied(joined, &present, too_large(&*joined.id, entry.size, self.limit));
        }
        if joined.files.is_empty() && self.directory.is_obstructed(&joined.id) {
            let reason = "is no file, so that the document cannot be put there; move it away";
            let problem = Problem::new(TransferKind::Obstacle, format!("{}.json", joined.id), reason);
            return self.not_copied(joined, &present, problem);
        }
        let reserved = self.budget.reserve(entry.size).await;
        let read = self.analyses.read_for_backup(&entry).await;
        if read.is_ok() {
            self.failures.none();
        }
        match read {
            Ok(Some((newest, object))) => {
                let copy = (!joined.files.is_empty()).then(|| self.directory.document(&joined.id));
                match damage::doubt(&entry, &object, copy, self.limit).await? {
                    Some(problem) => self.not_copied(joined, &present, problem),
                    None => self.write(&newest, object.body, joined, &present).await,
                }
            }
            // Deleted since it was listed.
            Ok(None) => self.not_stored(joined).await,
            Err(Error::Archived(_)) => {
                drop(reserved);
                self.archived(&entry, &present, joined).await
            }
            Err(error) => self.not_copied(joined, &present, self.failures.problem(error, &joined.id)?),
        }
    }

    /// Whether the backup had a copy that is not in its place.
    async fn is_lost(&self, joined: &JoinedById) -> Result<bool, TransferError> {
        if !joined.files.is_empty() || joined.lines.is_empty() {
            return Ok(false);
        }
        let (history, id, lines) = (Arc::clone(&self.history), joined.id.clone(), joined.lines.clone());
        blocking(move || history.has_lost(&id, &lines)).await?
    }

    async fn present(&self, joined: &JoinedById) -> Result<Present, TransferError> {
        Present::look(&self.directory, joined, self.check).await
    }

    async fn write(
        &self,
        entry: &Entry,
        body: Bytes,
        joined: &JoinedById,
        present: &Present,
    ) -> Result<Done, TransferError> {
        let bytes = body.clone();
        let (sha256, size) = blocking(move || sha256(&bytes[..])).await??;
        let copied_at = Some(self.history.run().to_string());
        let new = Line { size, copied_at, ..Line::from_entry(entry, sha256) };
        let displaced = self.displace(&new, joined).await?;
        let is_lost = self.is_lost(joined).await?;
        let Replacement { line, replaced, is_healed, problem } =
            match Replacement::of(new, joined, present, is_lost) {
                Ok(replacement) => replacement,
                Err(problem) => {
                    joined.lines.iter().try_for_each(|line| self.keep(line))?;
                    return Ok(Done::problem(problem));
                }
            };
        let (directory, history, copy) =
            (Arc::clone(&self.directory), Arc::clone(&self.history), line.clone());
        blocking(move || directory.write(&copy, &body, &history, &replaced)).await??;
        self.keep(&line)?;
        let count = if self.check && is_healed { HEALED } else { "copied" };
        Ok(Done { problems: displaced.into_iter().chain(problem).collect(), ..Done::counted(count) })
    }

    /// Moves a file away that is not of this backup, unless it is the document itself: the line about to be written
    /// must not seem to describe it.
    async fn displace(&self, line: &Line, joined: &JoinedById) -> Result<Option<Problem>, TransferError> {
        if joined.files.is_empty() || !joined.lines.is_empty() {
            return Ok(None);
        }
        if joined.files.first().is_some_and(|(_, size)| *size == line.size) {
            let place = self.directory.document(&joined.id);
            let own = blocking(move || sha256(File::open(place)?)).await?;
            if own.is_ok_and(|own| own == (line.sha256.clone(), line.size)) {
                return Ok(None);
            }
        }
        let place = self.directory.document(&joined.id);
        let moved = self.history.displace(&place, &joined.id);
        let moved = moved.map_err(|source| TransferError::File { what: "move", path: place, source })?;
        let reason = format!("was not of this backup; it was moved to {moved}");
        Ok(Some(Problem::new(TransferKind::DisplacedFile, format!("{}.json", joined.id), reason)))
    }

    async fn archived(
        &self,
        entry: &Entry,
        present: &Present,
        joined: &JoinedById,
    ) -> Result<Done, TransferError> {
        let Some((days, tier)) = self.restore else {
            let problem = Problem::new(
                ErrorCode::Archived,
                &*joined.id,
                "is archived; --restore-archived brings it back first",
            );
            return self.not_copied(joined, present, problem);
        };
        if !joined.is_requested {
            match self.analyses.restore_archived(&entry.id, days, tier).await {
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error) => {
                    return self.not_copied(joined, present, self.failures.problem(error, &joined.id)?);
                }
            }
        }
        let mut records = vec![SourceRecord::Stored(entry.to_string()), SourceRecord::Requested];
        let lines = present.lines(joined).into_iter().zip(0..);
        records.extend(lines.map(|(line, number)| SourceRecord::Listed(number, line)));
        let file =
            |(path, size): &(_, _)| SourceRecord::File(Found::File { path: Clone::clone(path), size: *size });
        records.extend(joined.files.iter().map(file));
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let pushed = records.iter().try_for_each(|record| waiting.push(&joined.id, record));
        pushed.map_err(TransferError::Temporary)?;
        Ok(Done::default())
    }

    /// Keeps the copy of an older save, if there is one, and reports why there is none of the newest, unless that has been
    /// done.
    fn not_copied(
        &self,
        joined: &JoinedById,
        present: &Present,
        problem: impl Into<Option<Problem>>,
    ) -> Result<Done, TransferError> {
        present.lines(joined).iter().try_for_each(|line| self.keep(line))?;
        let damage = present.problem(joined, "could not be copied again");
        Ok(Done { problems: problem.into().into_iter().chain(damage).collect(), ..Done::default() })
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
