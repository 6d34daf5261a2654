//! Logging to standard error: lines for people, short and coloured ones at a terminal, JSON in Lambda.

mod config;
mod failures;
mod terminal;

use analysis_storage::{Cause, Error};
use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::fmt::{MakeWriter, SubscriberBuilder};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use config::LogConfig;
pub use failures::{report_end, report_panics};
use terminal::Terminal;

/// Starts logging; without a filter in the configuration, at level `info`.
///
/// # Errors
/// [`Error::Misconfigured`] if `RUST_LOG` cannot be read.
pub fn init(config: &LogConfig) -> Result<(), Error> {
    start(config, "info")
}

/// Starts logging for a server that somebody watches at a terminal, one short line a request; without a filter in the
/// configuration, at level `info`.
///
/// # Errors
/// [`Error::Misconfigured`] if `RUST_LOG` cannot be read.
pub fn init_at_terminal(config: &LogConfig, has_colours: bool) -> Result<(), Error> {
    let filter = parse(config.filter.as_deref().unwrap_or("info"))?;
    let lines = Terminal::new(std::io::stderr, has_colours && !config.no_colours);
    let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
    Ok(())
}

/// Starts logging for a command; without a filter in the configuration, at level `warn`.
///
/// # Errors
/// [`Error::Misconfigured`] if `RUST_LOG` cannot be read.
pub fn init_quietly(config: &LogConfig) -> Result<(), Error> {
    // What the SDK warns of comes back as an error, in our words.
    start(config, "warn,aws_config=error")
}

fn start(config: &LogConfig, default: &str) -> Result<(), Error> {
    let filter = config.filter.as_deref().unwrap_or(default);
    if config.in_lambda {
        let _ = lambda_log(filter, std::io::stderr)?.try_init();
    } else {
        let lines = unfiltered().with_writer(std::io::stderr).with_target(false).finish();
        let _ = lines.with(parse(filter)?).try_init();
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
    let lines = unfiltered().with_writer(writer).json().flatten_event(true).finish();
    Ok(lines.with(parse(filter)?))
}

fn unfiltered() -> SubscriberBuilder {
    tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE)
}

/// Levels, by target if need be. Filters by span or field would bring a regular-expression engine into every function,
/// and are refused rather than taken for the name of a target.
fn parse(filter: &str) -> Result<Targets, Error> {
    let wrong = |cause: Cause| Error::Misconfigured {
        advice: format!(
            "RUST_LOG={filter:?} is not a log filter such as info or info,analysis_storage=debug"
        ),
        source: Some(cause),
    };
    if filter.contains('[') {
        return Err(wrong("it filters by span or field, and only target=level is known".into()));
    }
    filter.parse().map_err(|e: ParseError| wrong(e.into()))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_filter_is_a_list_of_levels_and_targets() {
        let enabled = |filter: &str, target: &str, level| parse(filter).unwrap().would_enable(target, &level);
        for (filter, storage, other) in [
            ("info", "INFO", "INFO"),
            ("warn,analysis_storage=debug", "DEBUG", "WARN"),
            ("analysis_storage", "TRACE", "OFF"),
            ("off", "OFF", "OFF"),
        ] {
            for (target, most) in [("analysis_storage::requests", storage), ("hyper", other)] {
                let most: LevelFilter = most.parse().unwrap();
                for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE] {
                    assert_eq!(enabled(filter, target, level), level <= most, "{filter}: {target} {level}");
                }
            }
        }
    }

    #[test]
    fn other_filters_are_refused() {
        for filter in ["info=loud", "a=b=c", "analysis_http[request]=debug", "[{id=5}]=trace"] {
            let error = parse(filter).unwrap_err().to_string();
            assert!(error.starts_with(&format!("RUST_LOG={filter:?} is not a log filter")), "{error}");
        }
    }
}
