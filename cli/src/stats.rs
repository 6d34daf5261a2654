//! `design-analysis stats`: totals, and bars of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use analysis_storage::{Access, Stats};
use console::Term;

use crate::command::CommandError;
use crate::human;
use crate::store::Store;

/// How totals are printed.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Print the totals as one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints the totals.
pub(crate) async fn run(options: Options) -> Result<(), CommandError> {
    let store = Store::open_interruptible(Access::Existing).await?;
    let stats = store.showing("adding up", store.analyses.stats()).await?;
    let text = if options.json {
        serde_json::to_string(&stats).map_err(|e| CommandError::Output(e.into()))? + "\n"
    } else {
        render(&stats, &store.name(), Style::for_terminal(&Term::stdout()))
    };
    io::stdout().write_all(text.as_bytes()).map_err(CommandError::Output)
}

/// What the terminal can show.
#[derive(Debug, Clone, Copy)]
struct Style {
    width: usize,
    block: char,
}

impl Style {
    /// The terminal's width, and blocks if its locale has them; elsewhere 80 columns of plain ASCII.
    fn for_terminal(terminal: &Term) -> Self {
        let width = terminal.size_checked().map_or(80, |(_, columns)| columns.into());
        Self { width, block: if terminal.features().wants_emoji() { '█' } else { '#' } }
    }
}

fn render(stats: &Stats, store: &str, style: Style) -> String {
    let seconds = |mean: f64| format!("{mean:.2} seconds on average");
    let instant = |at: &Option<String>| at.as_deref().map(|at| human::time(at) + " UTC");
    let lines = [
        ("Analyses", Some(human::count(stats.total_analyses))),
        ("Size", Some(human::size(stats.total_size_bytes))),
        ("Execution", stats.average_execution_time.map(seconds)),
        ("Oldest", instant(&stats.oldest)),
        ("Newest", instant(&stats.newest)),
        ("Store", Some(store.to_owned())),
    ];
    let mut text = String::new();
    for (name, value) in lines {
        if let Some(value) = value {
            let _ = writeln!(text, "{name:<9}  {value}");
        }
    }
    for (title, counts) in [
        ("By month of creation", &stats.by_month),
        ("By implementation", &stats.implementations_used),
        ("By status", &stats.statuses),
    ] {
        bars(&mut text, title, counts, style);
    }
    text
}

/// The longest bar fills the line; what is not nothing has at least one block.
fn bars(text: &mut String, title: &str, counts: &BTreeMap<String, u64>, style: Style) {
    let most = counts.values().copied().max().unwrap_or(0);
    if most == 0 {
        return;
    }
    let names = counts.keys().map(String::len).max().unwrap_or(0);
    let digits = human::count(most).len();
    let room = style.width.saturating_sub(names + digits + 4).max(10) as u64;
    let _ = writeln!(text, "\n{title}");
    for (name, count) in counts {
        let length = (u128::from(*count) * u128::from(room) / u128::from(most)).max(u128::from(*count > 0));
        let bar: String = (0..length).map(|_| style.block).collect();
        let _ = writeln!(text, "{name:<names$}  {:>digits$}  {bar}", human::count(*count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_the_width_and_none_vanishes() {
        let counts = [("a", 40_000), ("bcd", 10_000), ("e", 1), ("f", 0)];
        let counts = counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        let mut text = String::new();
        bars(&mut text, "By name", &counts, Style { width: 33, block: '█' });
        let expected = "
By name
a    40,000  ████████████████████
bcd  10,000  █████
e         1  █
f         0  
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_narrow_terminal_still_shows_bars() {
        let mut text = String::new();
        bars(&mut text, "By name", &BTreeMap::from([("a".to_owned(), 1)]), Style { width: 3, block: '#' });
        assert_eq!(text, "\nBy name\na  1  ##########\n");
    }
}
