//! The environment variables that are read, and what `--help` says of them.

use analysis_http::ServerConfig;
use analysis_http::telemetry::LogConfig;
use analysis_storage::StorageConfig;
use analysis_storage::config::Variable;

/// The variables of the store, the server and the log, with their defaults.
pub(crate) fn help() -> String {
    let variables = all();
    let width = variables.iter().map(|variable| variable.name.len()).max().unwrap_or_default();
    let lines = variables.iter().map(|variable| line(variable, width));
    ["Environment variables:".to_owned()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// The variables of the store, the server and the log.
pub(crate) fn all() -> Vec<Variable> {
    [&StorageConfig::VARIABLES[..], &ServerConfig::VARIABLES, &LogConfig::VARIABLES].concat()
}

fn line(variable: &Variable, width: usize) -> String {
    let text = format!("  {:<width$}  {}", variable.name, variable.meaning);
    let default = variable.default_text();
    let text = if default == "none" { text } else { format!("{text} [default: {default}]") };
    text.replace('`', "")
}
