//! `design-analysis rebuild`: the index, id records and totals checked against the documents, or derived anew
//! from them.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use analysis_http::telemetry;
use analysis_storage::rebuild::{Damage, Finding, Mode, RebuildPage, TotalsCheck};
use analysis_storage::{Analyses, Config, Error, Month};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::{FAILED, FOUND, Failure};

/// What to go through, and what to do about damage.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only report what is wrong, with exit code 1 if anything is; nothing is repaired
    #[arg(long)]
    check: bool,
    /// Only analyses created in this month (UTC)
    #[arg(long, value_name = "YYYY-MM")]
    month: Option<String>,
    /// Go on behind this key, which a rebuild that ended early has printed
    #[arg(long, value_name = "KEY")]
    start_after: Option<String>,
    /// With --check, do not judge what was saved in the last MINUTES: it may still be in flight
    #[arg(long, value_name = "MINUTES", default_value_t = 15, requires = "check")]
    grace: u32,
}

impl Options {
    fn mode(&self) -> Mode {
        if self.check { Mode::Check { grace: Duration::from_mins(self.grace.into()) } } else { Mode::Repair }
    }

    /// The command that goes on at this position.
    fn resume(&self, position: Option<&str>) -> String {
        let check = self.check.then(|| format!("--check --grace {}", self.grace));
        let month = self.month.as_ref().map(|month| format!("--month {month}"));
        let start = position.map(|key| format!("--start-after '{}'", key.replace('\'', r"'\''")));
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
    let analyses = config.open().await?;
    let mut run = Run {
        interrupt: signal(SignalKind::interrupt())?,
        terminate: signal(SignalKind::terminate())?,
        position: options.start_after.clone(),
        progress: Progress::new(),
        report: Report::default(),
        options,
    };
    let done = run.everything(&analyses, month).await;
    run.progress.clear();
    done?;
    run.report.finish(run.options.check)
}

struct Run {
    options: Options,
    interrupt: Signal,
    terminate: Signal,
    position: Option<String>,
    progress: Progress,
    report: Report,
}

impl Run {
    async fn everything(&mut self, analyses: &Analyses, month: Option<Month>) -> Result<(), RebuildError> {
        self.pages(analyses, month).await?;
        self.totals(analyses).await
    }

    async fn pages(&mut self, analyses: &Analyses, month: Option<Month>) -> Result<(), RebuildError> {
        let mode = self.options.mode();
        loop {
            let position = self.position.clone();
            let page = self.step(analyses.rebuild_page(month, position.as_deref(), mode)).await?;
            self.progress.suspend(|| self.report.add(&page))?;
            match page.next {
                Some(next) => self.position = Some(next),
                None => return Ok(()),
            }
            self.progress.show(&self.report, self.position.as_deref().unwrap_or_default());
        }
    }

    /// The totals last: they are derived from the index.
    async fn totals(&mut self, analyses: &Analyses) -> Result<(), RebuildError> {
        if self.options.check {
            let check = self.step(analyses.check_totals()).await?;
            self.progress.suspend(|| self.report.add_totals(check))?;
        } else {
            self.step(analyses.discard_totals()).await?;
            self.step(analyses.stats()).await?;
        }
        Ok(())
    }

    /// Runs one step, unless a signal ends it: what it has begun is safe to leave, and to do again.
    async fn step<T>(&mut self, work: impl Future<Output = Result<T, Error>>) -> Result<T, RebuildError> {
        let result = tokio::select! {
            result = work => Some(result),
            _ = self.interrupt.recv() => None,
            _ = self.terminate.recv() => None,
        };
        let resume = || self.options.resume(self.position.as_deref());
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
    fn add(&mut self, page: &RebuildPage) -> io::Result<()> {
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

/// A line that is drawn again and again on a terminal; elsewhere a line for each page.
struct Progress(Option<ProgressBar>);

impl Progress {
    fn new() -> Self {
        Self(io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        }))
    }

    fn show(&self, report: &Report, position: &str) {
        let damaged: u64 = report.repaired.values().chain(report.left.values()).sum();
        let Report { entries, documents, .. } = report;
        let text = format!("{entries} in the index, {documents} documents, {damaged} damaged; at {position}");
        match &self.0 {
            Some(bar) => bar.set_message(text),
            None => eprintln!("{text}"),
        }
    }

    fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
