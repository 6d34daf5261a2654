//! The state that handlers share, and what every service has around its routes.

use std::sync::Arc;
use std::time::Duration;

use analysis_storage::durations::LONGEST_REQUEST;
use analysis_storage::{Analyses, Document, Error, MemoryBudget, StorageConfig};
use axum::extract::Request;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, middleware};
use bytes::Bytes;
use tokio_util::task::TaskTracker;

use crate::guard::{self, Guard};
use crate::problem::{HttpCode, Problem};
use crate::server_config::Secret;
use crate::{auth, envelope, response_memory};

/// The longest a request may work on the storage. With a cold start before it, below the 30 seconds after which API
/// Gateway gives up, and far below the 15 minutes after which the protocol takes a save for crashed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(24);

/// From which size on a document is checked beside the threads that serve: smaller ones take no millisecond.
const CHECKED_ASIDE: usize = 256 << 10;

const _: () = assert!(LONGEST_REQUEST.as_millis() <= DEADLINE.as_millis(), "the protocol counts on it");

/// What handlers need: the analyses and the settings of their store.
#[derive(Debug, Clone)]
pub struct App {
    analyses: Analyses,
    config: Arc<StorageConfig>,
    token: Option<Secret>,
    guard: Option<Arc<Guard>>,
    budget: MemoryBudget,
    writes: TaskTracker,
}

impl App {
    /// The state over these analyses. Callers need no token.
    #[must_use]
    pub fn new(analyses: Analyses, config: StorageConfig) -> Self {
        Self {
            analyses,
            config: Arc::new(config),
            token: None,
            guard: None,
            budget: MemoryBudget::default(),
            writes: TaskTracker::new(),
        }
    }

    /// Opens the configured store.
    ///
    /// # Errors
    /// What [`Analyses::open`] says.
    pub async fn open(config: StorageConfig) -> Result<Self, Error> {
        Ok(Self::new(Analyses::open(&config).await?, config))
    }

    /// Asks callers for this token, if it is one.
    #[must_use]
    pub fn with_token(self, token: Option<Secret>) -> Self {
        Self { token, ..self }
    }

    /// Whether callers must send a token.
    #[must_use]
    pub fn needs_token(&self) -> bool {
        self.token.is_some()
    }

    /// Lets only requests pass that this guard takes.
    #[must_use]
    pub fn guarded_by(self, guard: Guard) -> Self {
        Self { guard: Some(Arc::new(guard)), ..self }
    }

    /// Takes the memory for documents from this budget.
    #[must_use]
    pub fn with_budget(self, budget: MemoryBudget) -> Self {
        Self { budget, ..self }
    }

    /// What documents take their memory from.
    #[must_use]
    pub fn budget(&self) -> &MemoryBudget {
        &self.budget
    }

    /// The analyses, for one request that begins now and is answered within the deadline.
    #[must_use]
    pub fn analyses(&self) -> Analyses {
        self.analyses.within(DEADLINE)
    }

    /// The analyses, for work that no caller waits for.
    #[must_use]
    pub fn analyses_without_deadline(&self) -> &Analyses {
        &self.analyses
    }

    /// The settings of the store.
    #[must_use]
    pub fn config(&self) -> &StorageConfig {
        &self.config
    }

    /// Runs a read within the deadline.
    ///
    /// # Errors
    /// The work's own, or 503 when the deadline has passed.
    pub async fn read<T>(&self, work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
        match tokio::time::timeout(DEADLINE, work).await {
            Ok(result) => result,
            Err(late) => {
                Err(Error::NoAnswer { operation: "the deadline has passed".into(), source: late.into() }
                    .into())
            }
        }
    }

    /// Runs a write within the deadline, and to its end even if the caller goes away: a save that is cut off
    /// between its requests would be a document without its entry.
    ///
    /// # Errors
    /// The work's own, or 503 when the deadline has passed.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let app = self.clone();
        let task = self.writes.spawn(async move { app.read(work).await });
        task.await.unwrap_or_else(|_| Err(Problem::internal()))
    }

    /// Checks a document: a large one beside the threads that serve other requests meanwhile.
    ///
    /// # Errors
    /// What [`Document::parse`] says.
    pub async fn check(&self, body: Bytes) -> Result<Document, Problem> {
        if body.len() < CHECKED_ASIDE {
            return Ok(Document::parse(body)?);
        }
        let checking = tokio::task::spawn_blocking(move || Document::parse(body));
        self.read(async { Ok(checking.await.map_err(|_| Problem::internal())??) }).await
    }

    /// Waits until every write that has begun is done.
    pub async fn finish_writes(&self) {
        self.writes.close();
        self.writes.wait().await;
    }
}

/// Makes a service of routes: the token where one is configured, problems for unknown paths and methods, request
/// ids, logging.
pub fn finish(routes: Router<App>, app: App) -> Router {
    finish_behind(routes, app, |service| service)
}

/// Makes a service as [`finish`] does, with the layers of `front` before guard and token: a browser that asks what a page
/// may send has no token yet.
pub fn finish_behind(routes: Router<App>, app: App, front: impl FnOnce(Router) -> Router) -> Router {
    let mut service = routes
        .fallback(unknown_route)
        .method_not_allowed_fallback(async || {
            Problem::new(HttpCode::MethodNotAllowed, "see the Allow header for those it does")
        })
        .with_state(app.clone())
        .layer(middleware::from_fn_with_state(app.budget.clone(), response_memory::account));
    if let Some(token) = app.token.clone() {
        service = service.layer(middleware::from_fn_with_state(token, auth::require_token));
    }
    if let Some(guard) = app.guard.clone() {
        service = service.layer(middleware::from_fn_with_state(guard, guard::check));
    }
    front(service).layer(middleware::from_fn_with_state(app, envelope::wrap))
}

/// A slash too many at the end leads readers to the path without it, by whatever prefix a proxy has in front of it.
async fn unknown_route(request: Request) -> Response {
    let path = request.uri().path();
    if matches!(*request.method(), Method::GET | Method::HEAD)
        && let Some((_, part)) = path.strip_suffix('/').and_then(|path| path.rsplit_once('/'))
        && !part.is_empty()
    {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        return Redirect::permanent(&format!("../{part}{query}")).into_response();
    }
    let path: String = path.chars().take(200).collect();
    Problem::new(HttpCode::UnknownRoute, format!("there is no route {path:?}")).into_response()
}

#[cfg(test)]
mod tests {
    use analysis_storage::bucket::memory::MemoryBucket;
    use analysis_storage::config::Environment;
    use analysis_storage::{Layout, StorageType, SystemClock};

    use super::*;

    #[tokio::test]
    async fn a_large_document_is_checked_while_others_are_served() {
        let bucket = Arc::new(MemoryBucket::default());
        let analyses = Analyses::new(bucket, StorageType::Memory, Layout::new(""), Arc::new(SystemClock));
        let config = StorageConfig::from_environment(&Environment::from_pairs(&[])).unwrap();
        let app = App::new(analyses, config);
        let text = "x".repeat(4 << 20);
        let mut check =
            std::pin::pin!(app.check(format!(r#"{{"status":"success","text":"{text}"}}"#).into()));
        tokio::select! {
            biased;
            _ = &mut check => panic!("the one thread of this runtime has checked it"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(check.await.unwrap().summary().status.as_str(), "success");
        let wrong = app.check(format!(r#"{{"text":"{text}"#).into()).await;
        assert_eq!(wrong.unwrap_err().status().as_u16(), 400);
    }
}
