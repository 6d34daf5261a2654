//! From month to month, the oldest first; the totals last.

use analysis_storage::repair::Mode;
use analysis_storage::{Analyses, Error, Month};

use super::MaintenanceError;
use super::report::Report;
use crate::progress::Progress;
use crate::signals::Signals;

/// A check or a repair on its way.
pub(super) struct Walk {
    pub(super) mode: Mode,
    /// What goes on with it if it ends early, but for the months.
    pub(super) command: String,
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
            Some(month) => self.month(analyses, month).await?,
            None => self.months(analyses).await?,
        }
        self.totals(analyses).await
    }

    async fn months(&mut self, analyses: &Analyses) -> Result<(), MaintenanceError> {
        let months = self.step(analyses.months()).await?;
        let begun = self.done;
        for month in months.into_iter().filter(|month| begun.is_none_or(|done| done < *month)) {
            self.month(analyses, month).await?;
            self.done = Some(month);
        }
        let outside = self.step(analyses.check_outside_months()).await?;
        Ok(self.progress.suspend(|| self.report.add(&outside))?)
    }

    async fn month(&mut self, analyses: &Analyses, month: Month) -> Result<(), MaintenanceError> {
        let mut steps = analyses.repair_month(month, self.mode);
        while let Some(page) = self.step(steps.step()).await? {
            self.progress.suspend(|| self.report.add(&page))?;
            self.progress.show(self.report.progress(month));
        }
        Ok(())
    }

    /// The totals last: they are derived from the index.
    async fn totals(&mut self, analyses: &Analyses) -> Result<(), MaintenanceError> {
        match self.mode {
            Mode::Check { .. } => {
                let check = self.step(analyses.check_totals()).await?;
                self.progress.suspend(|| self.report.add_totals(check))?;
            }
            Mode::Repair => {
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

    /// The command that goes on behind the months that are done.
    fn resume(&self) -> String {
        let month = self.month.map(|month| format!(" --month {month}")).unwrap_or_default();
        let start = self.done.map(|month| format!(" --start-after {month}")).unwrap_or_default();
        format!("{}{month}{start}", self.command)
    }
}
