//! Which store a backup is of, so that another one does not empty it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use analysis_storage::StorageConfig;
use analysis_storage::config::Storage;

use super::directory::temporary_directory;
use crate::atomic_file::{self, usual_permissions};
use crate::transfer::{RESERVED, TransferError};

/// The store of a backup, as text that is compared as a whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Origin(String);

impl Origin {
    /// The configured store: its canonical directory, or its bucket, prefix and endpoint.
    pub(super) fn from_config(config: &StorageConfig) -> Result<Self, TransferError> {
        let text = match &config.storage {
            Storage::Local { directory } => {
                let failed = |source| TransferError::File { what: "read", path: directory.clone(), source };
                fs::canonicalize(directory).map_err(failed)?.display().to_string()
            }
            Storage::S3 { settings, prefix } => {
                let at = settings.endpoint_url.as_ref().map(|url| format!(" at {url}")).unwrap_or_default();
                format!("s3://{}/{}{at}", settings.bucket, prefix.trim_matches('/'))
            }
        };
        Ok(Self(text))
    }

    /// Refuses the backup of another store.
    pub(super) fn check(&self, backup: &Path) -> Result<(), TransferError> {
        let path = file(backup);
        let recorded = match fs::read_to_string(&path) {
            Ok(text) => Self(text.trim_end_matches('\n').to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(TransferError::File { what: "read", path, source }),
        };
        if recorded == *self {
            return Ok(());
        }
        let (backup, Self(other), Self(own)) = (backup.display(), recorded, self);
        Err(TransferError::Unusable(format!(
            "{backup} is a backup of {other}, and the store is {own}; choose another directory, or make it a backup \
             of this store with --allow-other-store"
        )))
    }

    /// Records the store in its backup.
    pub(super) fn record(&self, backup: &Path) -> Result<(), TransferError> {
        let path = file(backup);
        let written = atomic_file::write(&temporary_directory(backup), usual_permissions(), |file| {
            writeln!(file, "{}", self.0)
        });
        let placed = written.and_then(|file| file.place(&path));
        placed.map_err(|source| TransferError::File { what: "write", path, source })
    }
}

fn file(backup: &Path) -> PathBuf {
    backup.join(RESERVED).join("store")
}
