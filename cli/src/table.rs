//! Tables of text: aligned for people, or in Markdown.

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
}

impl Columns {
    pub(crate) fn new(columns: impl IntoIterator<Item = (String, Align)>) -> Self {
        let (headings, aligns): (Vec<String>, Vec<Align>) = columns.into_iter().unzip();
        let widths = headings.iter().map(|heading| heading.chars().count()).collect();
        Self { headings, aligns, widths }
    }

    /// Makes room for these rows.
    pub(crate) fn widen(&mut self, rows: &[Vec<String>]) {
        for row in rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
    }

    pub(crate) fn heading(&self) -> String {
        self.line(&self.headings)
    }

    /// One row, with two spaces between columns and none at the end.
    pub(crate) fn line(&self, cells: &[String]) -> String {
        let cells = cells.iter().zip(&self.aligns).zip(&self.widths);
        let padded: Vec<String> = cells.map(|((cell, align), width)| pad(cell, *align, *width)).collect();
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
    fn a_table_in_markdown() {
        let table = "| ID | SIZE |\n| --- | ---: |\n| a | 1 |\n";
        assert_eq!(columns().markdown(&[row("a", "1")]), table);
    }
}
