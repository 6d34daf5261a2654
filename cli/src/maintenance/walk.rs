//! From month to month, the oldest first; the totals last.

use analysis_storage::repair::{AgreedDocument, Contents, Damage, Finding, Mode};
use analysis_storage::{Analyses, Error, Month, Stats};

use super::contents::Reader;
use super::report::Report;
use super::{Job, MaintenanceError};
use crate::progress::{Amount, Progress};
use crate::repair::Healer;
use crate::signals::Signals;

/// After so many documents that were read the progress is shown.
const AT_ONCE: usize = 64;

/// So many documents may be lost without a doubt about the store.
const HANDFUL: u64 = 10;

/// A check or a repair on its way.
pub(super) struct Walk {
    pub(super) job: Job,
    pub(super) reader: Option<Reader>,
    /// Brings documents back, if there is a backup.
    pub(super) healer: Option<Healer>,
    /// The only month to look at, if there is one.
    pub(super) month: Option<Month>,
    /// The month that is done, and all before it.
    pub(super) done: Option<Month>,
    pub(super) signals: Signals,
    pub(super) progress: Progress,
    pub(super) report: Report,
}

impl Walk {
    /// Looks at one month or all, and then at the totals.
    pub(super) async fn everything(&mut self, analyses: &Analyses) -> Result<(), MaintenanceError> {
        match self.month {
            Some(month) => {
                self.begin(analyses, &[month]).await?;
                self.month(analyses, month).await?;
            }
            None => self.months(analyses).await?,
        }
        self.totals(analyses).await
    }

    async fn months(&mut self, analyses: &Analyses) -> Result<(), MaintenanceError> {
        let months = self.step(analyses.months()).await?;
        let begun = self.done;
        let months = months.into_iter().filter(|month| begun.is_none_or(|done| done < *month));
        let months: Vec<Month> = months.collect();
        self.begin(analyses, &months).await?;
        for month in months {
            self.month(analyses, month).await?;
            self.done = Some(month);
        }
        let outside = self.step(analyses.check_outside_months()).await?;
        Ok(self.progress.suspend(|| self.report.add(&outside))?)
    }

    /// Shows how much there is to look at, as far as the totals know: they may be what is wrong.
    async fn begin(&mut self, analyses: &Analyses, months: &[Month]) -> Result<(), MaintenanceError> {
        let stats = self.step(async { Ok(analyses.stats_unsealed().await.ok()) }).await?;
        let of_months = |stats: Stats| {
            let items = months.iter().filter_map(|month| stats.by_month.get(&month.to_string())).sum();
            let reads_all = self.reader.is_some() && items == stats.total_analyses;
            Amount { items, bytes: if reads_all { stats.total_size_bytes } else { 0 } }
        };
        let what = if self.job.mode.is_repair() { "repairing" } else { "checking" };
        self.progress.begin(what, stats.map(of_months));
        Ok(())
    }

    async fn month(&mut self, analyses: &Analyses, month: Month) -> Result<(), MaintenanceError> {
        let mut steps = analyses.repair_month(month, self.job.mode);
        if self.reader.is_some() {
            steps = steps.naming_agreed();
        }
        loop {
            if self.job.mode.forgets_lost() {
                self.check_lost(steps.unmet_entries())?;
            }
            let Some(mut page) = self.step(steps.step()).await? else { return Ok(()) };
            page.findings = self.heal(analyses, page.findings, page.entries).await?;
            self.progress.suspend(|| self.report.add(&page))?;
            self.progress.show(self.report.place(month));
            let to_read = if self.reader.is_some() { page.agreed.len() as u64 } else { 0 };
            self.progress.advance(Amount::items(page.documents.saturating_sub(to_read)));
            self.contents(analyses, month, &page.agreed).await?;
            if self.job.mode.is_repair() {
                self.check_lost(0)?;
            }
        }
    }

