//! Memory stays bounded, whatever the number and size of the documents.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::{text, write};
use crate::harness::program;
use crate::harness::s3_in_memory::S3InMemory;

/// 80 MB: with the program itself, below 100 MB.
const MOST_KB: u64 = 80_000_000 / 1024;
/// The largest document that is taken unless configured otherwise.
const LARGEST: usize = 32 << 20;

/// Runs a command to its end, which has this code; the most memory it ever had, in KB. Not counted are the pages of the
/// program's own file: of one that is not optimised there are many, and the system can drop them.
fn peak(variables: &[(&str, &str)], arguments: &[&str], expected: i32) -> u64 {
    let mut command = program(variables);
    let mut child = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let code = loop {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let figure = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().trim_end_matches(" kB").parse::<u64>().ok()
        };
        if let (Some(all), Some(file)) = (figure("VmHWM:"), figure("RssFile:")) {
            most = most.max(all.saturating_sub(file));
        }
        if let Some(ended) = child.try_wait().unwrap() {
            break ended.code();
        }
        thread::sleep(Duration::from_millis(2));
    };
    assert_eq!(code, Some(expected), "{arguments:?}");
    most
}

/// Many documents of several sizes up to the largest, in a directory.
fn fill(directory: &Path) {
    for (count, size) in [(4, LARGEST), (6, 20 << 20), (12, 5 << 20), (200, 20_000)] {
        for n in 0..count {
            let text = "x".repeat(size - 100 - n);
            write(directory, &format!("{size}-{n}.json"), format!("{{\"text\":\"{text}\"}}"));
        }
    }
}

fn check(first: &[(&str, &str)], second: &[(&str, &str)]) {
    let directory = TempDir::new().unwrap();
    let [source, backup] = ["source", "backup"].map(|name| directory.path().join(name));
    fill(&source);
    let (source, backup) = (text(&source), text(&backup));
    for (variables, arguments) in [
        (first, ["import", "--from", source]),
        (first, ["import", "--from", source]),
        (first, ["backup", "--to", backup]),
        (first, ["verify", "--against", backup]),
        (second, ["restore", "--from", backup]),
        (second, ["restore", "--from", backup]),
    ] {
        let peak = peak(variables, &arguments, 0);
        assert!((1000..MOST_KB).contains(&peak), "{arguments:?}: {peak} KB");
        eprintln!("{}: {peak} KB", arguments[0]);
    }
}

#[test]
fn it_stays_below_100_mb_on_files() {
    let directory = TempDir::new().unwrap();
    let [first, second] = ["first", "second"].map(|name| directory.path().join(name));
    check(&[("LOCAL_STORAGE_DIR", text(&first))], &[("LOCAL_STORAGE_DIR", text(&second))]);
}

#[test]
fn it_stays_below_100_mb_on_s3() {
    let s3 = S3InMemory::start();
    let directory = TempDir::new().unwrap();
    check(&s3.variables(), &[("LOCAL_STORAGE_DIR", text(directory.path()))]);
}

/// What other tests hold by size, held by number.
#[test]
fn it_stays_below_30_mb_however_many_files_there_are() {
    let directory = TempDir::new().unwrap();
    let [equal, bad, tiny, store] = ["equal", "bad", "tiny", "store"].map(|name| directory.path().join(name));
    for n in 0..4000 {
        write(&equal, &format!("run-{n}/result.json"), n.to_string());
    }
    let long = "x".repeat(200);
    for n in 0..30_000 {
        fs::create_dir_all(&bad).unwrap();
        fs::File::create(bad.join(format!("{long} {n}.json"))).unwrap();
    }
    for n in 0..10_000 {
        write(&tiny, &format!("{n}.json"), "{}");
    }
    let variables = [("LOCAL_STORAGE_DIR", text(&store))];
    for (source, code) in [(&equal, 1), (&bad, 1), (&tiny, 0)] {
        let peak = peak(&variables, &["import", "--dry-run", "--from", text(source)], code);
        eprintln!("{}: {peak} KB", source.display());
        assert!((1000..30_000).contains(&peak), "{}: {peak} KB", source.display());
    }
}
