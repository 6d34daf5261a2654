//! What a command has done and found: problems as they come, totals at the end, on standard output.

use std::io::{self, Write};

use analysis_storage::{AnalysisId, Doubt, Error};
use serde_json::{Map, Value, json};

use super::{Kind, TransferError, TransferKind};

/// One document or file that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// A stable word for programs.
    pub(crate) kind: Kind,
    /// Which: a path, a key or an id.
    pub(crate) subject: String,
    /// What is wrong, and what to do.
    pub(crate) reason: String,
}

impl Problem {
    pub(crate) fn new(kind: impl Into<Kind>, subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { kind: kind.into(), subject: subject.into(), reason: reason.into() }
    }

    /// The problem that an error is if it concerns one document only; any other ends the transfer.
    pub(crate) fn from_error(error: Error, subject: &str) -> Result<Self, TransferError> {
        if error.code().is_of_one_document() {
            Ok(Self::new(error.code(), subject, error.to_string()))
        } else {
            Err(TransferError::Failed(error))
        }
    }
}

/// The problem that a stored document is not what was saved; `therefore` is what that means here.
pub(crate) fn doubtful(id: &AnalysisId, doubt: &Doubt, therefore: &str) -> Problem {
    let back =
        format!("`design-analysis restore --id {id} --from BACKUP --replace` brings it back from a backup");
    match doubt {
        Doubt::Damaged(why) => Problem::new(
            TransferKind::Damaged,
            id.as_str(),
            format!("is damaged: it {why}; {therefore}; {back}"),
        ),
        Doubt::Changed => {
            let reason = format!(
                "was replaced by another program; {therefore}; `design-analysis repair --adopt-changed` keeps the new \
                 document, {back}"
            );
            Problem::new(TransferKind::Changed, id.as_str(), reason)
        }
    }
}

/// What has come of one piece of work.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// What to count, if anything.
    pub(crate) count: Option<&'static str>,
    /// What was wrong.
    pub(crate) problems: Vec<Problem>,
    /// Whether there was nothing to do, so that it says nothing of how fast the rest will go.
    pub(crate) is_skipped: bool,
}

impl Done {
    /// Something to count.
    pub(crate) fn counted(count: &'static str) -> Self {
        Self { count: Some(count), ..Self::default() }
    }

    /// Something to count that nothing had to be done about.
    pub(crate) fn skipped(count: &'static str) -> Self {
        Self { is_skipped: true, ..Self::counted(count) }
    }

    /// Something wrong.
    pub(crate) fn problem(problem: Problem) -> Self {
        Self { problems: vec![problem], ..Self::default() }
    }
}

/// The text on one line that commands no terminal: names of files may hold anything.
fn printable(text: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escaped).collect()
}

/// So many problems, in words.
pub(super) fn counted(problems: u64) -> String {
    if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") }
}

/// Prints and counts.
#[derive(Debug)]
pub(crate) struct Report {
    command: &'static str,
    json: bool,
    store: String,
    counts: Vec<(&'static str, u64)>,
    problems: u64,
}

impl Report {
    /// A report that counts at least these.
    pub(crate) fn new(command: &'static str, json: bool, counts: &[&'static str]) -> Self {
        let counts = counts.iter().map(|name| (*name, 0)).collect();
        Self { command, json, store: String::new(), counts, problems: 0 }
    }

    /// The same, of the store with this name, which people are told.
    pub(super) fn of_store(self, store: String) -> Self {
        Self { store, ..self }
    }

    pub(crate) fn add(&mut self, done: &Done) -> io::Result<()> {
        if let Some(name) = done.count {
            self.count(name, 1);
        }
        done.problems.iter().try_for_each(|problem| self.problem(problem))
    }

    pub(crate) fn count(&mut self, name: &'static str, more: u64) {
        match self.counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += more,
            None => self.counts.push((name, more)),
        }
    }

    /// Whether there was anything wrong so far.
    pub(crate) fn has_problems(&self) -> bool {
        self.problems > 0
    }

    fn problem(&mut self, problem: &Problem) -> io::Result<()> {
        self.problems += 1;
        let Problem { kind, subject, reason } = problem;
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json!({"problem": kind, "subject": subject, "reason": reason}))
        } else {
            writeln!(out, "{}", printable(&format!("{subject}: {reason}")))
        }
    }

    /// The totals, and whether all is well. Of what was cut short, too: so much is done.
    pub(crate) fn finish(&self, result: Result<(), TransferError>) -> Result<(), TransferError> {
        match result {
            Ok(()) => self.totals(true)?,
            Err(cause) => {
                if cause.is_on_the_way() {
                    // Where they cannot be printed, the cause says more.
                    drop(self.totals(false));
                }
                return Err(cause);
            }
        }
        if self.problems == 0 { Ok(()) } else { Err(TransferError::Found(self.problems)) }
    }

    fn totals(&self, finished: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            let mut summary = Map::from_iter([("command".to_owned(), Value::from(self.command))]);
            summary.extend(self.counts.iter().map(|(name, n)| (name.replace(' ', "_"), Value::from(*n))));
            summary.insert("problems".to_owned(), self.problems.into());
            summary.insert("finished".to_owned(), finished.into());
            writeln!(out, "{}", Value::from(summary))
        } else {
            let counts: Vec<String> = self.counts.iter().map(|(name, n)| format!("{n} {name}")).collect();
            let (command, counts, problems) = (self.command, counts.join(", "), counted(self.problems));
            let so_far = if finished { "" } else { " so far" };
            writeln!(out, "{command}{so_far}: {counts}, {problems}; store: {}", self.store)
        }
    }
}
