//! The page as HTML. Ids, labels and names of stores are others' words: all text is escaped.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use analysis_http::Item;

use super::{FrontPage, LINKS, SERVICE, VERSION};
use crate::human;

/// How many labels of a kind are shown.
const LABELS: usize = 10;

pub(super) const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
    color-scheme:light dark}table{border-collapse:collapse}th,td{text-align:left;padding:.2rem 1rem .2rem 0;\
    overflow-wrap:anywhere}code,pre{font-family:ui-monospace,monospace}";

/// What the policy of the page calls its style by.
pub(super) const STYLE_HASH: &str = "sha256-MmwTOpPmlgXZgDnd3mBbiR2fs7oBxVasaTipF4zz5U0=";

/// Text between tags or in a quoted attribute, where it is nothing but text.
struct Escaped<T>(T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.to_string().chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

/// The page of those who may see the store.
pub(super) fn open(page: &FrontPage) -> String {
    let stats = &page.stats;
    let totals = [
        ("Store", page.store.clone()),
        ("Analyses", human::count(stats.total_analyses)),
        ("Size", human::size(stats.total_size_bytes)),
        ("Implementations", labels(&stats.implementations_used)),
        ("Statuses", labels(&stats.statuses)),
    ];
    let rows = each(totals, |(name, value)| format!("<tr><th>{name}</th><td>{}</td></tr>\n", Escaped(value)));
    let newest = newest(&page.newest);
    let links = each(LINKS, |link| format!("<li><a href=\"{link}{}\">/{link}</a></li>\n", pretty(link)));
    document(&format!(
        "<table id=\"totals\">\n{rows}</table>\n<h2>Newest analyses</h2>\n{newest}\n<h2>As JSON</h2>\n<ul>\n{links}</ul>"
    ))
}

fn newest(items: &[Item]) -> String {
    if items.is_empty() {
        return "<p>There are none yet. This saves one:</p>\n<pre>curl -X PUT http://.../analyses/study-1 \
                -H 'Content-Type: application/json' --data-binary @analysis.json</pre>"
            .to_owned();
    }
    let head =
        each(["Id", "Implementation", "Status", "Created (UTC)", "Size"], |name| format!("<th>{name}</th>"));
    format!("<table id=\"newest\">\n<tr>{head}</tr>\n{}</table>", each(items, row))
}

fn each<T>(items: impl IntoIterator<Item = T>, show: impl Fn(T) -> String) -> String {
    items.into_iter().map(show).collect::<Vec<_>>().concat()
}

/// The page of those who have sent no token.
pub(super) fn closed() -> String {
    document(
        "<p>This server asks for a token, and a browser sends none. Programs send it with each request:</p>\n\
         <pre>curl -H \"Authorization: Bearer $API_TOKEN\" http://.../analyses</pre>",
    )
}

fn document(content: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{SERVICE}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n<h1>{SERVICE}</h1>\n\
         <p>The home of design analyses, the JSON results of LLM pipelines: saved once, loaded by id, listed and counted. \
         This is the HTTP API, version {VERSION}.</p>\n{content}\n</body>\n</html>\n"
    )
}

fn row(item: &Item) -> String {
    let id = Escaped(&item.request_id);
    let cells = [
        item.implementation.clone(),
        item.status.clone(),
        human::time(&item.created_at),
        human::size(item.file_size),
    ];
    let cells = each(cells, |cell| format!("<td>{}</td>", Escaped(cell)));
    format!("<tr><td><a href=\"analyses/{id}\">{id}</a></td>{cells}</tr>\n")
}

/// The most frequent first.
fn labels(counts: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let shown = sorted.iter().take(LABELS).map(|(label, count)| format!("{label} {}", human::count(**count)));
    let more =
        sorted.len().checked_sub(LABELS).filter(|more| *more > 0).map(|more| format!("and {more} more"));
    shown.chain(more).collect::<Vec<_>>().join(", ")
}

/// What makes JSON readable, where it is taken.
fn pretty(link: &str) -> &'static str {
    if ["health", "ready"].contains(&link) { "" } else { "?pretty=true" }
}
