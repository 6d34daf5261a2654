//! `backup --list`: what a backup holds, and what its runs have taken out. The store is not asked.

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::last_run::LastRun;
use crate::human;
use crate::table::{Align, Columns, terminal_width};
use crate::transfer::{
    JoinedById, Lock, RESERVED, Run, Sorter, TakenOut, TransferError, copies, is_backup, runs,
};

/// Documents and their bytes.
#[derive(Debug, Default)]
struct Copies {
    documents: u64,
    bytes: u64,
}

impl Copies {
    fn add(&mut self, size: u64) {
        self.documents += 1;
        self.bytes += size;
    }
}

/// What one run has taken out.
#[derive(Debug)]
struct OfRun {
    run: Run,
    replaced: u64,
    removed: u64,
    bytes: u64,
}

/// Prints the runs, the oldest first, and what there is.
pub(super) fn print(backup: &Path, is_json: bool) -> Result<(), TransferError> {
    if !is_backup(backup) {
        return Err(TransferError::Unusable(format!("there is no backup in {}", backup.display())));
    }
    let _lock = Lock::shared(backup)?;
    let runs = runs(backup)?.into_iter().map(|run| of_run(backup, run)).collect::<Result<Vec<_>, _>>()?;
    let mut current = Copies::default();
    copies(backup, |_, size| {
        current.add(size);
        Ok(())
    })?;
    let last = LastRun::read(backup)?;
    let printed = if is_json { as_json(&runs, &current, last) } else { as_table(&runs, &current, last) };
    printed.or_else(unless_reader_left)
}

fn of_run(backup: &Path, run: Run) -> Result<OfRun, TransferError> {
    let mut known = Sorter::default();
    known.add_taken_out(backup, run, |_| true)?;
    let mut sums = OfRun { run, replaced: 0, removed: 0, bytes: 0 };
    for group in known.groups().map_err(TransferError::Temporary)? {
        let joined = JoinedById::from(group.map_err(TransferError::Temporary)?);
        for copy in joined.taken_out {
            let Some((_, size)) = copy.file else { continue };
            sums.bytes += size;
            match copy.lines.last().and_then(|line| line.taken_out) {
                Some(TakenOut::Removed) => sums.removed += 1,
                _ => sums.replaced += 1,
            }
        }
    }
    Ok(sums)
}

fn as_json(runs: &[OfRun], current: &Copies, last: Option<LastRun>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for OfRun { run, replaced, removed, bytes } in runs {
        let run = json!({"run": run.to_string(), "directory": run.path(), "replaced": replaced,
                         "removed": removed, "bytes": bytes});
        writeln!(out, "{run}")?;
    }
    let began = last.map(|last| last.began.to_string());
    let ended = last.and_then(|last| last.ended).map(|at| format!("{at:.3}"));
    let summary = json!({"command": "backup", "documents": current.documents, "bytes": current.bytes,
                         "last_run": began, "last_run_ended": ended});
    writeln!(out, "{summary}")
}

fn as_table(runs: &[OfRun], current: &Copies, last: Option<LastRun>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let headings = ["REPLACED", "REMOVED", "SIZE"].map(|heading| (heading.to_owned(), Align::Right));
    let columns = Columns::new([("RUN (UTC)".to_owned(), Align::Left)].into_iter().chain(headings));
    let mut columns = columns.fitting(terminal_width(), [0, 2, 1, 3]);
    let row = |of: &OfRun| {
        vec![of.run.to_string(), human::count(of.replaced), human::count(of.removed), human::size(of.bytes)]
    };
    let rows: Vec<_> = runs.iter().map(row).collect();
    columns.widen(&rows);
    if rows.is_empty() {
        writeln!(out, "no run has replaced or removed anything that is kept in {RESERVED}")?;
    } else {
        writeln!(out, "{}", columns.heading())?;
    }
    rows.iter().try_for_each(|row| writeln!(out, "{}", columns.line(row)))?;
    let last = match last {
        None => "no run is recorded".to_owned(),
        Some(LastRun { began, ended: None, .. }) => {
            format!("the last run began at {began} and has not ended well")
        }
        Some(LastRun { began, ended: Some(_), .. }) => format!("last run {began}"),
    };
    let Copies { documents, bytes } = current;
    let documents = if *documents == 1 {
        "1 document".to_owned()
    } else {
        format!("{} documents", human::count(*documents))
    };
    writeln!(out, "{documents}, {}; {last}", human::size(*bytes))
}

/// A reader that has seen enough, such as `head`, is no failure.
fn unless_reader_left(error: io::Error) -> Result<(), TransferError> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error.into()) }
}
