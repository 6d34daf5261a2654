//! Logging to standard error: lines for people, JSON in Lambda.

use analysis_storage::{Config, Error};
use tracing_subscriber::EnvFilter;

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
    let parsed = EnvFilter::try_new(filter).map_err(|e| Error::Misconfigured {
        advice: format!("RUST_LOG={filter:?} is not a log filter such as info or analysis_storage=debug"),
        source: Some(e.into()),
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(parsed).with_writer(std::io::stderr);
    if config.in_lambda {
        // CloudWatch stamps each line itself.
        let _ = builder.json().flatten_event(true).without_time().try_init();
    } else {
        let _ = builder.with_target(false).try_init();
    }
    Ok(())
}
