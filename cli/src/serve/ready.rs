//! `/ready`: whether the storage answers.

use std::sync::Arc;
use std::time::Duration;

use analysis_http::{App, Problem};
use analysis_storage::Error;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long an answer of the storage holds: however often it is asked, `/ready` costs one LIST in this time.
const HOLDS: Duration = Duration::from_secs(3);
/// How long the storage may take to answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// What the storage has answered last, for all that ask.
#[derive(Debug, Clone, Default)]
pub(super) struct Readiness(Arc<Mutex<Option<Answer>>>);

#[derive(Debug)]
struct Answer {
    at: Instant,
    result: Result<(), Problem>,
}

impl Readiness {
    /// Whether the storage answers, or has answered a moment ago.
    pub(super) async fn of(&self, app: &App) -> Result<(), Problem> {
        // Held while the storage is asked, so that others wait for that answer.
        let mut last = self.0.lock().await;
        match &*last {
            Some(answer) if answer.at.elapsed() < HOLDS => answer.result.clone(),
            _ => {
                let result = probe(app, PATIENCE).await.map_err(Problem::from);
                *last = Some(Answer { at: Instant::now(), result: result.clone() });
                result
            }
        }
    }
}

/// Asks the storage whether it answers within this time.
pub(super) async fn probe(app: &App, patience: Duration) -> Result<(), Error> {
    let late = |late: tokio::time::error::Elapsed| Error::NoAnswer {
        operation: "it did not answer in time".into(),
        source: late.into(),
    };
    timeout(patience, app.analyses_without_deadline().within(patience).probe()).await.map_err(late)?
}
