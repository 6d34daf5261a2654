//! The program at a terminal: what it shows while it works, and how it goes with the width.

mod interrupted;
mod progress;
mod tables;

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::harness::s3_in_memory::S3InMemory;

/// A store that takes so long for each request that what goes on there can be seen.
fn slow_store() -> S3InMemory {
    S3InMemory::start_slow(Duration::from_millis(100))
}

/// Writes documents of 1,000 bytes each, under these names; their paths.
fn plant(directory: &Path, names: impl Iterator<Item = u32>) -> Vec<String> {
    fs::create_dir_all(directory).unwrap();
    let written = names.map(|n| {
        let path = directory.join(format!("study-{n:03}.json"));
        fs::write(&path, format!("{{\"text\":\"{}\"}}", "x".repeat(989))).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 1000);
        path.to_str().unwrap().to_owned()
    });
    written.collect()
}
