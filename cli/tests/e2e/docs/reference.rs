//! The reference in `docs/commands.md` is what `--help` says.

use std::fmt::Write as _;
use std::fs;

use crate::harness::{commands, program, root};

const PAGE: &str = "docs/commands.md";
const BEGIN: &str = "<!-- What `--help` says; `make reference` writes it. -->\n";
const END: &str = "<!-- The end of what `--help` says. -->\n";

fn reference() -> String {
    let mut text = String::new();
    for command in [String::new()].into_iter().chain(commands()) {
        let words = ["design-analysis", &command].join(" ");
        let mut help = program(&[]);
        help.env_remove("COLUMNS").args(words.split_whitespace().skip(1)).arg("--help");
        let output = help.output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        let lines = help.trim_end().lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        let _ = write!(text, "\n### `{}`\n\n```text\n{lines}\n```\n", words.trim_end());
    }
    text + "\n"
}

#[test]
fn the_reference_is_what_help_says() {
    let path = root().join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| {
        let (shown, after) = rest.split_once(END)?;
        Some((before, shown, after))
    });
    let (before, shown, after) = parts.unwrap_or_else(|| panic!("{PAGE} has no marks of the reference"));
    let reference = reference();
    if std::env::var_os("WRITE_REFERENCE").is_some() {
        fs::write(&path, [before, BEGIN, &reference, END, after].concat()).unwrap();
    } else {
        let differs = reference.lines().zip(shown.lines()).find(|(should, is)| should != is);
        assert!(
            shown == reference,
            "{PAGE} is not what --help says: `make reference` writes it: {differs:?}"
        );
    }
}
