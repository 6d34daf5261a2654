//! `design-analysis doctor`: what may stand in the way of the store, and what to do about it.

use std::io::{self, Write};

use analysis_http::telemetry::{self, LogConfig};
use analysis_storage::StorageConfig;
use analysis_storage::diagnosis::{Finding, State, diagnose};
use serde_json::json;

use crate::command::CommandError;
use crate::store;
use crate::table::{Align, Columns};

/// How findings are printed.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Looks at everything, and prints a table; ends with 1 if something is wrong.
pub(crate) async fn run(options: Options) -> Result<(), CommandError> {
    telemetry::init_quietly(&LogConfig::from_env()?)?;
    let config = store::config()?;
    if let Some(doubt) = store::doubt(&config) {
        eprintln!("warning: {doubt}");
    }
    let findings = diagnose(&config).await;
    let printed = if options.json { print_json(&config, &findings) } else { print_table(&config, &findings) };
    printed.map_err(CommandError::Output)?;
    match findings.iter().filter(|finding| finding.state == State::Wrong).count() {
        0 => Ok(()),
        1 => Err(CommandError::Refused("1 thing is wrong".to_owned())),
        wrong => Err(CommandError::Refused(format!("{wrong} things are wrong"))),
    }
}

fn print_json(config: &StorageConfig, findings: &[Finding]) -> io::Result<()> {
    writeln!(io::stdout(), "{}", json!({ "store": config.storage.to_string(), "findings": findings }))
}

fn print_table(config: &StorageConfig, findings: &[Finding]) -> io::Result<()> {
    let mut columns = Columns::new(["CHECK", "RESULT", "FOUND"].map(|name| (name.to_owned(), Align::Left)));
    let row =
        |finding: &Finding| vec![finding.check.clone(), finding.state.to_string(), finding.found.clone()];
    let rows: Vec<_> = findings.iter().map(row).collect();
    columns.widen(&rows);
    let mut out = io::stdout().lock();
    writeln!(out, "The store is {}\n\n{}", config.storage, columns.heading())?;
    for (row, finding) in rows.iter().zip(findings) {
        writeln!(out, "{}", columns.line(row))?;
        if let Some(advice) = &finding.advice {
            writeln!(out, "  -> {advice}")?;
        }
    }
    out.flush()
}
