//! Tables of text: aligned for people, or in Markdown.

use console::Term;

/// Where the text of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// The columns of a table that may be printed before all its rows are known.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    headings: Vec<String>,
    aligns: Vec<Align>,
    widths: Vec<usize>,
    /// The columns of the terminal; `None` where lines may have any length.
    room: Option<usize>,
    /// Of each column, when it is given up where there is no room for all: the greatest first, none of rank 0.
    ranks: Vec<usize>,
    is_hidden: Vec<bool>,
    is_settled: bool,
}

/// How many columns the terminal has that standard output goes to; `None` if it goes elsewhere.
pub(crate) fn terminal_width() -> Option<usize> {
    Term::stdout().size_checked().map(|(_, columns)| columns.into())
}

impl Columns {
    pub(crate) fn new(columns: impl IntoIterator<Item = (String, Align)>) -> Self {
        let (headings, aligns): (Vec<String>, Vec<Align>) = columns.into_iter().unzip();
        let widths = headings.iter().map(|heading| heading.chars().count()).collect();
        let (ranks, is_hidden) = (vec![0; headings.len()], vec![false; headings.len()]);
        Self { headings, aligns, widths, room: None, ranks, is_hidden, is_settled: false }
    }

    /// The same on a terminal of this width: whole columns are given up, those of the greatest rank first, until the
    /// others fit. Those of rank 0 stay.
    pub(crate) fn fitting(self, room: Option<usize>, ranks: impl IntoIterator<Item = usize>) -> Self {
        Self { room, ranks: ranks.into_iter().take(self.headings.len()).collect(), ..self }
    }

    /// How many columns had to be given up.
    pub(crate) fn hidden(&self) -> usize {
        self.is_hidden.iter().filter(|is_hidden| **is_hidden).count()
    }

    /// Makes room for these rows. The first of them settle which columns there are.
    pub(crate) fn widen(&mut self, rows: &[Vec<String>]) {
        for row in rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        if !self.is_settled && !rows.is_empty() {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.is_settled = true;
        let Some(room) = self.room else { return };
        while self.length() > room {
            let shown = (0..self.ranks.len()).filter(|n| !self.is_hidden[*n] && self.ranks[*n] > 0);
            let Some(last) = shown.max_by_key(|n| self.ranks[*n]) else { break };
            self.is_hidden[last] = true;
        }
    }

    /// How long the longest line is.
    fn length(&self) -> usize {
        let shown = self.widths.iter().zip(&self.is_hidden).filter(|(_, is_hidden)| !**is_hidden);
        shown.map(|(width, _)| width + 2).sum::<usize>().saturating_sub(2)
    }

    pub(crate) fn heading(&self) -> String {
        self.line(&self.headings)
    }

    /// One row, with two spaces between columns and none at the end.
    pub(crate) fn line(&self, cells: &[String]) -> String {
        let cells = cells.iter().zip(&self.aligns).zip(&self.widths).zip(&self.is_hidden);
        let shown = cells.filter(|(_, is_hidden)| !**is_hidden);
        let padded: Vec<String> =
            shown.map(|(((cell, align), width), _)| pad(cell, *align, *width)).collect();
        padded.join("  ").trim_end().to_owned()
    }

    /// The whole table in Markdown.
    pub(crate) fn markdown(&self, rows: &[Vec<String>]) -> String {
        let rule = self.aligns.iter().map(|align| if *align == Align::Left { "---" } else { "---:" });
        let rule: Vec<String> = rule.map(str::to_owned).collect();
        let mut text = String::new();
        for cells in [&self.headings, &rule].into_iter().chain(rows) {
            text.extend(["| ", &cells.join(" | "), " |\n"]);
        }
        text
    }
}

fn pad(cell: &str, align: Align, width: usize) -> String {
    match align {
        Align::Left => format!("{cell:<width$}"),
        Align::Right => format!("{cell:>width$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Columns {
        Columns::new([("ID".to_owned(), Align::Left), ("SIZE".to_owned(), Align::Right)])
    }

    fn row(id: &str, size: &str) -> Vec<String> {
        vec![id.to_owned(), size.to_owned()]
    }

    #[test]
    fn columns_are_aligned_and_only_grow() {
        let mut columns = columns();
        columns.widen(&[row("study-1", "2 B")]);
        assert_eq!([columns.heading(), columns.line(&row("s", "2 B"))], ["ID       SIZE", "s         2 B"]);
        columns.widen(&[row("s", "1000 KB")]);
        assert_eq!(columns.line(&row("s", "2 B")), "s            2 B");
    }

    #[test]
    fn a_narrow_terminal_loses_whole_columns() {
        for (room, heading) in [
            (None, "ID       SIZE  STATUS"),
            (Some(22), "ID       SIZE  STATUS"),
            (Some(21), "ID       STATUS"),
            (Some(14), "ID"),
            (Some(3), "ID"),
        ] {
            let headings = [("ID", Align::Left), ("SIZE", Align::Right), ("STATUS", Align::Left)];
            let columns = Columns::new(headings.map(|(heading, align)| (heading.to_owned(), align)));
            let mut columns = columns.fitting(room, [0, 2, 1]);
            columns.widen(&[]);
            columns.widen(&[["study-1", "2 B", "success"].map(str::to_owned).to_vec()]);
            assert_eq!(columns.heading(), heading);
            let first = columns.hidden();
            columns.widen(&[["study-1234", "2 B", "success"].map(str::to_owned).to_vec()]);
            assert_eq!(columns.hidden(), first, "what the heading says stays");
        }
    }

    #[test]
    fn a_table_in_markdown() {
        let table = "| ID | SIZE |\n| --- | ---: |\n| a | 1 |\n";
        assert_eq!(columns().markdown(&[row("a", "1")]), table);
    }
}
