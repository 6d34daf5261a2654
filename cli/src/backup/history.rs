//! What a run replaces and removes: kept by run, with the lines that describe it, before anything takes its place.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::directory::{in_order, is_taken, temporary_directory};
use super::last_run::LastRun;
use crate::atomic_file::{self, sync_directory, usual_permissions};
use crate::transfer::{
    Line, Manifest, RESERVED, Run, Sorter, TakenOut, TransferError, history, read_lines, runs, sha256,
};

/// The subdirectory of files that are not of the backup and were in its way.
const DISPLACED: &str = "displaced";

/// The history as one run adds to it.
#[derive(Debug)]
pub(super) struct History {
    backup: PathBuf,
    run: Run,
    /// The last run that came to its end.
    complete: Option<Run>,
    /// Open once there is anything to keep.
    manifest: Mutex<Option<Arc<Manifest>>>,
}

impl History {
    /// Begins a run. What a run that was killed has announced but not kept is taken off its manifest.
    pub(super) fn begin(backup: &Path, now: Timestamp) -> Result<Self, TransferError> {
        let last = LastRun::read(backup)?;
        if let Some(killed) = last.filter(|last| last.ended.is_none()) {
            leave_out_missing(backup, killed.began)?;
        }
        let newest = runs(backup)?.last().copied().max(last.map(|last| last.began));
        let run = Run::begin(now, newest);
        let complete = last.and_then(LastRun::last_complete);
        LastRun { began: run, ended: None, complete }.write(backup)?;
        Ok(Self { backup: backup.to_owned(), run, complete, manifest: Mutex::default() })
    }

    pub(super) fn run(&self) -> Run {
        self.run
    }

    /// Keeps the file that is about to be replaced; until then it is in both places.
    pub(super) fn keep(&self, file: &Path, id: &str, lines: &[Line]) -> io::Result<()> {
        self.announce(lines, TakenOut::Replaced)?;
        let here = self.place(id);
        // Where there are no links to files, on exFAT for example, it is copied.
        fs::hard_link(file, &here).or_else(|_| self.copy(file, &here))?;
        sync_directory(&self.directory())
    }

    /// Moves a file here, since the store has the document no longer.
    pub(super) fn take(&self, file: &Path, id: &str, lines: &[Line]) -> io::Result<()> {
        self.announce(lines, TakenOut::Removed)?;
        fs::rename(file, self.place(id))
    }

    /// Moves a file away that is not of the backup; where to, below the backup. It is no history, so nothing prunes it.
    pub(super) fn displace(&self, file: &Path, id: &str) -> io::Result<String> {
        let directory = Path::new(RESERVED).join(DISPLACED).join(self.run.name());
        fs::create_dir_all(self.backup.join(&directory))?;
        let place = directory.join(format!("{id}.json"));
        fs::rename(file, self.backup.join(&place))?;
        Ok(place.display().to_string())
    }

    /// Waits until the disk has all of it.
    pub(super) fn sync(&self) -> io::Result<()> {
        if self.manifest.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            sync_directory(&self.directory())?;
        }
        Ok(())
    }

    /// Records that the run has come to its end.
    pub(super) fn end(&self, now: Timestamp) -> Result<(), TransferError> {
        LastRun { began: self.run, ended: Some(now), complete: self.complete }.write(&self.backup)
    }

    /// Whether a copy with these lines that is not in its place is lost. A run that was killed may have announced it and
    /// never put it there, or may have taken it out before it could leave the manifest.
    pub(super) fn has_lost(&self, id: &str, lines: &[Line]) -> Result<bool, TransferError> {
        let complete = self.complete.map(Run::began);
        let was_there = |line: &&Line| line.copied_at.is_none() || line.copied_at() <= complete;
        if !lines.iter().any(|line| was_there(&line)) {
            return Ok(false);
        }
        let places = runs(&self.backup)?
            .into_iter()
            .map(|run| self.backup.join(run.path()).join(format!("{id}.json")));
        let Some(newest) = places.rev().find(|place| is_taken(place)) else { return Ok(true) };
        let size = fs::metadata(&newest).map(|found| found.len());
        if size.is_ok_and(|size| lines.iter().all(|line| line.size != size)) {
            return Ok(true);
        }
        let read = File::open(newest).and_then(sha256);
        Ok(!read.is_ok_and(|(digest, size)| Line::describing(lines, &digest, size).is_some()))
    }

    /// Lines go first, so that at any moment there is one for each file.
    fn announce(&self, lines: &[Line], taken_out: TakenOut) -> io::Result<()> {
        let manifest = self.manifest()?;
        let lines = lines.iter().map(|line| Line { taken_out: Some(taken_out), ..line.clone() });
        lines.into_iter().try_for_each(|line| manifest.append(&line))
    }

    fn manifest(&self) -> io::Result<Arc<Manifest>> {
        let mut manifest = self.manifest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &*manifest {
            return Ok(Arc::clone(open));
        }
        let directory = self.directory();
        fs::create_dir_all(&directory)?;
        let made = Arc::new(Manifest::open(&directory)?);
        sync_directory(&history(&self.backup))?;
        sync_directory(&self.backup.join(RESERVED))?;
        Ok(Arc::clone(manifest.insert(made)))
    }

    fn copy(&self, file: &Path, to: &Path) -> io::Result<()> {
        let mut from = File::open(file)?;
        let copy = |mut to: &mut dyn io::Write| io::copy(&mut from, &mut to).map(drop);
        atomic_file::write(&temporary_directory(&self.backup), usual_permissions(), copy)?.place(to)
    }

    fn directory(&self) -> PathBuf {
        self.backup.join(self.run.path())
    }

    fn place(&self, id: &str) -> PathBuf {
        self.directory().join(format!("{id}.json"))
    }
}

/// Leaves only the lines of files in the manifest of a run: of others the backup itself still has the copy.
fn leave_out_missing(backup: &Path, run: Run) -> Result<(), TransferError> {
    let directory = backup.join(run.path());
    if !directory.exists() {
        return Ok(());
    }
    let failed = |source| TransferError::File { what: "write", path: directory.clone(), source };
    let manifest = Manifest::open(&directory).map_err(failed)?;
    let (mut kept, mut missing) = (Sorter::default(), 0_u64);
    read_lines(&directory, |_, line| match line {
        Some(line) if is_taken(&directory.join(format!("{}.json", line.id))) => kept.push(&line.id, &line),
        _ => {
            missing += 1;
            Ok(())
        }
    })?;
    if missing == 0 {
        return Ok(());
    }
    let lines = in_order(kept).map_err(TransferError::Temporary)?;
    manifest.replace(&temporary_directory(backup), lines).map_err(failed)
}
