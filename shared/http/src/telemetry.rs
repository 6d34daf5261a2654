//! Logging to standard error: lines for people, JSON in Lambda.

use analysis_storage::{Config, Error};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging; without a filter in the configuration, at level `info`.
///
/// # Errors
/// [`Error::Misconfigured`] if `RUST_LOG` cannot be read.
pub fn init(config: &Config) -> Result<(), Error> {
    start(config, "info")
}

/// The same for a program that somebody watches: without a filter in the configuration, at level `warn`.
///
/// # Errors
/// [`Error::Misconfigured`] if `RUST_LOG` cannot be read.
pub fn init_quietly(config: &Config) -> Result<(), Error> {
    start(config, "warn")
}

fn start(config: &Config, default: &str) -> Result<(), Error> {
    let filter = config.log_filter.as_deref().unwrap_or(default);
    if config.in_lambda {
        let _ = lambda_log(filter, std::io::stderr)?.try_init();
    } else {
        let lines = tracing_subscriber::fmt().with_env_filter(parse(filter)?).with_writer(std::io::stderr);
        let _ = lines.with_target(false).try_init();
    }
    Ok(())
}

/// What a Lambda function logs: a JSON object in each line, with `timestamp` and `level`.
///
/// Lambda filters by both, and takes a line without a time for one of level INFO (AWS Lambda Developer Guide,
/// "Log-level filtering").
///
/// # Errors
/// [`Error::Misconfigured`] if the filter cannot be read.
pub fn lambda_log<W>(filter: &str, writer: W) -> Result<impl Subscriber + Send + Sync, Error>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_env_filter(parse(filter)?).with_writer(writer);
    Ok(lines.json().flatten_event(true).finish())
}

fn parse(filter: &str) -> Result<EnvFilter, Error> {
    EnvFilter::try_new(filter).map_err(|e| Error::Misconfigured {
        advice: format!("RUST_LOG={filter:?} is not a log filter such as info or analysis_storage=debug"),
        source: Some(e.into()),
    })
}
