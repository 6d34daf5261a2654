//! The former names of commands and options.

use std::fs;

use super::{Place, on_files, write};

/// Runs both, which must end well and print the same, the former after a line that names its successor.
fn same(place: &Place<'_>, former: &[&str], present: &[&str], warning: &str) {
    let (was, is) = (place.run(former), place.run(present));
    let expected = format!("warning: {warning}\n{}", is.messages);
    assert_eq!((was.code, was.messages.as_str()), (Some(0), expected.as_str()));
    assert_eq!(is.code, Some(0), "{}", is.messages);
    assert_eq!(String::from_utf8_lossy(&was.out), String::from_utf8_lossy(&is.out), "{former:?}");
}

#[test]
fn former_names_do_what_their_successors_do_and_name_them() {
    on_files(|place, directory| {
        place.pipe(&["save", "-", "--id", "study-1"], b"{}").text();
        let [source, backup] = ["source", "backup"].map(|name| directory.join(name));
        fs::create_dir(&source).unwrap();
        write(&source, "study-1.json", "{}");
        let [source, backup] = [&source, &backup].map(|path| path.to_str().unwrap());
        place.run(&["backup", "--to", backup]).text();
        same(
            place,
            &["rebuild", "--grace", "0", "--check"],
            &["check", "--grace", "0"],
            "`rebuild --check` is deprecated; use `check`",
        );
        same(
            place,
            &["rebuild", "--start-after", "2024-01"],
            &["repair", "--start-after", "2024-01"],
            "`rebuild` is deprecated; use `repair`",
        );
        same(
            place,
            &["migrate", "--from", source],
            &["import", "--from", source],
            "`migrate` is deprecated; use `import`",
        );
        same(
            place,
            &["restore-backup", "--from", backup, "--json"],
            &["restore", "--from", backup, "--json"],
            "`restore-backup` is deprecated; use `restore`",
        );
        same(
            place,
            &["backup", "--restore", "--restore-days", "2", "--to", backup],
            &["backup", "--restore-archived", "--restore-days", "2", "--to", backup],
            "`--restore` is deprecated; use `--restore-archived`",
        );
    });
}

#[test]
fn former_names_are_in_no_help_and_no_completions() {
    let place = Place(&[]);
    let commands = place.run(&["--help"]).text();
    let backup = place.run(&["backup", "--help"]).text();
    let mut texts = vec![commands, backup, place.run(&["check", "--help"]).text()];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let asks = |index, words: &[&str]| {
            let place = Place(&[("DESIGN_ANALYSIS_COMPLETE", shell), ("_CLAP_COMPLETE_INDEX", index)]);
            place.run(&[&["--", "design-analysis"], words].concat()).text()
        };
        texts.extend([asks("1", &[""]), asks("2", &["backup", "--"]), asks("2", &["check", "--"])]);
    }
    for text in texts {
        let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
        for former in ["rebuild", "migrate", "restore-backup", "--restore"] {
            assert!(!words.contains(&former), "{former} in {text}");
        }
        assert!(
            ["repair", "--restore-archived", "--grace"].iter().any(|word| words.contains(word)),
            "{text}"
        );
    }
    // `backup` has an option of that name.
    for command in ["check", "repair"] {
        let text = place.run(&[command, "--help"]).text();
        assert!(!text.contains("--check"), "{text}");
    }
}
