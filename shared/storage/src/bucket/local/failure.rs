//! What an operator has to do about a failure of the file system, in one line each.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::bucket::BucketError;
use crate::config::NamedBy;

/// Where the directory is named, and what became of an access below it.
pub(super) fn failure(named_by: NamedBy, action: &str, path: &Path, error: io::Error) -> BucketError {
    let what = format!("cannot {action} {}", path.display());
    match advice(named_by, &error) {
        Some(advice) => {
            let advice = format!("{what}: {error}; {advice}");
            BucketError::Misconfigured { advice, source: Some(error.into()) }
        }
        None => BucketError::no_answer(what, error),
    }
}

/// The directory cannot be used at all.
pub(super) fn unusable(named_by: NamedBy, root: &Path, error: io::Error) -> BucketError {
    let otherwise = || may_read_and_write(named_by);
    let advice = advice(named_by, &error).unwrap_or_else(otherwise);
    let advice = format!("cannot use {} for storage: {error}; {advice}", root.display());
    BucketError::Misconfigured { advice, source: Some(error.into()) }
}

/// What to do, if it does not pass by itself.
fn advice(named_by: NamedBy, error: &io::Error) -> Option<String> {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Some(may_read_and_write(named_by)),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Some("make room there; `design-analysis delete` needs none".to_owned())
        }
        _ => None,
    }
}

fn may_read_and_write(named_by: NamedBy) -> String {
    format!("set {} to a directory that this user may read and write", named_by.directory())
}
