//! A directory.

use std::path::Path;

use super::{Finding, State};
use crate::bucket::local::LocalBucket;
use crate::config::{StorageConfig, absolute};

/// What there is to say of a store in this directory.
pub(super) async fn diagnose(directory: &Path, config: &StorageConfig) -> Vec<Finding> {
    let place = absolute(directory).display().to_string();
    let bucket = LocalBucket::to_read(directory).named_by(config.named_by);
    if let Err(error) = bucket.check_that_it_exists().await {
        return vec![Finding::new("directory", State::Wrong, place, error.to_string())];
    }
    let file_system = match bucket.make_and_try_out().await {
        Ok(()) => {
            Finding::ok("file system", "keeps times to the microsecond, exclusive renames, case and locks")
        }
        Err(error) => Finding::new("file system", State::Wrong, "cannot be used to save", error.to_string()),
    };
    let retention = if config.retention.is_forever() {
        Finding::ok("retention", "analyses are kept forever")
    } else {
        Finding::new(
            "retention",
            State::Advice,
            "RETENTION_DAYS hides analyses here, and nothing removes their files",
            "remove what is past its time by `design-analysis delete`, or leave RETENTION_DAYS unset",
        )
    };
    vec![Finding::ok("directory", place), file_system, retention]
}
