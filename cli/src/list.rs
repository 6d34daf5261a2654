//! `design-analysis list`: analyses as a table or as JSON lines, newest first or in another order.

use std::io::{self, Write};

use analysis_http::Item;
use analysis_storage::{Access, Entry};

use crate::command::CommandError;
use crate::human;
use crate::order::{First, Order, Sort};
use crate::pages::Pages;
use crate::selection::Selection;
use crate::store::Store;
use crate::table::{Align, Columns, terminal_width};

/// Which analyses to list, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    selection: Selection,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..), help_heading = SHOWN)]
    limit: u64,
    /// List every one
    #[arg(long, conflicts_with = "limit", help_heading = SHOWN)]
    all: bool,
    /// In which order; in any other than `created`, all that are selected are listed first, and the first of them shown
    #[arg(long, value_name = "KEY", value_enum, default_value_t = Sort::Created, help_heading = SHOWN)]
    sort: Sort,
    /// The other way round
    #[arg(long, help_heading = SHOWN)]
    reverse: bool,
    /// Print each analysis as a JSON object on a line of its own
    #[arg(long, help_heading = SHOWN)]
    json: bool,
}

const SHOWN: &str = "How many, in which order and form";
const MORE: &str = "--all lists every one, --limit N up to N";

/// Prints analyses up to the limit or the end: page after page in the order of the list, and all at once in any other.
pub(crate) async fn run(options: Options) -> Result<(), CommandError> {
    // What is wrong with the options is said before the store is opened.
    options.selection.filter()?;
    let store = Store::open_interruptible(Access::Existing).await?;
    let mut printer = Printer::new(options.json);
    let order = Order { by: options.sort, reverse: options.reverse };
    let limit = if options.all { u64::MAX } else { options.limit };
    let more = if order.is_of_the_list() {
        let mut pages = Pages::of(&store.analyses, &options.selection, limit)?;
        while let Some(entries) = pages.next().await? {
            printer.page(&store, &entries).map_err(CommandError::Output)?;
        }
        pages.has_more().then_some(More::Unknown)
    } else {
        let mut pages = Pages::of(&store.analyses, &options.selection, u64::MAX)?;
        let mut first = First::new(order, limit);
        while let Some(entries) = pages.next().await? {
            first.add(entries);
        }
        let (entries, all) = first.into_sorted();
        printer.page(&store, &entries).map_err(CommandError::Output)?;
        (all > printer.count).then_some(More::Of(all))
    };
    if let Some(line) = summary(&store, &printer, more) {
        eprintln!("{line}");
    }
    Ok(())
}

/// What the list has beyond the limit.
enum More {
    /// Nobody has looked.
    Unknown,
    /// There are so many in all.
    Of(u64),
}

/// What to say in the end: people are told which store it is.
fn summary(store: &Store, printer: &Printer, more: Option<More>) -> Option<String> {
    let (count, store) = (human::count(printer.count), store.name());
    match (printer.count, more) {
        (_, Some(More::Unknown)) if printer.json => Some(format!("there may be more: {MORE}")),
        (_, Some(More::Unknown)) => Some(format!("the newest {count} in {store}; there may be more: {MORE}")),
        (_, Some(More::Of(all))) => {
            Some(format!("the first {count} of {} in {store}: {MORE}", human::count(all)))
        }
        (0, None) => Some(format!("there are no such analyses in {store}")),
        (_, None) if printer.json => None,
        (1, None) => Some(format!("1 analysis in {store}")),
        (_, None) => Some(format!("{count} analyses in {store}")),
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
        // What tells one analysis from another stays longest.
        let columns = Columns::new(columns).fitting(terminal_width(), [1, 4, 5, 3, 2, 0]);
        Self { json, count: 0, columns }
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
