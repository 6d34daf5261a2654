//! `design-analysis list`: analyses as a table or as JSON lines, newest first.

use std::io::{self, Write};

use analysis_http::Item;
use analysis_storage::query::Filter;
use analysis_storage::{Access, Clock as _, Entry, Error, SystemClock};
use jiff::SignedDuration;

use crate::command::CommandError;
use crate::human;
use crate::pages::Pages;
use crate::store::Store;
use crate::table::{Align, Columns};

/// Which analyses to list.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only those of this implementation
    #[arg(long)]
    implementation: Option<String>,
    /// Only those with this status
    #[arg(long)]
    status: Option<String>,
    /// Only those created at this time or later: 2026-01, 2026-01-15 or 2026-01-15T10:30:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only those created within this time: 12h, 7d or 8w (hours, days or weeks)
    #[arg(long, value_name = "AGE", value_parser = human::parse_age, conflicts_with = "from")]
    since: Option<SignedDuration>,
    /// Only those created at this time or before; a month or day counts to its end
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// List every one
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Print each analysis as a JSON object on a line of its own
    #[arg(long)]
    json: bool,
}

/// Prints page after page until the limit or the end is reached.
pub(crate) async fn run(options: Options) -> Result<(), CommandError> {
    let filter = options.filter()?;
    let store = Store::open_interruptible(Access::Existing).await?;
    let mut printer = Printer::new(options.json);
    let limit = if options.all { u64::MAX } else { options.limit };
    let mut pages = Pages::new(&store.analyses, filter, limit);
    while let Some(entries) = pages.next().await? {
        printer.page(&store, &entries).map_err(CommandError::Output)?;
    }
    if let Some(line) = summary(&store, &printer, pages.has_more()) {
        eprintln!("{line}");
    }
    Ok(())
}

/// What to say in the end: people are told which store it is.
fn summary(store: &Store, printer: &Printer, has_more: bool) -> Option<String> {
    const MORE: &str = "there may be more: --all lists every one, --limit N up to N";
    let (count, store) = (human::count(printer.count), store.name());
    match (printer.count, has_more) {
        (_, true) if printer.json => Some(MORE.to_owned()),
        (0, false) => Some(format!("there are no such analyses in {store}")),
        (_, false) if printer.json => None,
        (_, true) => Some(format!("the newest {count} in {store}; {MORE}")),
        (1, false) => Some(format!("1 analysis in {store}")),
        (_, false) => Some(format!("{count} analyses in {store}")),
    }
}

impl Options {
    fn filter(&self) -> Result<Filter, CommandError> {
        let now = SystemClock.now();
        let since =
            self.since.map(|age| now.checked_sub(age).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string());
        let filter = Filter::parse(
            self.implementation.as_deref(),
            self.status.as_deref(),
            self.from.as_deref().or(since.as_deref()),
            self.to.as_deref(),
        );
        filter.map_err(|error| match error {
            Error::InvalidQuery { parameter, reason } => {
                CommandError::Usage(format!("--{parameter} {reason}"))
            }
            other => other.into(),
        })
    }
}

/// The table's widths follow the first page, and grow where a later one needs it: nothing waits for the last page.
struct Printer {
    json: bool,
    /// How many have been printed.
    count: u64,
    columns: Columns,
}

impl Printer {
    fn new(json: bool) -> Self {
        let left = |heading: &str| (heading.to_owned(), Align::Left);
        let right = |heading: &str| (heading.to_owned(), Align::Right);
        let columns = [
            left("CREATED (UTC)"),
            right("SIZE"),
            right("SECONDS"),
            left("IMPLEMENTATION"),
            left("STATUS"),
            left("ID"),
        ];
        Self { json, count: 0, columns: Columns::new(columns) }
    }

    fn page(&mut self, store: &Store, entries: &[Entry]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            for entry in entries {
                writeln!(out, "{}", serde_json::to_string(&Item::new(&store.analyses, entry))?)?;
            }
        } else {
            let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
            self.columns.widen(&rows);
            if self.count == 0 && !rows.is_empty() {
                writeln!(out, "{}", self.columns.heading())?;
            }
            for row in &rows {
                writeln!(out, "{}", self.columns.line(row))?;
            }
        }
        self.count += entries.len() as u64;
        out.flush()
    }
}

/// The id last: however long it is, it moves nothing, and can be copied whole.
fn row(entry: &Entry) -> Vec<String> {
    let seconds = entry.summary.execution_ms.map(|ms| format!("{}.{:02}", ms / 1000, ms % 1000 / 10));
    vec![
        human::time(&entry.created_at.to_string()),
        human::size(entry.size),
        seconds.unwrap_or_else(|| "-".to_owned()),
        entry.summary.implementation.to_string(),
        entry.summary.status.to_string(),
        entry.id.to_string(),
    ]
}
