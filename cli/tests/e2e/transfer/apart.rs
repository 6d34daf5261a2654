//! Directories that are the store itself, however they are spelt.

use std::os::unix::fs::symlink;
use std::path::Path;

use super::backup::stage;
use super::{files, text};

#[test]
fn no_spelling_of_a_path_leads_a_transfer_into_the_store() {
    let stage = stage();
    let store = Path::new(&stage.store);
    let parent = store.parent().unwrap();
    symlink(store, parent.join("link")).unwrap();
    let before = files(store);
    let names =
        ["", "store", "store/analysis", "link", "link/not/there", "missing/../store", "backup/../store/x"];
    for name in names {
        let path = parent.join(name);
        for command in
            [["backup", "--to"], ["restore", "--from"], ["verify", "--against"], ["import", "--from"]]
        {
            let ran = stage.run(&[command[0], command[1], text(&path)]);
            assert_eq!(ran.code, Some(2), "{command:?} {name}: {}", ran.out);
            assert!(ran.err.contains("overlap; choose another directory"), "{command:?} {name}: {}", ran.err);
        }
    }
    assert_eq!(files(store), before);
    assert!(!parent.join("missing").exists());
}
