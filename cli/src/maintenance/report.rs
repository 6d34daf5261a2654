//! What has been found: printed at once, and counted.

use std::collections::BTreeMap;
use std::io::{self, Write};

use analysis_storage::Month;
use analysis_storage::repair::{Damage, Finding, Mode, RepairStep, TotalsCheck};

use super::MaintenanceError;

/// What has been found so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    entries: u64,
    documents: u64,
    in_flight: u64,
    repaired: BTreeMap<Damage, u64>,
    left: BTreeMap<Damage, u64>,
    wrong_totals: bool,
}

impl Report {
    /// Adds what one page has shown.
    pub(super) fn add(&mut self, page: &RepairStep) -> io::Result<()> {
        self.entries += page.entries;
        self.documents += page.documents;
        self.in_flight += page.in_flight;
        let mut out = io::stdout().lock();
        for Finding { damage, key, repaired, advice } in &page.findings {
            let counts = if *repaired { &mut self.repaired } else { &mut self.left };
            *counts.entry(*damage).or_default() += 1;
            let advice = advice.as_deref().map(|advice| format!(" ({advice})")).unwrap_or_default();
            writeln!(out, "{}{damage}: {key}{advice}", if *repaired { "repaired " } else { "" })?;
        }
        Ok(())
    }

    /// Adds what the totals are found to be.
    pub(super) fn add_totals(&mut self, check: TotalsCheck) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match check {
            TotalsCheck::Right => Ok(()),
            TotalsCheck::Wrong(difference) => {
                self.wrong_totals = true;
                writeln!(out, "wrong totals: {difference}")
            }
            TotalsCheck::Undecided => {
                writeln!(out, "the totals were not checked: the store changes too fast; try again later")
            }
        }
    }

    /// How far the walk is, in words.
    pub(super) fn progress(&self, month: Month) -> String {
        let damaged: u64 = self.repaired.values().chain(self.left.values()).sum();
        let Self { entries, documents, .. } = self;
        format!("{entries} in the index, {documents} documents, {damaged} damaged; in {month}")
    }

    /// The totals of what was found, and whether all is well.
    pub(super) fn finish(&self, mode: Mode) -> Result<(), MaintenanceError> {
        let mut out = io::stdout().lock();
        writeln!(out, "examined: {} analyses in the index, {} documents", self.entries, self.documents)?;
        if self.in_flight > 0 {
            writeln!(out, "not judged, because a save may be in flight: {}", self.in_flight)?;
        }
        if !self.repaired.is_empty() {
            writeln!(out, "repaired: {}", counted(&self.repaired))?;
        }
        let totals = if self.wrong_totals { Some("wrong totals".to_owned()) } else { None };
        let damage = Some(counted(&self.left)).filter(|text| !text.is_empty());
        let problems: Vec<String> = damage.into_iter().chain(totals).collect();
        match (problems.is_empty(), mode) {
            (true, Mode::Check { .. }) => Ok(writeln!(out, "no damage found")?),
            (true, Mode::Repair) => Ok(writeln!(out, "no damage left")?),
            (false, Mode::Check { .. }) => Err(MaintenanceError::Damaged(problems.join(", "))),
            (false, Mode::Repair) => Err(MaintenanceError::Unrepaired(problems.join(", "))),
        }
    }
}

fn counted(counts: &BTreeMap<Damage, u64>) -> String {
    let texts: Vec<String> = counts.iter().map(|(damage, count)| format!("{count} x {damage}")).collect();
    texts.join(", ")
}
