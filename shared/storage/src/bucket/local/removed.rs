//! The writes that were removed or replaced last, kept in the file of the lock under which that was done.
//!
//! A tag is made of time and length. So a write must not have both in common with one that was under its key before:
//! whoever still holds that one's tag would take the one for the other.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

use crate::bucket::ObjectMeta;
use crate::time::SavedAt;

/// How many are kept. A write that is told from them was named at most a few seconds before.
const KEPT: usize = 32;
/// Bytes of each: time and length.
const EACH: usize = 16;

/// Whether a write of this time and length was removed or replaced under this lock.
pub(super) fn has(lock: &File, saved_at: SavedAt, size: u64) -> io::Result<bool> {
    let wanted = record(saved_at, size);
    Ok(read(lock)?.chunks_exact(EACH).any(|kept| kept == wanted))
}

/// Keeps this one, and forgets the oldest.
pub(super) fn remember(lock: &File, removed: &ObjectMeta) -> io::Result<()> {
    let mut kept = read(lock)?;
    kept.splice(0..0, record(removed.saved_at, removed.size));
    kept.truncate(KEPT * EACH);
    match lock.write_all_at(&kept, 0) {
        // What frees room must not need any.
        Err(e) if matches!(e.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => Ok(()),
        written => written,
    }
}

fn record(saved_at: SavedAt, size: u64) -> [u8; EACH] {
    let mut bytes = [0; EACH];
    let (time, length) = bytes.split_at_mut(EACH / 2);
    time.copy_from_slice(&saved_at.micros().to_le_bytes());
    length.copy_from_slice(&size.to_le_bytes());
    bytes
}

fn read(lock: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; KEPT * EACH];
    let mut length = 0;
    while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match lock.read_at(rest, length as u64)? {
            0 => break,
            read => length += read,
        }
    }
    bytes.truncate(length - length % EACH);
    Ok(bytes)
}
