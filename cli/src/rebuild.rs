//! `design-analysis rebuild`: the index, id records and totals checked against the documents, or derived anew
//! from them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use analysis_http::telemetry;
use analysis_storage::repair::{Damage, Finding, Mode, RepairStep, TotalsCheck};
use analysis_storage::{Analyses, Config, Error, Month};

use crate::exit::{FAILED, FOUND, Failure};
use crate::progress::Progress;
use crate::signals::Signals;

/// What to go through, and what to do about damage.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only report what is wrong, with exit code 1 if anything is; nothing is repaired
    #[arg(long)]
    check: bool,
    /// Only analyses created in this month (UTC)
    #[arg(long, value_name = "YYYY-MM", conflicts_with = "start_after")]
    month: Option<String>,
    /// Go on behind this month, which a rebuild that ended early has printed
    #[arg(long, value_name = "YYYY-MM")]
    start_after: Option<String>,
    /// With --check, do not judge what was saved in the last MINUTES: it may still be in flight
    #[arg(long, value_name = "MINUTES", default_value_t = 15, requires = "check")]
    grace: u32,
}

impl Options {
    fn mode(&self) -> Mode {
        if self.check { Mode::Check { grace: Duration::from_mins(self.grace.into()) } } else { Mode::Repair }
    }

    /// The command that goes on behind this month.
    fn resume(&self, done: Option<Month>) -> String {
        let check = self.check.then(|| format!("--check --grace {}", self.grace));
        let month = self.month.as_ref().map(|month| format!("--month {month}"));
        let start = done.map(|month| format!("--start-after {month}"));
        let parts = [Some("design-analysis rebuild".to_owned()), check, month, start];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// Why a rebuild ends with an error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RebuildError {
    #[error(transparent)]
    Storage(#[from] Error),
    #[error("interrupted; go on with: {resume}")]
    Interrupted { resume: String },
    #[error("the rebuild has failed; go on with: {resume}")]
    Failed { resume: String, source: Error },
    #[error("damaged: {0}; `design-analysis rebuild` repairs all but what is misplaced or unreadable")]
    Damaged(String),
    #[error("not everything could be repaired: {0}; see the advice above")]
    Unrepaired(String),
    #[error("cannot report")]
    Output(#[from] io::Error),
}

impl Failure for RebuildError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Damaged(_) | Self::Unrepaired(_) => FOUND,
            Self::Storage(_) | Self::Interrupted { .. } | Self::Failed { .. } | Self::Output(_) => FAILED,
        }
    }
}

/// Goes through the store page by page, until the end, a signal or a failure.
pub(crate) async fn run(options: Options) -> Result<(), RebuildError> {
    let config = Config::from_env()?;
    telemetry::init_quietly(&config)?;
    let month = options.month.as_deref().map(Month::parse).transpose()?;
    let done = options.start_after.as_deref().map(Month::parse).transpose()?;
    let analyses = config.open().await?;
    let mut run =
        Run { signals: Signals::new()?, done, progress: Progress::new(), report: Report::default(), options };
    let done = run.everything(&analyses, month).await;
    run.progress.clear();
    done?;
    run.report.finish(run.options.check)
}

struct Run {
    options: Options,
    signals: Signals,
    /// The month that is done, and all before it.
    done: Option<Month>,
    progress: Progress,
    report: Report,
}

impl Run {
    async fn everything(&mut self, analyses: &Analyses, month: Option<Month>) -> Result<(), RebuildError> {
        match month {
            Some(month) => self.month(analyses, month).await?,
            None => self.months(analyses).await?,
        }
        self.totals(analyses).await
    }

    /// The oldest first.
    async fn months(&mut self, analyses: &Analyses) -> Result<(), RebuildError> {
        let months = self.step(analyses.months()).await?;
        let begun = self.done;
        for month in months.into_iter().filter(|month| begun.is_none_or(|done| done < *month)) {
            self.month(analyses, month).await?;
            self.done = Some(month);
        }
        let outside = self.step(analyses.check_outside_months()).await?;
        Ok(self.progress.suspend(|| self.report.add(&outside))?)
    }

    async fn month(&mut self, analyses: &Analyses, month: Month) -> Result<(), RebuildError> {
        let mut rebuild = analyses.repair_month(month, self.options.mode());
        while let Some(page) = self.step(rebuild.step()).await? {
            self.progress.suspend(|| self.report.add(&page))?;
            self.progress.show(self.report.progress(month));
        }
        Ok(())
    }

    /// The totals last: they are derived from the index.
    async fn totals(&mut self, analyses: &Analyses) -> Result<(), RebuildError> {
        if self.options.check {
            let check = self.step(analyses.check_totals()).await?;
            self.progress.suspend(|| self.report.add_totals(check))?;
        } else {
            self.step(analyses.recount()).await?;
        }
        Ok(())
    }

    /// Runs one step, unless a signal ends it: what it has begun is safe to leave, and to do again.
    async fn step<T>(&mut self, work: impl Future<Output = Result<T, Error>>) -> Result<T, RebuildError> {
        let result = tokio::select! {
            result = work => Some(result),
            () = self.signals.received() => None,
        };
        let resume = || self.options.resume(self.done);
        match result {
            Some(Ok(done)) => Ok(done),
            Some(Err(source)) => Err(RebuildError::Failed { resume: resume(), source }),
            None => Err(RebuildError::Interrupted { resume: resume() }),
        }
    }
}

/// What has been found so far: printed at once, and counted.
#[derive(Debug, Default)]
struct Report {
    entries: u64,
    documents: u64,
    in_flight: u64,
    repaired: BTreeMap<Damage, u64>,
    left: BTreeMap<Damage, u64>,
    wrong_totals: bool,
}

impl Report {
    fn add(&mut self, page: &RepairStep) -> io::Result<()> {
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

    fn add_totals(&mut self, check: TotalsCheck) -> io::Result<()> {
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

    fn progress(&self, month: Month) -> String {
        let damaged: u64 = self.repaired.values().chain(self.left.values()).sum();
        let Self { entries, documents, .. } = self;
        format!("{entries} in the index, {documents} documents, {damaged} damaged; in {month}")
    }

    fn finish(&self, check: bool) -> Result<(), RebuildError> {
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
        match (problems.is_empty(), check) {
            (true, true) => Ok(writeln!(out, "no damage found")?),
            (true, false) => Ok(writeln!(out, "no damage left")?),
            (false, true) => Err(RebuildError::Damaged(problems.join(", "))),
            (false, false) => Err(RebuildError::Unrepaired(problems.join(", "))),
        }
    }
}

fn counted(counts: &BTreeMap<Damage, u64>) -> String {
    let texts: Vec<String> = counts.iter().map(|(damage, count)| format!("{count} x {damage}")).collect();
    texts.join(", ")
}
