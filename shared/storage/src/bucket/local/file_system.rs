//! File systems that other hosts share, or that a program stands behind: what is known of them as a store.

use std::fmt;
use std::path::Path;

/// One kind of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shared {
    name: &'static str,
    known: &'static str,
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.known)
    }
}

const NFS: &str = "locks hold between hosts with NFS 4, and with NFS 3 unless it is mounted with nolock or local_lock; other \
                   hosts may see a save only after the seconds of acregmax and acdirmax, so let one host serve the store, \
                   or mount it with noac";
const SMB: &str = "locks hold between hosts unless it is mounted with nobrl; other hosts may see a save only after the \
                   seconds of actimeo, so let one host serve the store";
const CLUSTER: &str =
    "a cluster file system; locks hold between hosts if it is mounted so (for Lustre with flock)";
const PASSED_THROUGH: &str = "a directory of another host or of the host of this machine; locks may hold on this machine only, \
                              so let nobody else write to the store";
const FUSE: &str = "the program behind it decides: sshfs and file systems on object stores do not lock between hosts, so let \
                    one host serve the store; for S3 set STORAGE_TYPE=s3 instead of mounting it";

/// Their types in the answer of `statfs`: `statfs(2)`, and the headers of those that it does not list.
const KINDS: [(u32, &str, &str); 14] = [
    (0x6969, "NFS", NFS),
    (0x517B, "SMB", SMB),
    (0xFF53_4D42, "SMB", SMB),
    (0xFE53_4D42, "SMB", SMB),
    (0x6573_5546, "FUSE", FUSE),
    (0x0102_1997, "9P", PASSED_THROUGH),
    (0x786F_4256, "VirtualBox shared folders", PASSED_THROUGH),
    (0x5346_414F, "AFS", PASSED_THROUGH),
    (0x6B41_4653, "AFS", PASSED_THROUGH),
    (0x00C3_6400, "CephFS", CLUSTER),
    (0x0BD0_0BD0, "Lustre", CLUSTER),
    (0x4750_4653, "GPFS", CLUSTER),
    (0x0116_1970, "GFS2", CLUSTER),
    (0x7461_636F, "OCFS2", CLUSTER),
];

/// What the file system of this directory is, if it is one of them.
#[cfg(target_os = "linux")]
pub(super) fn shared(directory: &Path) -> Option<Shared> {
    let kind = rustix::fs::statfs(directory).ok()?.f_type;
    // The type has 32 bits, which some machines extend by their sign.
    of_type(u32::try_from(kind & 0xFFFF_FFFF).ok()?)
}

/// What the file system of this directory is: only Linux tells its type by number.
#[cfg(not(target_os = "linux"))]
pub(super) fn shared(_: &Path) -> Option<Shared> {
    None
}

#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nobody has a type to look for"))]
fn of_type(kind: u32) -> Option<Shared> {
    let (_, name, known) = KINDS.iter().find(|(known, ..)| *known == kind)?;
    Some(Shared { name, known })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_named_with_what_is_known_of_them() {
        let said = |kind| of_type(kind).map(|shared| shared.to_string()).unwrap_or_default();
        assert!(said(0x6969).starts_with("NFS: locks hold between hosts with NFS 4"));
        assert!(said(0xFF53_4D42).contains("nobrl") && said(0x6573_5546).contains("STORAGE_TYPE=s3"));
        // ext4, XFS, Btrfs, tmpfs.
        for local in [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994] {
            assert_eq!(of_type(local), None, "{local:x}");
        }
    }

    #[test]
    fn a_temporary_directory_is_asked_for_its_type() {
        // Whatever it is, it is not on the network.
        assert_eq!(shared(tempfile::TempDir::new().unwrap().path()).map(|shared| shared.name), None);
        assert_eq!(shared(Path::new("/nowhere")), None);
    }
}
