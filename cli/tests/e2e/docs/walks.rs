//! The blocks of the pages, run as they are written, and their output beside what the pages show.
//!
//! A comment behind a request names its status if that is not a 2xx one, and a comment behind a command its exit code
//! if that is not 0. A block without a language shows what the block before it prints: each of its lines, and each part
//! between `...`, is looked for in the output, where a word with a digit stands for any other, unless it is a
//! name in JSON.

use analysis_storage::testing::ministack::Ministack;

use super::page::{Block, Page, pages};
use super::shell::{Outcome, Shell, find};
use crate::harness::{Server, root};
use crate::walkthrough::walk;

/// Blocks that run, by page and heading. No heading stands for all.
const RUN: [(&str, &[&str]); 7] = [
    ("README.md", &["The API by example"]),
    ("docs/api.md", &[]),
    ("docs/commands.md", &[]),
    ("docs/transfers.md", &[]),
    ("docs/deploy.md", &["A server on S3"]),
    // `walkthrough::in_lambda` runs it.
    ("docs/deploy.md", &["The functions on this machine"]),
    // `cost::the_documented_tables_are_what_the_command_prints` runs it.
    ("docs/cost.md", &[]),
];
/// Blocks that do not run, and why. `checks` holds their commands against what there is.
const NOT_RUN: [(&str, &[&str], &str); 8] = [
    ("README.md", &["Two commands"], "they run the tests, or serve until they are ended"),
    ("README.md", &["Deploy"], "needs an account of AWS"),
    ("CONTRIBUTING.md", &[], "they run the tests"),
    ("docs/development.md", &[], "it runs the tests"),
    (
        "docs/deploy.md",
        &[
            "To AWS",
            "How many at once",
            "A budget",
            "Against loss",
            "New versions, step by step",
            "From a pipeline",
            "Take down without losing data",
        ],
        "need an account of AWS",
    ),
    ("docs/first-deployment.md", &[], "it is what an account of AWS is needed for"),
    ("docs/deploy.md", &["A whole cloud on this machine"], "`stack::Stack` runs its script"),
    ("deploy/README.md", &[], "needs a container engine, a cluster or an account of AWS"),
];

#[test]
fn every_block_runs_or_there_is_a_reason_why_not() {
    let places = RUN.into_iter().chain(NOT_RUN.map(|(page, headings, _)| (page, headings)));
    let places: Vec<_> = places.collect();
    for page in pages() {
        for block in page.shell(&[]) {
            let heading = block.heading.as_str();
            let of_page = places.iter().filter(|(name, _)| *name == page.name);
            let times = of_page.filter(|(_, all)| all.is_empty() || all.contains(&heading)).count();
            assert_eq!(times, 1, "{}: {heading}: {:?}", page.name, block.lines());
        }
    }
    for (name, headings) in places {
        let blocks = Page::read(name).shell(&[]);
        assert!(!blocks.is_empty(), "{name} has no blocks");
        for heading in headings {
            assert!(blocks.iter().any(|block| block.heading == *heading), "{name}: no block below {heading}");
        }
    }
}

#[test]
fn every_output_belongs_to_a_block_that_runs() {
    for page in pages().iter().filter(|page| !page.name.starts_with("docs/decisions/")) {
        let blocks = page.blocks();
        for (at, shown) in blocks.iter().enumerate().filter(|(_, block)| block.language.is_empty()) {
            let runs = |block: &Block| {
                let heading = block.heading.as_str();
                let of_page = RUN.iter().filter(|(name, _)| *name == page.name);
                block.is_shell()
                    && of_page.into_iter().any(|(_, all)| all.is_empty() || all.contains(&heading))
            };
            let ran = at > 0 && runs(&blocks[at - 1]);
            assert!(ran, "{}: {:?} shows what no test compares", page.name, shown.lines());
        }
    }
}

/// The program and this machine's programs; requests note their status.
fn walking() -> Shell {
    let shell = Shell::new().with_this_machine();
    let curl = find("curl");
    shell.stub(
        "bin/curl",
        &format!(
            r#"exec {} --silent --show-error --write-out "%{{stderr}}$LINE %{{http_code}}\n" "$@" 2>>"$NOTES/statuses""#,
            curl.display()
        ),
    );
    shell.stub("bin/design-analysis", &format!(r#"exec {} "$@""#, env!("CARGO_BIN_EXE_design-analysis")));
    // It was compiled together with the tests.
    shell.stub(
        "bin/cargo",
        r#"case "$*" in
"run --locked --quiet -p design-analysis -- "*) shift 6; exec design-analysis "$@" ;;
"build --locked --quiet -p design-analysis") ;;
*) exit 64 ;;
esac"#,
    );
    shell
}

/// The numbers in the comment behind the command at this line.
fn noted(page: &Page, line: usize) -> Vec<u16> {
    let comments = page.command(line).filter_map(|number| page.line(number).split_once("  # "));
    let words = comments.flat_map(|(_, comment)| comment.split(|c: char| !c.is_ascii_digit()));
    words.filter_map(|word| word.parse().ok()).collect()
}

