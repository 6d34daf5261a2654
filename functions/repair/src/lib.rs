//! Repairing the index: what crashed saves and deletes, and other programs, have left behind is put right on a
//! schedule, month by month, the newest first.
//!
//! A run that its time is over for leaves its position in the bucket, and the next event goes on from there: see
//! `docs/decisions/0013-repair-goes-on.md`.

mod run;
mod task;

use analysis_storage::{Analyses, Error};
use jiff::Timestamp;
use lambda_http::lambda_runtime::LambdaEvent;

pub use run::RepairReport;
pub use task::Task;

/// Works on the task of an event until it is done, or the function's time is nearly over.
///
/// # Errors
/// A month that cannot be read, and failures of the storage. Repairing is safe to repeat.
pub async fn handle(analyses: &Analyses, event: LambdaEvent<Task>) -> Result<RepairReport, Error> {
    let deadline = i64::try_from(event.context.deadline).ok().map(Timestamp::from_millisecond);
    let deadline = deadline.and_then(Result::ok).unwrap_or(Timestamp::MAX);
    let outcome = run::run(analyses, &event.payload, deadline).await?;
    outcome.log();
    Ok(outcome)
}
