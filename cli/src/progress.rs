//! How far a command is: on a terminal a line that is drawn anew, elsewhere a line now and then. All of it goes to
//! standard error, and nothing at all of what is done in a blink.

mod gauge;

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

pub(crate) use gauge::Amount;
use gauge::Gauge;

/// What takes no longer than this is not shown at all.
const BLINK: Duration = Duration::from_millis(400);
/// How often the line is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(100);
/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The display of one command.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    on_terminal: bool,
    shown: Arc<Mutex<Shown>>,
}

#[derive(Debug)]
struct Shown {
    /// The part of the work that has been begun last.
    gauge: Option<Gauge>,
    last_line: Instant,
}

impl Progress {
    /// A display that shows nothing before the work begins.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let on_terminal = io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let shown = Arc::new(Mutex::new(Shown { gauge: None, last_line: now }));
        if on_terminal {
            style(&bar, Arc::clone(&shown), &Term::stderr());
        }
        Self { bar, on_terminal, shown }
    }

    /// Begins a part of the work; `total` is how much it is, if that is known.
    pub(crate) fn begin(&self, what: &'static str, total: Option<Amount>) {
        let before = lock(&self.shown).gauge.replace(Gauge::new(what, total, Instant::now()));
        if self.on_terminal && before.is_none() {
            appear_later(self.bar.clone());
        }
    }

    /// So much more is done.
    pub(crate) fn advance(&self, more: Amount) {
        self.advanced(more, false);
    }

    /// So much more is done, because there was nothing to do about it.
    pub(crate) fn skip(&self, more: Amount) {
        self.advanced(more, true);
    }

    fn advanced(&self, more: Amount, is_skipped: bool) {
        let now = Instant::now();
        let mut shown = lock(&self.shown);
        let is_due = !self.on_terminal && now - shown.last_line >= LINE_EVERY;
        let Some(gauge) = &mut shown.gauge else { return };
        gauge.advance(more, is_skipped, now);
        if is_due {
            say(&gauge.log_line(now));
            shown.last_line = now;
        }
    }

    /// What else there is to say of where the work is.
    pub(crate) fn show(&self, text: String) {
        if let Some(gauge) = &mut lock(&self.shown).gauge {
            gauge.note(text);
        }
    }

    /// How much is done, in words: `12 of 40`. `None` if nobody knows of how much.
    pub(crate) fn count(&self) -> Option<String> {
        lock(&self.shown).gauge.as_ref().and_then(Gauge::count)
    }

    /// A line that stays.
    pub(crate) fn note(&self, text: &str) {
        self.suspend(|| say(text));
    }

    /// Prints something else without the line in its way.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Removes the line.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn lock(shown: &Mutex<Shown>) -> MutexGuard<'_, Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Prints a line. Where nobody can read it, the work goes on.
fn say(line: &str) {
    drop(writeln!(io::stderr(), "{line}"));
}

/// The look of the line: as wide as the terminal, and in plain ASCII where its locale has no more.
fn style(bar: &ProgressBar, shown: Arc<Mutex<Shown>>, terminal: &Term) {
    let (ticks, blocks) = if terminal.features().wants_emoji() {
        ("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ", ['█', '░'])
    } else {
        ("|/-\\ ", ['#', '.'])
    };
    let terminal = terminal.clone();
    let line = move |_: &ProgressState, line: &mut dyn fmt::Write| {
        // The last column stays free: some terminals go to the next line behind it.
        let width = usize::from(terminal.size().1).saturating_sub("x ".len() + 1);
        if let Some(gauge) = &lock(&shown).gauge {
            // Writing to a text does not fail.
            let _ = line.write_str(&gauge.line(Instant::now(), width, blocks));
        }
    };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {line}") {
        bar.set_style(style.tick_chars(ticks).with_key("line", line));
    }
}

/// Shows the line, unless the work has ended by then.
fn appear_later(bar: ProgressBar) {
    thread::spawn(move || {
        thread::sleep(BLINK);
        if !bar.is_finished() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            // Draws nothing if the work has ended meanwhile.
            bar.enable_steady_tick(DRAWN_EVERY);
        }
    });
}
