//! The pages of the repository, and the code blocks in them.

use std::fs;
use std::ops::RangeInclusive;

use crate::harness::root;

/// A Markdown file.
pub(super) struct Page {
    /// Its path from the root of the repository.
    pub(super) name: String,
    pub(super) lines: Vec<String>,
}

/// A fenced block of code. Lines count from 1, as editors do.
#[derive(Debug)]
pub(super) struct Block {
    /// The nearest heading before it.
    pub(super) heading: String,
    /// What stands behind the opening fence.
    pub(super) language: String,
    /// The line of the closing fence.
    pub(super) end: usize,
    first: usize,
}

impl Block {
    pub(super) fn lines(&self) -> RangeInclusive<usize> {
        self.first..=self.end - 1
    }

    pub(super) fn is_shell(&self) -> bool {
        self.language == "sh"
    }
}

/// Every page that people read.
pub(super) fn pages() -> Vec<Page> {
    let mut names = vec!["README.md".to_owned(), "CONTRIBUTING.md".into(), "CHANGELOG.md".into()];
    for directory in ["docs", "docs/decisions", "deploy", "examples"] {
        for entry in fs::read_dir(root().join(directory)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "md") {
                names.push(format!("{directory}/{}", path.file_name().unwrap().to_str().unwrap()));
            }
        }
    }
    names.iter().map(|name| Page::read(name)).collect()
}

impl Page {
    pub(super) fn read(name: &str) -> Self {
        let text = fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        Self { name: name.to_owned(), lines: text.lines().map(str::to_owned).collect() }
    }

    pub(super) fn line(&self, number: usize) -> &str {
        &self.lines[number - 1]
    }

    /// Its blocks, in order.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let (mut blocks, mut heading) = (Vec::new(), "");
        let mut open: Option<(usize, &str)> = None;
        for (number, line) in (1..).zip(&self.lines) {
            match (line.trim().strip_prefix("```"), open) {
                (Some(language), None) => open = Some((number + 1, language)),
                (Some(_), Some((first, language))) => {
                    let (heading, language) = (heading.to_owned(), language.to_owned());
                    blocks.push(Block { heading, language, end: number, first });
                    open = None;
                }
                (None, None) if line.starts_with('#') => heading = line.trim_start_matches('#').trim(),
                _ => {}
            }
        }
        assert!(open.is_none(), "{}: a block is not closed", self.name);
        blocks
    }

    /// The shell blocks below these headings, or below all if there are none.
    pub(super) fn shell(&self, headings: &[&str]) -> Vec<Block> {
        let wanted = |block: &Block| headings.is_empty() || headings.contains(&block.heading.as_str());
        self.blocks().into_iter().filter(|block| block.is_shell() && wanted(block)).collect()
    }

    /// The lines of the command that this line belongs to: a backslash at the end of a line continues it.
    pub(super) fn command(&self, line: usize) -> RangeInclusive<usize> {
        let (mut first, mut last) = (line, line);
        while first > 1 && self.line(first - 1).ends_with('\\') {
            first -= 1;
        }
        while self.line(last).ends_with('\\') {
            last += 1;
        }
        first..=last
    }

    /// The prose, without the blocks.
    pub(super) fn prose(&self) -> String {
        let blocks = self.blocks();
        let in_block = |number| blocks.iter().any(|block| (block.first - 1..=block.end).contains(&number));
        let lines = (1..).zip(&self.lines).filter(|(number, _)| !in_block(*number));
        lines.map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n")
    }
}
