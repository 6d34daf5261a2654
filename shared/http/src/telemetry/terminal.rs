//! The log of a server that somebody watches: one short line for each request, and its id last.

use std::fmt::{Debug, Write as _};
use std::io::Write as _;

use analysis_storage::{Clock, SystemClock};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// A request's line shows no more of its path; the longest id fits.
const LONGEST_PATH: usize = 160;

/// Writes events as lines for people.
#[derive(Debug)]
pub(super) struct Terminal<W> {
    writer: W,
    has_colours: bool,
}

/// The fields of a span or an event, in their order, the message apart.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned());
    }
}

impl Fields {
    fn add(&mut self, field: &Field, value: String) {
        if field.name() == "message" {
            self.message = value;
        } else {
            self.others.push((field.name(), value));
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.others.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }
}

/// How a part of a line is shown (ECMA-48, section 8.3.117).
#[derive(Debug, Clone, Copy)]
enum Style {
    Bold = 1,
    Dim = 2,
    Red = 31,
    Green = 32,
    Yellow = 33,
    Cyan = 36,
}

impl<W> Terminal<W> {
    pub(super) fn new(writer: W, has_colours: bool) -> Self {
        Self { writer, has_colours }
    }

    /// The line of an event, and of the request that it is about.
    fn line(&self, level: Level, event: &Fields, request: Option<&Fields>) -> String {
        let mut line = match event.get("status") {
            Some(status) => self.answer(status, event, request),
            None => self.message(level, event),
        };
        if let Some(id) = request.and_then(|request| request.get("id")) {
            line.push_str("  ");
            line.push_str(&self.styled(Style::Dim, id));
        }
        line
    }

    fn answer(&self, status: &str, event: &Fields, request: Option<&Fields>) -> String {
        let of_request = |name| request.and_then(|request| request.get(name)).unwrap_or("-");
        let method = self.styled(Style::Bold, &format!("{:<6}", of_request("method")));
        let (path, status) = (shortened(of_request("path")), self.styled(of_status(status), status));
        let figure = |name| event.get(name).unwrap_or("-");
        format!("{method} {path} {status} {} ms {} B", figure("ms"), figure("bytes"))
    }

    fn message(&self, level: Level, event: &Fields) -> String {
        let mut line = match level {
            Level::ERROR => self.styled(Style::Red, "ERROR "),
            Level::WARN => self.styled(Style::Yellow, "WARN "),
            _ => String::new(),
        };
        line.push_str(&plain(&event.message));
        for (name, value) in event.others.iter().filter(|(_, value)| !value.is_empty()) {
            // Cannot fail.
            let _ = write!(line, " {name}={}", plain(value));
        }
        line
    }

    fn styled(&self, style: Style, text: &str) -> String {
        let text = plain(text);
        if self.has_colours { format!("\x1b[{}m{text}\x1b[0m", style as u8) } else { text }
    }
}

fn of_status(status: &str) -> Style {
    match status.as_bytes().first() {
        Some(b'2') => Style::Green,
        Some(b'3') => Style::Cyan,
        Some(b'4') => Style::Yellow,
        _ => Style::Red,
    }
}

/// A text, with all that could move the cursor of a terminal made visible.
fn plain(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

fn shortened(path: &str) -> String {
    let mut shown: String = path.chars().take(LONGEST_PATH).collect();
    if shown.len() < path.len() {
        shown.push('…');
    }
    plain(&shown)
}

impl<S, W> Layer<S> for Terminal<W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let is_request = |span: &SpanRef<'_, S>| {
            span.extensions().get::<Fields>().is_some_and(|fields| fields.get("id").is_some())
        };
        let span = context.event_scope(event).and_then(|mut scope| scope.find(is_request));
        let extensions = span.as_ref().map(SpanRef::extensions);
        let request = extensions.as_ref().and_then(|extensions| extensions.get::<Fields>());
        let line = self.line(*event.metadata().level(), &fields, request);
        let line = format!("{} {line}\n", SystemClock.now().strftime("%H:%M:%SZ"));
        // A terminal that is gone is no reason not to serve.
        drop(self.writer.make_writer().write_all(line.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(message: &str, others: &[(&'static str, &str)]) -> Fields {
        let others = others.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Fields { message: message.into(), others }
    }

    fn line(has_colours: bool, level: Level, event: &Fields, request: Option<&Fields>) -> String {
        Terminal::new(std::io::stderr, has_colours).line(level, event, request)
    }

    #[test]
    fn an_answer_is_one_short_line_with_the_id_last() {
        let request = fields("", &[("id", "trace-42"), ("method", "GET"), ("path", "/analyses/a")]);
        for (status, colour) in [("200", 32), ("304", 36), ("404", 33), ("503", 31)] {
            let answer = fields("answered", &[("status", status), ("ms", "12"), ("bytes", "2252")]);
            let plain = format!("GET    /analyses/a {status} 12 ms 2252 B  trace-42");
            assert_eq!(line(false, Level::INFO, &answer, Some(&request)), plain);
            let coloured = line(true, Level::INFO, &answer, Some(&request));
            assert!(coloured.contains(&format!("\x1b[{colour}m{status}\x1b[0m")), "{coloured:?}");
        }
    }

    #[test]
    fn what_is_no_answer_is_its_message_and_fields() {
        let request = fields("", &[("id", "trace-42"), ("method", "GET"), ("path", "/")]);
        let warning = fields("storage unavailable", &[("code", "storage_unavailable"), ("cause", "")]);
        assert_eq!(
            line(false, Level::WARN, &warning, Some(&request)),
            "WARN storage unavailable code=storage_unavailable  trace-42"
        );
        assert_eq!(
            line(false, Level::INFO, &fields("listening", &[("store", "/x")]), None),
            "listening store=/x"
        );
    }

    #[test]
    fn nothing_that_callers_send_moves_the_cursor_or_fills_the_screen() {
        let path = format!("/\x1b[2J\r{}", "x".repeat(5000));
        let request = fields("", &[("id", "\x1b]0;x\x07"), ("method", "A\nB"), ("path", &path)]);
        let answer = fields("answered", &[("status", "404")]);
        let line = line(false, Level::INFO, &answer, Some(&request));
        assert!(!line.contains(char::is_control) && line.len() < 300, "{line:?}");
    }
}
