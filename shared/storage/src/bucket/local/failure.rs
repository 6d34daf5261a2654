//! What an operator has to do about a failure of the file system, in one line each.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::bucket::BucketError;
use crate::config::NamedBy;

/// Where the directory is named, and what became of an access below it.
pub(super) fn failure(named_by: NamedBy, action: &str, path: &Path, error: io::Error) -> BucketError {
    let what = format!("cannot {action} {}", path.display());
    if is_full(&error) {
        let advice = format!("{what}: {error}; {MAKE_ROOM}");
        return BucketError::StorageFull { advice, source: error.into() };
    }
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
    if is_full(&error) {
        let advice = format!("cannot use {} for storage: {error}; {MAKE_ROOM}", root.display());
        return BucketError::StorageFull { advice, source: error.into() };
    }
    let otherwise = || may_read_and_write(named_by);
    let advice = advice(named_by, &error).unwrap_or_else(otherwise);
    let advice = format!("cannot use {} for storage: {error}; {advice}", root.display());
    BucketError::Misconfigured { advice, source: Some(error.into()) }
}

const MAKE_ROOM: &str = "make room there; `design-analysis delete` needs none";

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// What to do, if it does not pass by itself.
fn advice(named_by: NamedBy, error: &io::Error) -> Option<String> {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Some(may_read_and_write(named_by)),
        _ => None,
    }
}

fn may_read_and_write(named_by: NamedBy) -> String {
    format!("set {} to a directory that this user may read and write", named_by.directory())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorCode};

    #[test]
    fn a_full_disk_and_a_used_up_quota_are_a_full_storage() {
        for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
            for of in [
                failure(NamedBy::default(), "write", Path::new("/data/x"), kind.into()),
                unusable(NamedBy::default(), Path::new("/data"), kind.into()),
            ] {
                let error = Error::from(of);
                assert!(error.code() == ErrorCode::StorageFull && !error.is_retryable(), "{error:?}");
                assert!(error.to_string().ends_with(MAKE_ROOM), "{error}");
            }
        }
    }
}
