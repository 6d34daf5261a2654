//! What has been found: printed at once, and counted.

use std::collections::BTreeMap;
use std::io::{self, Write};

use analysis_storage::repair::{Contents, Damage, Finding, Mode, RepairStep, TotalsCheck};
use analysis_storage::{AnalysisId, Month};
use serde::Serialize;
use serde_json::{Value, json};

use super::MaintenanceError;
use crate::human;

/// What has been read of the documents.
#[derive(Debug, Default, Serialize)]
struct Read {
    documents: u64,
    bytes: u64,
    archived: u64,
}

/// What has been found so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    json: bool,
    entries: u64,
    documents: u64,
    in_flight: u64,
    contents: Option<Read>,
    repaired: BTreeMap<Damage, u64>,
    left: BTreeMap<Damage, u64>,
    /// The documents that are gone and were not brought back.
    lost: u64,
    wrong_totals: bool,
}

impl Report {
    /// A report in lines for people, or of JSON.
    pub(super) fn new(json: bool, reads: bool) -> Self {
        Self { json, contents: reads.then(Read::default), ..Self::default() }
    }

    /// Adds what the contents of some documents have shown.
    pub(super) fn add_contents(&mut self, contents: &[Contents]) -> io::Result<()> {
        for looked_at in contents {
            let read = self.contents.get_or_insert_default();
            match looked_at {
                Contents::Sound(bytes) => {
                    read.documents += 1;
                    read.bytes += bytes;
                }
                Contents::Found(finding) => {
                    read.documents += 1;
                    self.find(finding)?;
                }
                Contents::Archived => read.archived += 1,
                Contents::Gone => {}
            }
        }
        Ok(())
    }

    /// Adds what one page has shown.
    pub(super) fn add(&mut self, page: &RepairStep) -> io::Result<()> {
        self.entries += page.entries;
        self.documents += page.documents;
        self.in_flight += page.in_flight;
        page.findings.iter().try_for_each(|finding| self.find(finding))
    }

    fn find(&mut self, finding: &Finding) -> io::Result<()> {
        let counts = if finding.repaired { &mut self.repaired } else { &mut self.left };
        *counts.entry(finding.damage).or_default() += 1;
        // Healed or not: many of them mean the same.
        self.lost += u64::from(finding.damage == Damage::DanglingEntry);
        let Finding { damage, key, repaired, id, detail, advice, healed, .. } = finding;
        let value = || {
            json!({
                "finding": damage, "repaired": repaired, "key": key.as_str(), "id": id.as_ref().map(AnalysisId::as_str),
                "detail": detail, "advice": advice, "healed": healed,
            })
        };
        self.say(&finding.to_string(), value)
    }

    /// A line for people, or for programs.
    fn say(&self, text: &str, value: impl FnOnce() -> Value) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json { writeln!(out, "{}", value()) } else { writeln!(out, "{text}") }
    }

    /// Adds what the totals are found to be.
    pub(super) fn add_totals(&mut self, check: TotalsCheck) -> io::Result<()> {
        let (finding, detail) = match check {
            TotalsCheck::Right => return Ok(()),
            TotalsCheck::Wrong(difference) => {
                self.wrong_totals = true;
                ("wrong totals", difference)
            }
            TotalsCheck::Undecided => {
                ("the totals were not checked", "the store changes too fast; try again later".to_owned())
            }
        };
        let word = if self.wrong_totals { "wrong_totals" } else { "unchecked_totals" };
        self.say(&format!("{finding}: {detail}"), || {
            json!({
                "finding": word, "repaired": false, "key": null, "id": null, "detail": detail, "advice": null,
                "healed": null,
            })
        })
    }

    /// How many entries were looked at.
    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    /// How many documents are gone, forgotten or not.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Where the walk is, in words.
    pub(super) fn place(&self, month: Month) -> String {
        let damaged: u64 = self.repaired.values().chain(self.left.values()).sum();
        if damaged > 0 { format!("in {month}, {damaged} damaged") } else { format!("in {month}") }
    }

    /// The totals of what was found, and whether all is well. Of what was cut short, too: so much is known.
    pub(super) fn finish(
        &self,
        mode: Mode,
        end: Result<(), MaintenanceError>,
    ) -> Result<(), MaintenanceError> {
        if let Err(cause) = end {
            if let MaintenanceError::Interrupted { .. } | MaintenanceError::Failed { .. } = cause {
                // Where they cannot be printed, the cause says more.
                drop(self.summary(mode, None));
            }
            return Err(cause);
        }
        let totals = if self.wrong_totals { Some("wrong totals".to_owned()) } else { None };
        let damage = Some(counted(&self.left)).filter(|text| !text.is_empty());
        let problems: Vec<String> = damage.into_iter().chain(totals).collect();
        self.summary(mode, Some(problems.is_empty()))?;
        match (problems.is_empty(), mode.is_repair()) {
            (true, _) => Ok(()),
            (false, false) => Err(MaintenanceError::Damaged(problems.join(", "))),
            (false, true) => Err(MaintenanceError::Unrepaired(problems.join(", "))),
        }
    }

    /// `is_sound` is `None` if nobody knows, because the walk was cut short.
    fn summary(&self, mode: Mode, is_sound: Option<bool>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let Self { entries, documents, in_flight, contents, repaired, left, wrong_totals, .. } = self;
        if self.json {
            let command = if mode.is_repair() { "repair" } else { "check" };
            let summary = json!({
                "command": command, "entries": entries, "documents": documents, "in_flight": in_flight,
                "contents": contents, "repaired": repaired, "left": left, "wrong_totals": wrong_totals,
                "finished": is_sound.is_some(),
            });
            return writeln!(out, "{summary}");
        }
        let so_far = if is_sound.is_some() { "" } else { " so far" };
        writeln!(out, "examined{so_far}: {entries} analyses in the index, {documents} documents")?;
        if *in_flight > 0 {
            writeln!(out, "not judged, because a save may be in flight: {in_flight}")?;
        }
        if !repaired.is_empty() {
            writeln!(out, "repaired: {}", counted(repaired))?;
        }
        match contents {
            Some(Read { documents, bytes, archived }) => {
                writeln!(out, "read: {documents} documents, {}", human::size(*bytes))?;
                if *archived > 0 {
                    writeln!(out, "not read, because they are archived: {archived} documents")?;
                }
            }
            None if mode.is_repair() => {}
            None => writeln!(out, "not read: what the documents contain; --read-data compares it, too")?,
        }
        match (is_sound, mode.is_repair()) {
            (Some(true), false) => writeln!(out, "no damage found"),
            (Some(true), true) => writeln!(out, "no damage left"),
            (Some(false) | None, _) => Ok(()),
        }
    }
}

fn counted(counts: &BTreeMap<Damage, u64>) -> String {
    let texts: Vec<String> = counts.iter().map(|(damage, count)| format!("{count} x {damage}")).collect();
    texts.join(", ")
}
