//! One run: months until there are no more, or no more time.

use std::collections::BTreeMap;

use analysis_storage::repair::RepairPosition;
use analysis_storage::repair::{Damage, Finding, Mode, RepairStep};
use analysis_storage::{Analyses, AnalysisId, Error, Month};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::Task;

/// No further page is begun when less time than this is left: a page takes a second, far more under throttling.
const RESERVE: SignedDuration = SignedDuration::from_secs(60);

/// What one run has done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct RepairReport {
    /// Whether nothing is left to do.
    pub done: bool,
    /// The month that the next run goes on with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Whether a schedule found the run before it unfinished.
    pub is_late: bool,
    /// How many entries of the index were looked at.
    pub entries: u64,
    /// How many documents were looked at.
    pub documents: u64,
    /// Whether there was nothing to go on with, and nothing was looked at.
    #[serde(skip)]
    pub is_idle: bool,
    /// What was repaired, by kind.
    pub repaired: BTreeMap<Damage, u64>,
    /// What someone has to put right by hand, by kind; the log says where.
    pub left: BTreeMap<Damage, u64>,
}

pub(crate) async fn run(
    analyses: &Analyses,
    task: &Task,
    deadline: Timestamp,
) -> Result<RepairReport, Error> {
    let mut outcome = RepairReport::default();
    if let Some((first, last)) = task.months()? {
        let months = std::iter::successors(Some(last), |month| Some(month.previous()));
        let months = months.take_while(|month| first <= *month);
        outcome.done = outcome.repair(analyses, months, deadline, false).await?;
        return Ok(outcome);
    }
    let left_off = analyses.repair_position().await?;
    let is_busy = left_off.busy_until.is_some_and(|until| analyses.clock().now() < until);
    if task.only_go_on && (is_busy || left_off.next.is_none()) {
        return Ok(RepairReport { done: true, is_idle: true, ..outcome });
    }
    outcome.is_late = !task.only_go_on && left_off.next.is_some();
    let from = left_off.next.as_deref().map(Month::parse).transpose().unwrap_or_default();
    let months = analyses.months().await?.into_iter().rev();
    let months = months.filter(|month| from.is_none_or(|from| *month <= from));
    outcome.done = outcome.repair(analyses, months, deadline, true).await?;
    if outcome.done {
        outcome.add(&analyses.check_outside_months().await?);
        // Whatever a crash or another program has left uncounted is counted from here on.
        analyses.recount().await?;
        analyses.keep_repair_position(&RepairPosition::default()).await?;
    }
    Ok(outcome)
}

impl RepairReport {
    /// Repairs these months: whether there was time for all of them. If `keeps`, the month under way is kept in the
    /// bucket.
    async fn repair(
        &mut self,
        analyses: &Analyses,
        months: impl Iterator<Item = Month>,
        deadline: Timestamp,
        keeps: bool,
    ) -> Result<bool, Error> {
        for month in months {
            let position = |busy_until| RepairPosition { next: Some(month.to_string()), busy_until };
            if keeps {
                analyses.keep_repair_position(&position(Some(deadline))).await?;
            }
            let mut repair = analyses.repair_month(month, Mode::REPAIR);
            // A month that is done is left behind, however late it is by then.
            while !repair.is_done() {
                if deadline.duration_since(analyses.clock().now()) < RESERVE {
                    self.next = Some(month.to_string());
                    if keeps {
                        analyses.keep_repair_position(&position(None)).await?;
                    }
                    return Ok(false);
                }
                if let Some(page) = repair.step().await? {
                    self.add(&page);
                }
            }
        }
        Ok(true)
    }

    fn add(&mut self, page: &RepairStep) {
        self.entries += page.entries;
        self.documents += page.documents;
        for Finding { damage, key, repaired, id, detail, advice, .. } in &page.findings {
            let counts = if *repaired { &mut self.repaired } else { &mut self.left };
            *counts.entry(*damage).or_default() += 1;
            let id = id.as_ref().map(AnalysisId::as_str);
            if *repaired {
                tracing::info!(%key, id, detail, "repaired: {damage}");
            } else {
                tracing::warn!(%key, id, detail, advice, "not repaired: {damage}");
            }
        }
    }

    /// One line that the stack's alarms look for: on unfinished repairs, so that it is an error, on findings that are
    /// left, and on repairs that are not done.
    pub(crate) fn log(&self) {
        let Self { done, next, entries, documents, .. } = self;
        if self.is_idle {
            tracing::debug!("there is nothing to go on with");
            return;
        }
        let (repaired, left) = (self.repaired.values().sum::<u64>(), self.left.values().sum::<u64>());
        if self.is_late {
            let late = true;
            tracing::error!(
                late,
                done,
                next,
                entries,
                documents,
                repaired,
                left,
                "the repair before was not done"
            );
        } else {
            tracing::info!(done, next, entries, documents, repaired, left, "repaired the index");
        }
    }
}
