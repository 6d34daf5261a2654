//! The estimate as tables, for a terminal or in Markdown.

use rust_decimal::Decimal;
use serde::Serialize;

use super::estimate::Estimate;
use super::operations::{Comparison, Requests};
use super::prices::Prices;
use super::storage::Life;
use super::workload::{Assumptions, Ids};
use crate::human;
use crate::table::{Align, Columns};

/// All that the command says.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) region: String,
    pub(crate) prices_published: String,
    pub(crate) price_sources: Vec<String>,
    pub(crate) currency: &'static str,
    pub(crate) assumptions: Assumptions,
    pub(crate) estimates: Vec<Estimate>,
    pub(crate) operations: Vec<Comparison>,
    pub(crate) lives_of_a_thousand: Vec<Life>,
    pub(crate) moving_pays_from_size: Option<u64>,
    #[serde(skip)]
    pub(crate) prices: Prices,
}

/// A titled table and what is to be said of it.
struct Section {
    title: String,
    columns: Columns,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Report {
    /// For people: what they have asked for last, so that it stays on the screen, and its total at the very end.
    pub(crate) fn text(&self, width: Option<usize>) -> String {
        let bill = self.bill().without_what_is_free();
        [self.comparison(), self.moving(), bill].map(|section| section.text(width)).join("\n")
    }

    pub(crate) fn markdown(&self) -> String {
        [self.bill(), self.moving(), self.comparison()].map(Section::markdown).join("\n")
    }

    fn bill(&self) -> Section {
        let counts = self.estimates.iter().map(|e| human::count(e.workload.analyses) + " analyses");
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (n, part) in self.estimates.first().map_or(&[][..], |e| &e.parts).iter().enumerate() {
            let costs = self.estimates.iter().map(|e| dollars(e.parts[n].usd));
            rows.push([format!("{}: {}", part.service, part.name)].into_iter().chain(costs).collect());
        }
        let totals = self.estimates.iter().map(|e| dollars(e.total_usd));
        rows.push(["Total".to_owned()].into_iter().chain(totals).collect());
        Section {
            title: format!(
                "A month in {} ({}), in US dollars at the list prices of {}",
                self.region, self.prices.name, self.prices_published
            ),
            columns: figures("Part", counts),
            rows,
            notes: self.assumed(),
        }
    }

    fn assumed(&self) -> Vec<String> {
        let Assumptions { ids, lifecycle, lambda, upkeep, .. } = &self.assumptions;
        let mut notes: Vec<String> = self.estimates.iter().map(monthly).collect();
        let made = match ids {
            Ids::Generated => "made by the service",
            Ids::Uuidv7 => "UUIDv7 from the client",
            Ids::Named => "names",
        };
        notes.push(format!(
            "Ids: {made}. Index and metadata: 1 KB for each analysis. Loads: of documents that are not archived."
        ));
        notes.push(format!(
            "Lifecycle: STANDARD_IA after {} days, GLACIER after {}, removed after {}; documents under {} stay in STANDARD.",
            lifecycle.ia_after,
            lifecycle.glacier_after,
            lifecycle.expire_after,
            human::size(lifecycle.minimum_transition_size)
        ));
        notes.push(format!(
            "Lambda (x86): {} MB; {} ms for a save, {} for a load, {} for a list page, {} for totals, {} for a delete. \
             These durations are assumed, not measured.",
            lambda.memory, lambda.save_ms, lambda.load_ms, lambda.list_ms, lambda.stats_ms, lambda.delete_ms
        ));
        notes.push(format!(
            "Upkeep: a repair each day, and {} bytes of logs for each request. Metrics with alarms: {}, others: {}. \
             Dashboards: {}. Keys of KMS: {}. Servers: {}, asked every {} seconds whether they are ready.",
            human::count(upkeep.log_bytes),
            upkeep.alarms,
            upkeep.metrics,
            upkeep.dashboards,
            upkeep.kms_keys,
            upkeep.servers,
            upkeep.ready_seconds
        ));
        notes.push(
            "Not included: data transfer to the internet, traces, old versions of replaced documents, Object Lock, backups, \
             replicas, a domain, CloudFront, taxes, the free tier and discounts by volume."
                .to_owned(),
        );
        notes.push(self.sources());
        notes
    }

    fn sources(&self) -> String {
        let pages =
            self.price_sources.iter().map(|url| url.trim_start_matches("https://").trim_end_matches('/'));
        format!("Sources: {}.", pages.collect::<Vec<_>>().join(", "))
    }

    fn moving(&self) -> Section {
        let lifecycle = &self.assumptions.lifecycle;
        let verdict =
            |life: &Life| if life.moving_usd < life.staying_usd { "move" } else { "stay" }.to_owned();
        let row = |life: &Life| {
            vec![human::size(life.size), dollars(life.staying_usd), dollars(life.moving_usd), verdict(life)]
        };
        let from = match self.moving_pays_from_size {
            Some(size) => format!("Moving is cheaper from {} on.", human::size(size)),
            None => "Moving is never cheaper.".to_owned(),
        };
        let left = |text: &str| (text.to_owned(), Align::Left);
        let right = |text: &str| (text.to_owned(), Align::Right);
        Section {
            title: format!("1,000 documents over their {} days, in US dollars", lifecycle.expire_after),
            columns: Columns::new([right("Size"), right("In STANDARD"), right("Moved"), left("Cheaper")]),
            rows: self.lives_of_a_thousand.iter().map(row).collect(),
            notes: vec![
                from,
                "Each move is a request of its own. STANDARD_IA bills 128 KB at least; GLACIER adds 32 KB, and 8 KB in \
                 STANDARD."
                    .to_owned(),
            ],
        }
    }

    fn comparison(&self) -> Section {
        let cost = |requests: Requests| dollars(requests.per_thousand(&self.prices));
        let row = |comparison: &Comparison| {
            let scanning = comparison.scanning.iter().map(|requests| cost(*requests));
            let here = [human::count(comparison.requests.count()), cost(comparison.requests)];
            [comparison.operation.to_owned()].into_iter().chain(here).chain(scanning).collect()
        };
        let scanned =
            self.estimates.iter().map(|e| format!("Scanning {}", human::count(e.workload.analyses)));
        let headings = ["Requests", "Here"].map(str::to_owned).into_iter().chain(scanned);
        Section {
            title: "Requests to S3 for 1,000 operations, in US dollars".to_owned(),
            columns: figures("Operation", headings),
            rows: self.operations.iter().map(row).collect(),
            notes: vec![
                "Requests are those of one operation. Totals take one more for each thousand saves of the last two hours. \
                 DELETE is free."
                    .to_owned(),
                "Scanning: documents alone, listed a thousand at a time, and one GET or HEAD for each to list or to count."
                    .to_owned(),
            ],
        }
    }
}

fn monthly(estimate: &Estimate) -> String {
    let w = &estimate.workload;
    format!(
        "{} analyses of {} on average, saved over {} days; a month has {} saves, {} loads, {} list pages, {} totals, {} \
         deletes.",
        human::count(w.analyses),
        human::size(w.average_size),
        w.spread_days,
        human::count(w.saves),
        human::count(w.loads),
        human::count(w.lists),
        human::count(w.stats),
        human::count(w.deletes)
    )
}

fn figures(first: &str, others: impl Iterator<Item = String>) -> Columns {
    Columns::new([(first.to_owned(), Align::Left)].into_iter().chain(others.map(|name| (name, Align::Right))))
}

/// Four decimals below a dollar, two above: `0.0011`, `1,234.50`.
fn dollars(usd: Decimal) -> String {
    if usd.is_zero() {
        return "0".to_owned();
    }
    let places = if usd < Decimal::ONE { 4 } else { 2 };
    let text = format!("{:.places$}", usd.round_dp(u32::from(places == 4) * 2 + 2));
    match text.split_once('.') {
        Some(("0", "0000")) => "<0.0001".to_owned(),
        Some((whole, cents)) => format!("{}.{cents}", human::group(whole)),
        None => text,
    }
}

impl Section {
    /// The bill, short enough for a screen.
    fn without_what_is_free(mut self) -> Self {
        let all = self.rows.len();
        self.rows.retain(|row| row.iter().skip(1).any(|cost| cost != "0"));
        if self.rows.len() < all {
            self.notes.push("Parts that cost nothing are left out.".to_owned());
        }
        self
    }

