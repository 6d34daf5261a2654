//! Disks that are full or read-only: what reads, and what frees room, works.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{Place, Run};
use crate::containers::sandbox::alone;

/// Created so long ago that its period is over, which a delete has to mark.
const OLD: &str = "018cc251-f400-7000-8000-000000000000";

fn mount(arguments: &[&str]) {
    assert!(Command::new("mount").args(arguments).status().unwrap().success(), "mount {arguments:?}");
}

/// A store of two analyses on a file system of its own, and a directory beside it.
fn with_store(check: impl Fn(&Place<'_>, &Path, &Path)) {
    let directory = TempDir::new().unwrap();
    let (disk, beside) = (directory.path().join("disk"), directory.path().join("beside"));
    fs::create_dir(&disk).unwrap();
    fs::create_dir(&beside).unwrap();
    mount(&["-t", "tmpfs", "-o", "size=256k", "none", disk.to_str().unwrap()]);
    let place = Place(&[("LOCAL_STORAGE_DIR", disk.to_str().unwrap())]);
    for id in [OLD, "study-1"] {
        place.pipe(&["save", "-", "--id", id], br#"{"status":"success"}"#).text();
    }
    check(&place, &disk, &beside);
    mount(&["-o", "remount,rw", disk.to_str().unwrap()]);
}

/// Everything that only reads the store goes well.
fn reads(place: &Place<'_>, beside: &Path) {
    let well = |arguments: &[&str]| {
        let run = place.run(arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {}", run.messages);
        String::from_utf8(run.out).unwrap()
    };
    let backup = beside.join("backup");
    let backup = backup.to_str().unwrap();
    assert_eq!(well(&["list", "--json"]).lines().count(), 2);
    assert_eq!(well(&["load", "study-1"]), r#"{"status":"success"}"#);
    assert!(well(&["stats"]).contains("Analyses   2\n"));
    well(&["cost"]);
    well(&["check", "--grace", "0"]);
    well(&["backup", "--to", backup]);
    well(&["verify", "--against", backup]);
}

fn assert_refused(run: &Run, reason: &str) {
    run.assert_ends(2, reason);
    assert_eq!(run.messages.matches(reason).count(), 1, "{}", run.messages);
}

#[test]
fn a_full_disk_is_read_and_freed() {
    alone("commands::room::a_full_disk_is_read_and_freed", || {
        with_store(|place, disk, beside| {
            let fill = disk.join("filling");
            Command::new("dd").arg("if=/dev/zero").arg(format!("of={}", fill.display())).output().unwrap();
            reads(place, beside);
            let save = place.pipe(&["save", "-", "--id", "study-2"], b"{}");
            assert_refused(&save, "No space left on device");
            save.assert_ends(2, "make room there; `design-analysis delete` needs none");
            assert_eq!(place.run(&["delete", OLD, "study-1"]).text(), format!("{OLD}\nstudy-1\n"));
            fs::remove_file(fill).unwrap();
            assert!(place.run(&["stats"]).text().contains("Analyses   0\n"));
            place.run(&["check", "--grace", "0"]).text();
        });
    });
}

#[test]
fn a_read_only_disk_is_read() {
    alone("commands::room::a_read_only_disk_is_read", || {
        with_store(|place, disk, beside| {
            mount(&["-o", "remount,ro", disk.to_str().unwrap()]);
            reads(place, beside);
            for arguments in [&["save", "-", "--id", "study-2"][..], &["delete", "study-1"], &["repair"]] {
                let run = place.pipe(arguments, b"{}");
                assert_refused(&run, "Read-only file system");
                run.assert_ends(2, "set LOCAL_STORAGE_DIR to a directory that this user may read and write");
            }
        });
    });
}
