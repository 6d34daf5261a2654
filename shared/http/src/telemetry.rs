//! Logging to standard error: lines for people, JSON in Lambda.

use analysis_storage::{Config, Error};
use tracing_subscriber::EnvFilter;

/// Starts logging.
///
/// # Errors
/// [`Error::Misconfigured`] if `RUST_LOG` cannot be read.
pub fn init(config: &Config) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&config.log_filter).map_err(|e| Error::Misconfigured {
        advice: format!(
            "RUST_LOG={:?} is not a log filter such as info or analysis_storage=debug",
            config.log_filter
        ),
        source: Some(e.into()),
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if config.in_lambda {
        // CloudWatch stamps each line itself.
        let _ = builder.json().flatten_event(true).without_time().try_init();
    } else {
        let _ = builder.with_target(false).try_init();
    }
    Ok(())
}
