//! How far a command is: a bar with rate and remaining time on a terminal, a line now and then elsewhere. All of it
//! goes to standard error.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::human;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The display of one command.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    on_terminal: bool,
    last_line: Cell<Instant>,
    is_of_bytes: Cell<bool>,
}

impl Progress {
    /// A display of work whose extent is unknown so far.
    pub(crate) fn new() -> Self {
        let on_terminal = io::stderr().is_terminal();
        let bar = if on_terminal { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        style(&bar, "{spinner} {elapsed} {wide_msg}");
        if on_terminal {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { bar, on_terminal, last_line: Cell::new(Instant::now()), is_of_bytes: Cell::new(false) }
    }

    /// Begins a part of the work; `total` is how much it is, if that is known.
    pub(crate) fn begin(&self, what: &'static str, total: Option<u64>) {
        self.bar.reset();
        self.bar.set_message(what);
        self.is_of_bytes.set(false);
        if let Some(total) = total {
            self.bar.set_length(total);
            style(&self.bar, "{spinner} {msg} {wide_bar} {pos}/{len} {per_sec} {eta} left");
        } else {
            self.bar.unset_length();
            style(&self.bar, "{spinner} {msg} {pos} {per_sec} {elapsed}");
        }
    }

    /// Begins a part of the work that is measured in bytes.
    pub(crate) fn begin_bytes(&self, what: &'static str, total: u64) {
        self.begin(what, Some(total));
        self.is_of_bytes.set(true);
        style(&self.bar, "{spinner} {msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left");
    }

    /// So much more is done.
    pub(crate) fn advance(&self, count: u64) {
        self.bar.inc(count);
        if !self.on_terminal && self.last_line.get().elapsed() >= LINE_EVERY {
            self.last_line.set(Instant::now());
            say(&self.line());
        }
    }

    /// How far the work is, as a line.
    fn line(&self) -> String {
        let (message, done, rate) = (self.bar.message(), self.bar.position(), self.bar.per_sec());
        match self.bar.length() {
            Some(total) if self.is_of_bytes.get() => {
                let left = self.bar.eta().as_secs();
                format!("{message} {} of {}, {left} s left", human::size(done), human::size(total))
            }
            Some(total) => {
                format!("{message} {done} of {total}, {rate:.0}/s, {} s left", self.bar.eta().as_secs())
            }
            None => format!("{message} {done}, {rate:.0}/s"),
        }
    }

    /// Where the work is, in words: beside the spinner, or as a line of its own.
    pub(crate) fn show(&self, text: String) {
        if self.on_terminal { self.bar.set_message(text) } else { say(&text) }
    }

    /// A line that stays.
    pub(crate) fn note(&self, text: &str) {
        self.suspend(|| say(text));
    }

    /// Prints something else without the bar in its way.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Removes the bar.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// Prints a line. Where nobody can read it, the work goes on.
fn say(line: &str) {
    drop(writeln!(io::stderr(), "{line}"));
}

fn style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}
