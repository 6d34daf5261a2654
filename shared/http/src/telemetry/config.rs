//! The configuration of the log: what is logged, and in which form.

use analysis_storage::Error;
use analysis_storage::config::{DefaultValue, Environment, Variable};

const LEVEL: Variable = Variable {
    name: "AWS_LOG_LEVEL",
    fallbacks: &[],
    default: DefaultValue::Words("`INFO` for the server and the functions, `WARN` for commands"),
    meaning: "`TRACE`, `DEBUG`, `INFO`, `WARN` or `ERROR`",
    is_secret: false,
};
const FILTER: Variable = Variable {
    name: "RUST_LOG",
    fallbacks: &[],
    default: DefaultValue::Words("none"),
    meaning: "a log filter, such as `info` or `analysis_storage=debug`; goes before `AWS_LOG_LEVEL`",
    is_secret: false,
};
const NO_COLOR: Variable = Variable {
    name: "NO_COLOR",
    fallbacks: &[],
    default: DefaultValue::Words("none"),
    meaning: "any value: a server at a terminal logs without colours",
    is_secret: false,
};
/// Lambda sets it for every function, and nobody else does.
const IN_LAMBDA: &str = "AWS_LAMBDA_RUNTIME_API";

/// The settings of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// `RUST_LOG`, or else `AWS_LOG_LEVEL`: what is logged; `None` leaves it to the program.
    pub filter: Option<String>,
    /// `NO_COLOR`: whether a terminal is not to show colours (<https://no-color.org>).
    pub no_colours: bool,
    /// Whether this process is a Lambda function.
    pub in_lambda: bool,
}

impl LogConfig {
    /// The variables that are read.
    pub const VARIABLES: [Variable; 3] = [LEVEL, FILTER, NO_COLOR];

    /// The settings in the variables of this process.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] names the variable and what it takes.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_environment(&Environment::of_process())
    }

    /// The settings in any set of variables.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] names the variable and what it takes.
    pub fn from_environment(environment: &Environment<'_>) -> Result<Self, Error> {
        Ok(Self {
            filter: filter(environment)?,
            no_colours: environment.get(&NO_COLOR).is_some(),
            in_lambda: environment.lookup(IN_LAMBDA).is_some(),
        })
    }
}

fn filter(environment: &Environment<'_>) -> Result<Option<String>, Error> {
    if let Some(filter) = environment.get(&FILTER) {
        return Ok(Some(filter));
    }
    let Some(level) = environment.get(&LEVEL) else { return Ok(None) };
    let filter = level.to_ascii_lowercase();
    if ["trace", "debug", "info", "warn", "error"].contains(&filter.as_str()) {
        Ok(Some(filter))
    } else {
        Err(LEVEL.wrong(&level, "one of TRACE, DEBUG, INFO, WARN, ERROR"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<LogConfig, Error> {
        LogConfig::from_environment(&Environment::from_pairs(variables))
    }

    #[test]
    fn a_log_filter_goes_before_a_log_level() {
        let filter = |variables| config(variables).unwrap().filter;
        assert_eq!(filter(&[]), None);
        assert_eq!(filter(&[("AWS_LOG_LEVEL", "DEBUG")]).as_deref(), Some("debug"));
        assert_eq!(filter(&[("AWS_LOG_LEVEL", "DEBUG"), ("RUST_LOG", "warn")]).as_deref(), Some("warn"));
    }

    #[test]
    fn an_unknown_level_names_its_variable() {
        let error = config(&[("AWS_LOG_LEVEL", "LOUD")]).unwrap_err().to_string();
        assert!(error.starts_with("AWS_LOG_LEVEL=\"LOUD\" is not one of"), "{error}");
    }
}
