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
        let app = app.clone();
        self.or_ask(async move { probe(&app, PATIENCE).await.map_err(Problem::from) }).await
    }

    /// What the storage has answered a moment ago, else what `ask` finds out.
    async fn or_ask(
        &self,
        ask: impl Future<Output = Result<(), Problem>> + Send + 'static,
    ) -> Result<(), Problem> {
        // Held while the storage is asked, so that others wait for that answer.
        let mut last = Arc::clone(&self.0).lock_owned().await;
        if let Some(answer) = last.as_ref().filter(|answer| answer.at.elapsed() < HOLDS) {
            return answer.result.clone();
        }
        // In a task of its own: who asks may hang up, and the others still need the answer.
        let asking = tokio::spawn(async move {
            let result = ask.await;
            *last = Some(Answer { at: Instant::now(), result: result.clone() });
            result
        });
        asking.await.unwrap_or_else(|_| Err(Problem::internal()))
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

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn an_answer_outlasts_the_caller_that_has_asked_for_it() {
        let readiness = Readiness::default();
        let (answer, answered) = oneshot::channel();
        let hangs_up = readiness.or_ask(async { answered.await.unwrap() });
        tokio::select! {
            biased;
            _ = hangs_up => panic!("nothing has answered"),
            () = tokio::task::yield_now() => {}
        }
        answer.send(Ok(())).unwrap();
        let asks_again = async { panic!("the storage is asked a second time") };
        assert!(readiness.or_ask(asks_again).await.is_ok());
    }
}