    /// The notes first: the last line of the table is what people look for.
    fn text(self, width: Option<usize>) -> String {
        // Of several columns of figures those on the right are given up first.
        let mut columns = self.columns.fitting(width, 0..);
        columns.widen(&self.rows);
        let mut notes = self.notes;
        if columns.hidden() > 0 {
            let hidden = columns.hidden();
            let what = if hidden == 1 { "1 column has".to_owned() } else { format!("{hidden} columns have") };
            notes.push(format!("{what} no room here; a wider terminal shows all, and so does --json."));
        }
        let mut lines = wrapped(&self.title, "", width);
        lines.push(String::new());
        lines.extend(notes.iter().flat_map(|note| wrapped(note, "- ", width)));
        lines.extend([String::new(), columns.heading()]);
        lines.extend(self.rows.iter().map(|row| columns.line(row)));
        lines.join("\n") + "\n"
    }

    fn markdown(self) -> String {
        let table = self.columns.markdown(&self.rows);
        let notes: Vec<String> = self.notes.iter().map(|note| format!("- {note}")).collect();
        format!("## {}\n\n{table}\n{}\n", self.title, notes.join("\n"))
    }
}

/// The text in lines of this width, broken between words; `mark` begins it, and further lines are indented as much.
fn wrapped(text: &str, mark: &str, width: Option<usize>) -> Vec<String> {
    let indent = " ".repeat(mark.len());
    let (mut lines, mut line) = (Vec::new(), mark.to_owned());
    for word in text.split(' ') {
        let has_words = line.len() > mark.len();
        if has_words && width.is_some_and(|width| line.chars().count() + 1 + word.chars().count() > width) {
            lines.push(std::mem::replace(&mut line, indent.clone()));
        } else if has_words {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_broken_between_words() {
        assert_eq!(wrapped("one two three", "- ", Some(9)), ["- one two", "  three"]);
        assert_eq!(wrapped("one two three", "- ", Some(2)), ["- one", "  two", "  three"]);
        assert_eq!(wrapped("one two three", "", None), ["one two three"]);
    }

    #[test]
    fn amounts_have_two_or_four_decimals() {
        for (usd, text) in [
            ("0", "0"),
            ("0.00001", "<0.0001"),
            ("0.00115", "0.0012"),
            ("0.5", "0.5000"),
            ("1", "1.00"),
            ("1234.5678", "1,234.57"),
        ] {
            assert_eq!(dollars(usd.parse().unwrap()), text, "{usd}");
        }
    }
}
