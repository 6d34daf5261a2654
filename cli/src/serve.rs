//! `design-analysis serve`: the routes of all functions as one HTTP server.

mod cors;
pub(crate) mod memory;
mod ready;

use std::net::SocketAddr;
use std::time::Duration;

use analysis_http::telemetry::{self, LogConfig};
use analysis_http::{App, Guard, Problem, ServerConfig, finish_behind};
use analysis_storage::{Error, ErrorCode, MemoryBudget};
use axum::extract::State;
use axum::routing::{any, get};
use axum::{Json, Router};
use console::Term;
use serde_json::{Value, json};
use tokio::net::{TcpListener, lookup_host};

use crate::exit::{FAILED, Failure};
use crate::front_page;
use crate::listen::{self, Limits, Services};
use crate::signals::Signals;
use crate::store;

use self::ready::{Readiness, probe};

/// How long requests in flight may take to end after SIGTERM: with [`LAST_WRITES`], below the 30 seconds that
/// Kubernetes and ECS wait before they kill.
const DRAIN: Duration = Duration::from_secs(25);
/// How long writes may take whose callers have left.
const LAST_WRITES: Duration = Duration::from_secs(3);

/// How long the storage may take to say that it is there before the server listens all the same.
const PROBE: Duration = Duration::from_secs(5);

/// Where to listen.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Address to listen on [default: `API_HOST`, else 127.0.0.1]
    #[arg(long)]
    host: Option<String>,
    /// Port to listen on; 0 takes a free one [default: `API_PORT`, else 8000]
    #[arg(long)]
    port: Option<u16>,
    /// Serve an address that others can reach without asking for a token
    #[arg(long)]
    insecure_no_auth: bool,
}

/// Why the server did not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error(transparent)]
    Storage(#[from] Error),
    #[error(
        "cannot listen on {host}:{port}; set API_HOST and API_PORT, or --host and --port, to a free address"
    )]
    Listen { host: String, port: u16, source: std::io::Error },
    #[error(
        "{0} can be reached by others; set API_TOKEN to the bearer token they must send, or pass --insecure-no-auth"
    )]
    NoToken(SocketAddr),
    #[error("the server failed")]
    Serve(#[from] std::io::Error),
}

impl Failure for ServeError {}

/// Serves until SIGTERM or SIGINT; requests in flight are answered first.
pub(crate) async fn run(options: Options) -> Result<(), ServeError> {
    start_log(&LogConfig::from_env()?)?;
    let (server, storage) = (ServerConfig::from_env()?, store::config()?);
    let budget = memory::budget(&server, &storage)?;
    if let Some(doubt) = store::doubt(&storage) {
        tracing::warn!("{doubt}");
    }
    let host = options.host.as_deref().unwrap_or(&server.host);
    let address = resolve(host, options.port.unwrap_or(server.port)).await?;
    if !address.ip().is_loopback() && server.token.is_none() && !options.insecure_no_auth {
        return Err(ServeError::NoToken(address));
    }
    let guard = Guard::new(&server, host, address.ip());
    let app = App::open(storage).await?.guarded_by(guard).with_budget(MemoryBudget::of(budget));
    if wait_for_storage(&app).await? {
        store::before_serving(&app).await?;
    } else {
        store::once_it_answers(app.clone());
    }
    let limits = Limits::new(server.connections_per_peer, budget);
    tracing::info!(
        memory_budget = budget,
        connections = limits.connections,
        per_peer = limits.per_peer,
        "limits"
    );
    serve(app, server, limits, address).await
}

/// Gives the storage some time, and says whether it answers. A storage that is away is served as unavailable until it is
/// back; a configuration that cannot work ends the start.
async fn wait_for_storage(app: &App) -> Result<bool, Error> {
    match probe(app, PROBE).await {
        Err(error) if error.is_retryable() => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(cause, "{error}; serving all the same: until it answers, requests get 503");
            Ok(false)
        }
        result => result.map(|()| true),
    }
}

fn start_log(config: &LogConfig) -> Result<(), Error> {
    let terminal = Term::stderr();
    if terminal.is_term() {
        telemetry::init_at_terminal(config, terminal.features().colors_supported())
    } else {
        telemetry::init(config)
    }
}

async fn resolve(host: &str, port: u16) -> Result<SocketAddr, ServeError> {
    let failed = |source| ServeError::Listen { host: host.to_owned(), port, source };
    let mut addresses = lookup_host((host, port)).await.map_err(failed)?;
    addresses.next().ok_or_else(|| failed(std::io::Error::other("the name has no address")))
}

async fn serve(
    app: App,
    config: ServerConfig,
    limits: Limits,
    address: SocketAddr,
) -> Result<(), ServeError> {
    let failed = |source| ServeError::Listen { host: address.ip().to_string(), port: address.port(), source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let stop = stop_signal()?;
    let address = listener.local_addr()?;
    tracing::info!(store = %app.config().storage, "listening on http://{address}");
    suggest(address);
    listen::serve(listener, services(&app, config), limits, stop, DRAIN).await;
    // Saves whose callers have left are not cut off either, while there is time.
    if tokio::time::timeout(LAST_WRITES, app.finish_writes()).await.is_err() {
        tracing::warn!("some saves had not ended");
    }
    Ok(())
}

/// Says to somebody at a terminal what to try next.
fn suggest(address: SocketAddr) {
    let terminal = Term::stderr();
    if terminal.is_term() && address.ip().is_loopback() {
        // A terminal that takes no line is no reason not to serve.
        let _ = terminal.write_line(&format!("In a second terminal, try: curl http://{address}/health"));
    }
}

/// Done at SIGTERM or SIGINT. A second signal ends the process at once.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut signals = Signals::new()?;
    Ok(async move {
        signals.received().await;
        tracing::info!("stopping; requests in flight are answered first");
        tokio::spawn(async move {
            signals.received().await;
            std::process::exit(FAILED.into());
        });
    })
}

fn services(app: &App, config: ServerConfig) -> Services {
    let origins = config.cors_origins;
    let all = finish_behind(routes(), app.clone().with_token(config.token), |all| cors::allow(&origins, all));
    let when_full = finish_behind(when_full(), app.clone(), |full| cors::allow(&origins, full));
    Services { all, when_full }
}

/// All functions, and what only a server has.
fn routes() -> Router<App> {
    let readiness = Readiness::default();
    let ready = async move |State(app): State<App>| {
        readiness.of(&app).await?;
        Ok::<_, Problem>(Json(json!({ "status": "ready" })))
    };
    Router::new()
        .merge(analysis_fn_save::routes())
        .merge(analysis_fn_load::routes())
        .merge(analysis_fn_list::routes())
        .merge(analysis_fn_stats::routes())
        .merge(analysis_fn_delete::routes())
        .route("/", get(front_page::show))
        .route("/health", get(health))
        .route("/ready", get(ready))
}

/// What a connection beyond the limits is answered.
fn when_full() -> Router<App> {
    let busy = async || {
        let detail = "the server has as many connections as it serves at once, in all or for one address";
        Problem::new(ErrorCode::Busy, detail)
    };
    Router::new().route("/health", get(health)).route("/", any(busy)).route("/{*path}", any(busy))
}

/// Whether the process lives.
async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}
