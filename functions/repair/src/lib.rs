//! Repairing the index: what crashed saves and deletes, and other programs, have left behind is put right
//! month by month, on a schedule.

use std::collections::BTreeMap;

use analysis_storage::rebuild::{Damage, Finding, Mode, RebuildPage};
use analysis_storage::{Analyses, Clock, Error, Month};
use jiff::{SignedDuration, Timestamp};
use lambda_http::lambda_runtime::LambdaEvent;
use serde::{Deserialize, Serialize};

/// No further page is begun when less time than this is left: a page takes a few seconds, far more under throttling.
const RESERVE: SignedDuration = SignedDuration::from_secs(30);

/// What to repair: the event of the function. All that a schedule sends besides is ignored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Task {
    /// The first month, such as `2024-01`; without it, the previous month up to the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<String>,
    /// The last month; without it, the first one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Where to begin in the first month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_after: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Outcome {
    /// Whether the task is done; otherwise [`next`](Self::next) is what is left of it.
    pub done: bool,
    /// The event to go on with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Task>,
    /// How many analyses of the index were looked at.
    pub entries: u64,
    /// How many documents were looked at.
    pub documents: u64,
    /// What was repaired, by kind.
    pub repaired: BTreeMap<Damage, u64>,
    /// What someone has to put right by hand, by kind; the log says where.
    pub left: BTreeMap<Damage, u64>,
}

/// Works on the task of an event until it is done, or the function's time is nearly over.
///
/// # Errors
/// A month or position that cannot be read, and failures of the storage. Repairing is safe to repeat.
pub async fn handle(analyses: &Analyses, event: LambdaEvent<Task>) -> Result<Outcome, Error> {
    let deadline = i64::try_from(event.context.deadline).ok().map(Timestamp::from_millisecond);
    let deadline = deadline.and_then(Result::ok).unwrap_or(Timestamp::MAX);
    let outcome = work(analyses, &event.payload, deadline).await?;
    outcome.log();
    Ok(outcome)
}

async fn work(analyses: &Analyses, task: &Task, deadline: Timestamp) -> Result<Outcome, Error> {
    let (mut month, until) = months(task, analyses.clock())?;
    let mut position = task.start_after.clone();
    let mut outcome = Outcome::default();
    while month <= until {
        let page = analyses.rebuild_page(Some(month), position.as_deref(), Mode::Repair).await?;
        outcome.add(&page);
        position = page.next;
        if position.is_none() {
            month = month.next();
        }
        // Judged behind a page, so that each run gets further, however little time it has.
        if month <= until && deadline.duration_since(analyses.clock().now()) < RESERVE {
            let (month, until) = (Some(month.to_string()), Some(until.to_string()));
            outcome.next = Some(Task { month, until, start_after: position });
            return Ok(outcome);
        }
    }
    // Whoever asks for totals next finds the days that are over counted: here there is time for it.
    analyses.stats().await?;
    outcome.done = true;
    Ok(outcome)
}

fn months(task: &Task, clock: &dyn Clock) -> Result<(Month, Month), Error> {
    let until = task.until.as_deref().map(Month::parse).transpose()?;
    if let Some(month) = task.month.as_deref().map(Month::parse).transpose()? {
        return Ok((month, until.unwrap_or(month)));
    }
    let present = Month::of(clock.now());
    Ok((present.previous(), until.unwrap_or(present)))
}

impl Outcome {
    /// One line that the stack's alarm on unfinished repairs looks for, so that it is written at any log level.
    fn log(&self) {
        let Self { done, entries, documents, .. } = self;
        let (repaired, left) = (self.repaired.values().sum::<u64>(), self.left.values().sum::<u64>());
        if *done {
            tracing::info!(done, entries, documents, repaired, left, "repaired the index");
        } else {
            tracing::error!(
                done,
                entries,
                documents,
                repaired,
                left,
                "ran out of time before the repair was done"
            );
        }
    }

    fn add(&mut self, page: &RebuildPage) {
        self.entries += page.entries;
        self.documents += page.documents;
        for Finding { damage, key, repaired, advice } in &page.findings {
            let counts = if *repaired { &mut self.repaired } else { &mut self.left };
            *counts.entry(*damage).or_default() += 1;
            if *repaired {
                tracing::info!(%key, "repaired: {damage}");
            } else {
                tracing::warn!(%key, advice, "not repaired: {damage}");
            }
        }
    }
}
