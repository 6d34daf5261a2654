//! The environment variables that are read, and what `--help` says of them.

use analysis_http::ServerConfig;
use analysis_http::telemetry::LogConfig;
use analysis_storage::StorageConfig;
use analysis_storage::config::Variable;

/// The variables of the store, the server and the log, with their defaults.
pub(crate) fn help() -> String {
    let variables = all();
    ["Environment variables:".to_owned()]
        .into_iter()
        .chain(variables.iter().map(entry))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The variables of the store, the server and the log.
pub(crate) fn all() -> Vec<Variable> {
    [&StorageConfig::VARIABLES[..], &ServerConfig::VARIABLES, &LogConfig::VARIABLES].concat()
}

/// The name, and below it what the variable is for, as `--help` has options.
fn entry(variable: &Variable) -> String {
    let default = variable.default_text();
    let default = if default == "none" { String::new() } else { format!(" [default: {default}]") };
    format!("  {}\n          {}{default}", variable.name, variable.meaning).replace('`', "")
}