    /// Reads what the listings agree on, if that is to be read.
    async fn contents(
        &mut self,
        analyses: &Analyses,
        month: Month,
        documents: &[AgreedDocument],
    ) -> Result<(), MaintenanceError> {
        let Some(reader) = self.reader.take() else { return Ok(()) };
        for some in documents.chunks(AT_ONCE) {
            let contents = self.step(reader.read(analyses, some)).await?;
            let contents = self.heal_contents(analyses, contents).await?;
            self.progress.suspend(|| self.report.add_contents(&contents))?;
            self.progress.show(self.report.place(month));
            self.read(&contents, some);
        }
        self.reader = Some(reader);
        Ok(())
    }

    fn read(&self, contents: &[Contents], documents: &[AgreedDocument]) {
        for (looked_at, document) in contents.iter().zip(documents) {
            let amount = Amount { items: 1, bytes: document.size() };
            match looked_at {
                Contents::Sound(_) | Contents::Found(_) => self.progress.advance(amount),
                Contents::Archived | Contents::Gone => self.progress.skip(amount),
            }
        }
    }

    /// Heals what was found on a page of so many entries, if there is a backup. A store that may be incomplete as a
    /// whole is not filled up from it.
    async fn heal(
        &mut self,
        analyses: &Analyses,
        findings: Vec<Finding>,
        entries: u64,
    ) -> Result<Vec<Finding>, MaintenanceError> {
        let Some(healer) = self.healer.take() else { return Ok(findings) };
        let lost = findings.iter().filter(|finding| finding.damage == Damage::DanglingEntry);
        self.check_many_lost(lost.count(), entries)?;
        let findings = self.step(healer.heal_all(analyses, findings)).await?;
        self.healer = Some(healer);
        Ok(findings)
    }

    async fn heal_contents(
        &mut self,
        analyses: &Analyses,
        mut contents: Vec<Contents>,
    ) -> Result<Vec<Contents>, MaintenanceError> {
        let Some(healer) = self.healer.take() else { return Ok(contents) };
        for looked_at in &mut contents {
            if let Contents::Found(finding) = looked_at {
                *finding = self.step(healer.heal(analyses, finding.clone())).await?;
            }
        }
        self.healer = Some(healer);
        Ok(contents)
    }

    /// Ends a repair of a store that so much is missing of that the store itself may be incomplete. `more` are the
    /// entries that no document was met for, and that would go next.
    fn check_lost(&self, more: usize) -> Result<(), MaintenanceError> {
        self.check_many_lost(more, 0)
    }

    /// The same before a page of so many entries is reported.
    fn check_many_lost(&self, more: usize, page: u64) -> Result<(), MaintenanceError> {
        let (lost, entries) = (self.report.lost() + more as u64, self.report.entries() + page);
        let are_many = lost > HANDFUL && lost * 100 > entries;
        if are_many && !self.job.knows_many_lost {
            return Err(MaintenanceError::ManyLost { lost, entries });
        }
        Ok(())
    }

    /// The totals last: they are derived from the index.
    async fn totals(&mut self, analyses: &Analyses) -> Result<(), MaintenanceError> {
        match self.job.mode {
            Mode::Check { .. } => {
                let check = self.step(analyses.check_totals()).await?;
                self.progress.suspend(|| self.report.add_totals(check))?;
            }
            Mode::Repair { .. } => {
                self.step(analyses.recount()).await?;
            }
        }
        Ok(())
    }

    /// Runs one step, unless a signal ends it: what it has begun is safe to leave, and to do again.
    async fn step<T>(&mut self, work: impl Future<Output = Result<T, Error>>) -> Result<T, MaintenanceError> {
        let result = tokio::select! {
            result = work => Some(result),
            () = self.signals.received() => None,
        };
        match result {
            Some(Ok(done)) => Ok(done),
            Some(Err(source)) => Err(MaintenanceError::Failed { resume: self.resume(), source }),
            None => Err(MaintenanceError::Interrupted { resume: self.resume() }),
        }
    }

    fn resume(&self) -> String {
        self.job.resume(self.month, self.done)
    }
}
