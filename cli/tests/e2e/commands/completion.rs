//! What the shells complete: commands, options and the ids of the store.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use super::{Place, on_files};

/// Runs a script in a shell that finds the program, with the settings of a store.
fn shell(place: &Place<'_>, shell: &[&str], script: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_design-analysis"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).arg(script).env("PATH", path).env("TERM", "dumb").envs(place.0.iter().copied());
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|e| panic!("{e}: apt-get install {}", shell[0]));
    assert_eq!((status.success(), String::from_utf8_lossy(&stderr).as_ref()), (true, ""), "{script}");
    String::from_utf8(stdout).unwrap()
}

/// What bash offers for the last word of a line.
fn bash(place: &Place<'_>, line: &[&str]) -> Vec<String> {
    let words: Vec<String> = line.iter().map(|word| format!("'{word}'")).collect();
    let last = words.last().unwrap();
    let script = format!(
        "source <(design-analysis completions bash)
        COMP_WORDS=({}); COMP_CWORD={}
        function=$(complete -p design-analysis); function=${{function##*-F }}
        ${{function%% *}} design-analysis {last} ''
        printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        words.len() - 1
    );
    shell(place, &["bash", "--norc", "-c"], &script).lines().map(str::to_owned).collect()
}

/// What fish offers for the last word of a line.
fn fish(place: &Place<'_>, line: &str) -> Vec<String> {
    let script = format!("design-analysis completions fish | source; complete -C '{line}'");
    let offered = shell(place, &["fish", "--no-config", "-c"], &script);
    offered.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

/// What zsh offers for the last word of a line: `_describe` would show it.
fn zsh(place: &Place<'_>, line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let script = format!(
        "compdef() {{ completer=$1 }}
        _describe() {{ print -rl -- ${{(P)${{@[-1]}}}} }}
        source <(design-analysis completions zsh)
        words=({}); CURRENT={}; $completer",
        words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
        words.len()
    );
    let offered = shell(place, &["zsh", "-f", "-c"], &script);
    offered.lines().map(|line| line.split(':').next().unwrap().to_owned()).collect()
}

fn stored(check: impl Fn(&Place<'_>, &Path)) {
    on_files(|place, directory| {
        for id in ["study-1", "study-2", "Study-3", "other"] {
            place.pipe(&["save", "-", "--id", id], b"{}").text();
        }
        check(place, directory);
    });
}

#[test]
fn bash_completes_commands_options_and_ids() {
    stored(|place, directory| {
        let bash = |line: &[&str]| bash(place, &[&["design-analysis"], line].concat());
        assert_eq!(bash(&["li"]), ["list"]);
        assert_eq!(bash(&["save", "--id-"]), ["--id-from-name"]);
        assert_eq!(bash(&["list", "--sort", "s"]), ["saved", "size", "seconds", "status"]);
        for line in [
            &["load", "study-"][..],
            &["delete", "study-"],
            &["delete", "other", "study-"],
            &["load", "--etag", "study-"],
            &["save", "-", "--id", "study-"],
        ] {
            assert_eq!(bash(line), ["study-2", "study-1"], "{line:?}");
        }
        assert_eq!(bash(&["load", "Stu"]), ["Study-3"]);
        // The store that the line names, and not that of the environment.
        let other = directory.join("other store");
        let other = other.to_str().unwrap();
        place.pipe(&["save", "-", "--id", "study-9", "--store", other], b"{}").text();
        assert_eq!(bash(&["load", "--store", other, "study-"]), ["study-9"]);

        let backup = directory.join("backup");
        let backup = backup.to_str().unwrap();
        place.run(&["backup", "--to", backup]).text();
        place.run(&["delete", "study-1"]).text();
        assert_eq!(bash(&["restore", "--from", backup, "--id", "study-"]), ["study-1", "study-2"]);
    });
}

#[test]
fn fish_completes_commands_options_and_ids() {
    stored(|place, _| {
        assert_eq!(fish(place, "design-analysis li"), ["list"]);
        assert_eq!(fish(place, "design-analysis save --id-"), ["--id-from-name"]);
        assert_eq!(fish(place, "design-analysis load study-"), ["study-2", "study-1"]);
    });
}

#[test]
fn zsh_completes_commands_options_and_ids() {
    stored(|place, _| {
        assert_eq!(zsh(place, "design-analysis li"), ["list"]);
        assert_eq!(zsh(place, "design-analysis save --id-"), ["--id-from-name"]);
        assert_eq!(zsh(place, "design-analysis load study-"), ["study-2", "study-1"]);
    });
}

/// A shell waits, and shows on its line whatever is printed.
#[test]
fn a_store_that_cannot_be_asked_completes_nothing_and_says_nothing() {
    // It takes requests and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let s3 = |endpoint| {
        [
            ("STORAGE_TYPE", "s3"),
            ("S3_BUCKET_NAME", "analyses"),
            ("S3_ENDPOINT_URL", endpoint),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]
    };
    let line = ["design-analysis", "load", "study-"];
    assert_eq!(bash(&Place(&s3(&silent)), &line), [""]);
    assert_eq!(bash(&Place(&s3("http://127.0.0.1:9")), &line), [""]);
    assert_eq!(bash(&Place(&[("STORAGE_TYPE", "gcs")]), &line), [""]);
    on_files(|place, directory| {
        assert_eq!(bash(place, &line), [""]);
        assert!(fs::read_dir(directory).unwrap().next().is_none(), "and nothing is made");
    });
}
