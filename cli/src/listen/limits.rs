//! How many connections are served at once.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What one connection may keep unread or unsent beside the documents.
pub(super) const BUFFER: usize = 64 << 10;

/// Never more than this: what is served by one process is bounded by its storage long before.
const MOST: usize = 4096;
/// Never fewer, however little there is.
const LEAST: usize = 16;
/// Files that a request may have open: its connection, and what local storage reads, writes and locks.
const FILES_EACH: u64 = 3;
/// Files that are open whatever is served: the log, connections to S3, the reserve.
const FILES_KEPT: u64 = 128;
/// More files are never asked for.
const MOST_FILES: u64 = FILES_KEPT + FILES_EACH * MOST as u64;

/// The limits of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// How many are served at once.
    pub(crate) connections: usize,
    /// How many of those may be of one address.
    pub(crate) per_peer: usize,
}

impl Limits {
    /// What this process can serve: its limit of open files is raised as far as it may be.
    pub(crate) fn new(per_peer: Option<usize>, memory_budget: u64) -> Self {
        Self::with_files(raise_file_limit(), per_peer, memory_budget)
    }

    fn with_files(files: u64, per_peer: Option<usize>, memory_budget: u64) -> Self {
        let by_files = files.saturating_sub(FILES_KEPT) / FILES_EACH;
        let by_memory = memory_budget / BUFFER as u64;
        let connections = usize::try_from(by_files.min(by_memory)).unwrap_or(MOST).clamp(LEAST, MOST);
        let per_peer = match per_peer {
            None => connections / 2,
            Some(0) => connections,
            Some(cap) => cap.min(connections),
        };
        Self { connections, per_peer }
    }
}

/// The most files that may be open, after that has been raised.
fn raise_file_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let (now, wanted) = (current.unwrap_or(u64::MAX), maximum.unwrap_or(u64::MAX).min(MOST_FILES));
    if wanted > now && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).is_ok() {
        wanted
    } else {
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_follow_the_limit_of_open_files_and_the_memory() {
        for (files, per_peer, memory, connections, of_one) in [
            (1024, None, 256 << 20, 298, 149),
            (u64::MAX, None, u64::MAX, 4096, 2048),
            (u64::MAX, Some(0), 64 << 20, 1024, 1024),
            (1024, Some(20), 256 << 20, 298, 20),
            (64, Some(500), 0, 16, 16),
        ] {
            let limits = Limits::with_files(files, per_peer, memory);
            assert_eq!(limits, Limits { connections, per_peer: of_one }, "{files} {memory}");
        }
    }
}
