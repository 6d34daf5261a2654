//! Where a document comes from: a file, or standard input.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use analysis_storage::Error;
use bytes::Bytes;

use super::SaveError;
use crate::input::is_dash;

/// The whole input, unless it is larger than the limit: then no more than that is read.
pub(super) async fn read(file: &Path, limit: u64) -> Result<Bytes, SaveError> {
    let file = file.to_owned();
    // Others are saved while a pipe makes this one wait.
    let read = tokio::task::spawn_blocking(move || read_at_most(&file, limit + 1)).await;
    let bytes = read.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(SaveError::Unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes.into())
    } else {
        Err(Error::TooLarge { limit }.into())
    }
}

fn read_at_most(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if is_dash(file) {
        io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        File::open(file)?.take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// In bytes; `None` for what is no regular file.
pub(super) fn size(file: &Path) -> Option<u64> {
    fs::metadata(file).ok().filter(fs::Metadata::is_file).map(|meta| meta.len())
}

/// The name that `--id-from-name` makes an id of.
pub(super) fn name(file: &Path) -> String {
    let is_json = file.extension().is_some_and(|extension| extension == "json");
    let name = if is_json { file.file_stem() } else { file.file_name() };
    name.unwrap_or_default().to_string_lossy().into_owned()
}
