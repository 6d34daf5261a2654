//! `--help` and the manual: what to do first, examples, settings, groups.

use tempfile::TempDir;

use super::{Place, Run};
use crate::harness::commands;

fn help(arguments: &[&str]) -> String {
    Place(&[]).run(&[arguments, &["--help"]].concat()).text()
}

/// The lines below a heading.
fn below<'a>(help: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = help.lines().skip_while(|line| *line != heading).skip(1);
    lines.take_while(|line| !line.is_empty()).map(str::trim).collect()
}

#[test]
fn every_command_has_two_examples_that_it_takes() {
    for command in commands() {
        let help = help(&[&command]);
        let examples = below(&help, "Examples:").into_iter().filter(|line| !line.starts_with('#'));
        let examples: Vec<&str> = examples.collect();
        assert!(examples.len() >= 2, "{command}: {help}");
        for example in examples {
            // A pipe may lead on, and a setting go before.
            let (_, line) = example.split_once("design-analysis ").unwrap();
            let words: Vec<&str> = line.split(['|', '>', ')']).next().unwrap().split_whitespace().collect();
            assert_eq!(words.first(), Some(&command.as_str()), "{example}");
            Place(&[]).run(&[&words[..], &["--help"]].concat()).text();
        }
    }
}

#[test]
fn every_command_names_the_settings_that_it_reads() {
    let store = ["STORAGE_TYPE", "S3_BUCKET_NAME", "MAX_DOCUMENT_BYTES", "LOG_LEVEL"];
    let server = ["API_HOST", "API_TOKEN"];
    for command in commands() {
        let expected: &[&[&str]] = match command.as_str() {
            "serve" | "config" => &[&store, &server],
            "health" => &[&server],
            "completions" | "man" => &[],
            _ => &[&store],
        };
        let text = help(&[&command]);
        let named = |name: &&&str| below(&text, "Environment variables:").join(" ").contains(**name);
        let all: Vec<&str> = [&store[..], &server].concat();
        let found: Vec<&str> = all.iter().filter(named).copied().collect();
        assert_eq!(found, expected.concat(), "{command}: {text}");
    }
}

#[test]
fn the_program_says_what_to_do_first() {
    let help = help(&[]);
    let steps = below(&help, "First steps:");
    for step in
        ["design-analysis save study.json --id study-1", "design-analysis list", "design-analysis serve"]
    {
        assert!(steps.contains(&step), "{step}: {help}");
    }
}

#[test]
fn options_stand_in_groups() {
    for (command, groups) in [
        ("save", &["Id and creation time:", "What is there already:", "How to work and report:"][..]),
        ("list", &["Which analyses:", "How many, in which order and form:"]),
        ("delete", &["Which analyses:", "How to be sure:"]),
        ("check", &["Which months:", "How to report:"]),
        ("repair", &["Which months:", "How to report:"]),
        ("backup", &["History of the backup:", "Archived documents:", "How to work and report:"]),
        ("restore", &["What to restore:", "How to work and report:"]),
        ("cost", &["Assumptions:"]),
    ] {
        let help = help(&[command]);
        for group in groups {
            assert!(!below(&help, group).is_empty(), "{group}: {help}");
        }
    }
}

#[test]
fn save_says_how_a_creation_time_is_chosen() {
    let help = help(&["save"]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        help.contains("It is chosen when an id is saved for the first time, and never changes"),
        "{help}"
    );
}

#[test]
fn no_line_is_wider_than_100_columns() {
    let short = commands()
        .into_iter()
        .flat_map(|command| [vec![command.clone(), "-h".to_owned()], vec![command, "--help".to_owned()]]);
    for arguments in short.chain([vec!["--help".to_owned()]]) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let help = Place(&[]).run(&arguments).text();
        let long = help.lines().find(|line| line.chars().count() > 100 && !line.contains("design-analysis "));
        assert_eq!(long, None, "{arguments:?}");
    }
}

#[test]
fn the_manual_has_a_page_for_the_program_and_each_command() {
    let page = Place(&[]).run(&["man"]).text();
    for part in [
        ".TH design-analysis 1",
        ".SH \"FIRST STEPS\"",
        ".SH \"ENVIRONMENT VARIABLES\"",
        ".SH \"EXIT CODES\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for command in commands() {
        let page = Place(&[]).run(&["man", &command]).text();
        let title = format!(".TH design\\-analysis\\-{command} 1");
        assert!(page.replace('\\', "").contains(&title.replace('\\', "")), "{title}: {page}");
        assert!(page.contains(".SH EXAMPLES\n.nf\n"), "{page}");
    }
    Place(&[]).run(&["man", "frobnicate"]).assert_ends(2, "there is no command \"frobnicate\"");

    let directory = TempDir::new().unwrap();
    let to = directory.path().to_str().unwrap();
    let written = Place(&[]).run(&["man", "--to", to]).text();
    assert_eq!(written.lines().count(), commands().len() + 1);
    let save = std::fs::read_to_string(directory.path().join("design-analysis-save.1")).unwrap();
    assert_eq!(save, Place(&[]).run(&["man", "save"]).text());
    let nowhere: Run = Place(&[]).run(&["man", "--to", "/no/such/directory"]);
    nowhere.assert_ends(2, "/no/such/directory/design-analysis.1");
}
