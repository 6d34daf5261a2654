//! `design-analysis config`: each setting, its value, and where that comes from.

use std::io::{self, Write};

use analysis_http::ServerConfig;
use analysis_http::telemetry::LogConfig;
use analysis_storage::config::{Environment, StoreName, Variable};
use serde::Serialize;
use serde_json::json;

use crate::command::CommandError;
use crate::serve::memory;
use crate::store;
use crate::table::{Align, Columns, terminal_width};
use crate::variables;

/// How settings are printed.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A setting as it is in force.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Setting {
    name: &'static str,
    /// `None`: nothing is set, and nothing holds in its place.
    value: Option<String>,
    /// A variable, an option, or `default`.
    from: &'static str,
}

/// Prints the settings, and then checks them: what is wrong can be seen above the error.
pub(crate) fn run(options: &Options) -> Result<(), CommandError> {
    let environment = Environment::of_process();
    let settings: Vec<Setting> =
        variables::all().iter().map(|variable| setting(variable, &environment, store::named())).collect();
    let config = store::config();
    let store = config.as_ref().ok().map(|config| config.storage.to_string());
    let printed = if options.json {
        print_json(store.as_deref(), &settings)
    } else {
        print_table(store.as_deref(), &settings)
    };
    printed.map_err(CommandError::Output)?;
    let checked = config?;
    let doubt = store::doubt(&checked);
    memory::budget(&ServerConfig::from_env()?, &checked)?;
    LogConfig::from_env()?;
    if let Some(doubt) = doubt {
        eprintln!("warning: {doubt}");
    }
    Ok(())
}

fn setting(variable: &Variable, environment: &Environment<'_>, named: Option<&StoreName>) -> Setting {
    let name = variable.name;
    if let Some(value) = named.and_then(|store| said_by(store, variable)) {
        return Setting { name, value: Some(value), from: "--store" };
    }
    let (from, value) = match environment.find(variable) {
        Some((from, value)) => (from, Some(value)),
        None => ("default", environment.get(variable)),
    };
    let shown = |value: String| if variable.is_secret { "***".to_owned() } else { value };
    Setting { name, value: value.map(shown), from }
}

/// The value of a setting that `--store` goes before.
fn said_by(store: &StoreName, variable: &Variable) -> Option<String> {
    match (store, variable.name) {
        (StoreName::Directory(_), "STORAGE_TYPE") => Some("local".to_owned()),
        (StoreName::Directory(directory), "LOCAL_STORAGE_DIR") => Some(directory.display().to_string()),
        (StoreName::Bucket { .. }, "STORAGE_TYPE") => Some("s3".to_owned()),
        (StoreName::Bucket { name, .. }, "S3_BUCKET_NAME") => Some(name.clone()),
        (StoreName::Bucket { prefix, .. }, "S3_PREFIX") => {
            prefix.clone().or_else(|| variable.default_value().map(str::to_owned))
        }
        _ => None,
    }
}

fn print_json(store: Option<&str>, settings: &[Setting]) -> io::Result<()> {
    writeln!(io::stdout(), "{}", json!({"store": store, "settings": settings}))
}

fn print_table(store: Option<&str>, settings: &[Setting]) -> io::Result<()> {
    let headings = ["SETTING", "VALUE", "FROM"].map(|heading| (heading.to_owned(), Align::Left));
    let mut columns = Columns::new(headings).fitting(terminal_width(), [0, 0, 1]);
    let row = |setting: &Setting| {
        let value = setting.value.clone().unwrap_or_else(|| "-".to_owned());
        vec![setting.name.to_owned(), value, setting.from.to_owned()]
    };
    let rows: Vec<_> = settings.iter().map(row).collect();
    columns.widen(&rows);
    let mut out = io::stdout().lock();
    if let Some(store) = store {
        writeln!(out, "The store is {store}\n")?;
    }
    writeln!(out, "{}", columns.heading())?;
    rows.iter().try_for_each(|row| writeln!(out, "{}", columns.line(row)))?;
    out.flush()
}
