//! What stands in the way of restoring a backup, though every document is there.

use std::fs;
use std::path::Path;

use super::backup::stage;
use super::write;

#[test]
fn a_backup_that_cannot_be_restored_as_it_was_does_not_pass() {
    let stage = stage();
    let whole = stage.file("manifest.jsonl");
    let first = whole.split_inclusive('\n').next().unwrap();
    assert!(first.contains("\"one\""), "{first}");
    let size = first.replace("\"size\":11", "\"size\":12");
    let implementation = first.replace("\"implementation\":\"unknown\"", "\"implementation\":\"other\"");
    let created_at = first.replace("\"created_at\":\"2", "\"created_at\":\"1");
    let cases = [
        (first.to_owned(), &["unlisted_file three.json", "unlisted_file two.json"][..]),
        (whole.replace(first, &size), &["damaged_file one.json"]),
        (whole.replace(first, &implementation), &["manifest one"]),
        (whole.replace(first, &created_at), &["manifest one"]),
    ];
    for (changed, problems) in cases {
        assert_ne!(changed, whole);
        write(Path::new(&stage.backup), "manifest.jsonl", changed);
        stage.verify().assert_found(problems);
    }
    fs::remove_file(Path::new(&stage.backup).join("manifest.jsonl")).unwrap();
    stage.verify().assert_found(&[
        "unlisted_file one.json",
        "unlisted_file three.json",
        "unlisted_file two.json",
    ]);
    write(Path::new(&stage.backup), "manifest.jsonl", whole);
    stage.verify().assert_well(&[("equal", 3)]);
    write(Path::new(&stage.backup), "below/two.json", stage.file("two.json"));
    fs::remove_file(Path::new(&stage.backup).join("two.json")).unwrap();
    stage.verify().assert_found(&["only_in_store two"]);
}