fn assert_statuses_and_codes(page: &Page, outcome: &Outcome) {
    for (line, status) in outcome.pairs("statuses") {
        let first = noted(page, line).into_iter().find(|number| (100..600).contains(number));
        let as_noted = first.map_or((200..300).contains(&status), |noted| noted == status);
        assert!(as_noted, "{}:{line}: status {status}: {:?}", page.name, outcome.printed);
    }
    for (line, code) in &outcome.failures {
        let says_so =
            page.command(*line).any(|number| page.line(number).contains(&format!("exit code {code}")));
        assert!(says_so, "{}:{line}: exit code {code}: {:?}", page.name, outcome.printed);
    }
}

/// The text without spaces, each word with a digit as `#`, unless it is a name in JSON.
fn pattern(text: &str) -> String {
    let mut pattern = String::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        while let Some(first) = rest.chars().next() {
            let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let end = rest.find(|c| !in_word(c)).unwrap_or(rest.len()).max(first.len_utf8());
            let (part, after) = rest.split_at(end);
            let is_name = after.starts_with("\":");
            pattern += if !is_name && part.contains(|c: char| c.is_ascii_digit()) { "#" } else { part };
            rest = after;
        }
    }
    pattern
}

/// What the page shows is in what was printed, in that order.
fn assert_shown(page: &Page, shown: &Block, printed: &str) {
    let real = pattern(printed);
    let mut rest = real.as_str();
    for number in shown.lines() {
        for piece in page.line(number).split("...").map(pattern) {
            let Some((_, after)) = rest.split_once(&piece) else {
                panic!("{}:{number}: {piece} is not in {rest}\nof {printed}", page.name);
            };
            rest = after;
        }
    }
}

/// Runs blocks of a page; how many of them the page shows the output of.
fn run(shell: &Shell, page: &Page, headings: &[&str]) -> (Outcome, usize) {
    let outcome = shell.run(page, &page.shell(headings));
    assert_statuses_and_codes(page, &outcome);
    let blocks = page.blocks();
    let ran = page.shell(headings);
    let mut shows = 0;
    for pair in blocks.windows(2).filter(|pair| pair[0].is_shell() && pair[1].language.is_empty()) {
        if let Some(at) = ran.iter().position(|block| block.end == pair[0].end) {
            assert_shown(page, &pair[1], &outcome.printed[at]);
            shows += 1;
        }
    }
    (outcome, shows)
}

/// Runs blocks against a server, both with the files of `analysis_results`, as `make run` has them.
fn run_beside_a_server(name: &str, headings: &[&str]) -> (Outcome, usize) {
    let mut shell = walking();
    let server = Server::on_files(&shell.path().join("analysis_results"));
    shell.replace("http://127.0.0.1:8000", &server.url);
    run(&shell, &Page::read(name), headings)
}

#[test]
fn the_readme() {
    let (outcome, shows) = run_beside_a_server("README.md", &["The API by example"]);
    assert!(outcome.pairs("statuses").len() >= 10 && shows >= 3, "{shows} {}", outcome.notes("statuses"));
}

#[test]
fn the_api() {
    let (outcome, shows) = run_beside_a_server("docs/api.md", &[]);
    assert!(outcome.pairs("statuses").len() >= 18 && shows >= 5, "{shows} {}", outcome.notes("statuses"));
}

#[test]
fn the_commands() {
    let (outcome, shows) = run(&walking(), &Page::read("docs/commands.md"), &[]);
    assert!(outcome.printed.len() >= 4 && shows >= 1, "{shows} {:?}", outcome.printed);
}

#[test]
fn transfers() {
    let (outcome, shows) = run(&walking(), &Page::read("docs/transfers.md"), &[]);
    assert!(shows >= 2, "{:?}", outcome.printed);
}

#[test]
fn a_server_on_s3() {
    let mut shell = walking();
    let ministack = Ministack::start();
    shell.replace("http://127.0.0.1:4566", &ministack.endpoint());
    shell.stub("bin/make", r#"case "$*" in run) env -0 >"$NOTES/environment" ;; esac"#);
    shell.stub(".venv/bin/ministack", "");
    let (outcome, _) = run(&shell, &Page::read("docs/deploy.md"), &["A server on S3"]);
    assert_eq!(outcome.pairs("statuses").len(), 1);
    let environment = outcome.notes("environment");
    let variables = environment.split('\0').filter_map(|variable| variable.split_once('='));
    let ours = |(name, _): &(&str, &str)| ["AWS_", "S3_", "STORAGE_"].iter().any(|p| name.starts_with(p));
    walk(&Server::start(&variables.filter(ours).collect::<Vec<_>>()).url);
}

/// Sends the events of `docs/deploy.md` to functions that run at this port.
pub(crate) fn invoke_the_functions(port: u16) {
    let shell = walking();
    let invoke =
        format!(r#"cd {} && exec {} "$@" --invoke-port {port}"#, root().display(), find("cargo").display());
    shell.stub("bin/cargo", &invoke);
    shell.stub("bin/make", "");
    std::os::unix::fs::symlink(root().join(".venv"), shell.path().join(".venv")).unwrap();
    let (outcome, _) = run(&shell, &Page::read("docs/deploy.md"), &["The functions on this machine"]);
    assert!(
        outcome.printed.iter().any(|text| text.matches("statusCode").count() >= 10),
        "{:?}",
        outcome.printed
    );
}
