//! How much memory there is for documents.

use std::fs;
use std::path::Path;

use analysis_http::ServerConfig;
use analysis_storage::{Error, MemoryBudget, StorageConfig};

/// The bytes that documents may take in the server at once.
///
/// # Errors
/// [`Error::Misconfigured`] if the largest document would never fit.
pub(crate) fn budget(server: &ServerConfig, storage: &StorageConfig) -> Result<u64, Error> {
    let least = MemoryBudget::for_one_of(storage.max_document_bytes);
    match server.memory_budget {
        None => Ok(share().max(least)),
        Some(bytes) if bytes >= least => Ok(bytes),
        Some(bytes) => Err(Error::Misconfigured {
            advice: format!(
                "MEMORY_BUDGET={bytes} has no room for one document of MAX_DOCUMENT_BYTES={}: set it to {least} or more",
                storage.max_document_bytes
            ),
            source: None,
        }),
    }
}

/// Half of what the container may use; a machine is there for others, too.
fn share() -> u64 {
    let info = rustix::system::sysinfo();
    #[expect(clippy::useless_conversion, reason = "the type depends on the platform")]
    let machine = u64::from(info.totalram).saturating_mul(u64::from(info.mem_unit));
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    match limit_of(&groups, Path::new("/sys/fs/cgroup")) {
        Some(limit) if limit < machine => limit / 2,
        _ => machine / 4,
    }
}

/// The least limit of the control groups that this process is in (Linux kernel, "Control Group v2", `memory.max`; for
/// v1 "Memory Resource Controller", `memory.limit_in_bytes`), as `/proc/self/cgroup` lists them.
fn limit_of(groups: &str, root: &Path) -> Option<u64> {
    let limits = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        match controllers {
            "" => least(root, path, "memory.max"),
            v1 if v1.split(',').any(|name| name == "memory") => {
                least(&root.join("memory"), path, "memory.limit_in_bytes")
            }
            _ => None,
        }
    });
    limits.min()
}

/// A group is bound by those above it. In a container, its own is the root.
fn least(root: &Path, path: &str, file: &str) -> Option<u64> {
    let group = Path::new(path.trim_start_matches('/'));
    let texts = group.ancestors().filter_map(|group| fs::read_to_string(root.join(group).join(file)).ok());
    texts.filter_map(|text| text.trim().parse().ok()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<u64, String> {
        use analysis_storage::config::Environment;
        let environment = Environment::from_pairs(variables);
        let storage = StorageConfig::from_environment(&environment).unwrap();
        let server = ServerConfig::from_environment(&environment).unwrap();
        budget(&server, &storage).map_err(|error| error.to_string())
    }

    #[test]
    fn a_budget_has_room_for_the_largest_document() {
        let large = ("MAX_DOCUMENT_BYTES", "5GB");
        assert!(config(&[large]).unwrap() > 5 << 30, "by default, too");
        assert_eq!(config(&[("MEMORY_BUDGET", "64MB")]), Ok(64 << 20));
        let error = config(&[("MEMORY_BUDGET", "64MB"), large]).unwrap_err();
        assert!(error.starts_with("MEMORY_BUDGET=67108864 has no room for one document"), "{error}");
        let least = error.rsplit_once("set it to ").unwrap().1.split(' ').next().unwrap();
        assert_eq!(config(&[("MEMORY_BUDGET", least), large]), Ok(least.parse().unwrap()));
        let one = MemoryBudget::of(least.parse().unwrap()).take(5 << 30);
        assert!(one.is_some());
    }

    #[test]
    fn the_limit_is_the_least_of_the_groups_above() {
        let root = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("memory.max", "max\n");
        write("pod/memory.max", "536870912\n");
        write("pod/one/memory.max", "max\n");
        write("memory/memory.limit_in_bytes", "9223372036854771712\n");
        write("memory/docker/x/memory.limit_in_bytes", "268435456\n");
        for (groups, limit) in [
            ("0::/pod/one\n", Some(512 << 20)),
            ("0::/\n", None),
            ("4:cpu:/a\n3:memory,hugetlb:/docker/x\n", Some(256 << 20)),
            ("3:memory:/elsewhere\n0::/\n", Some(9_223_372_036_854_771_712)),
            ("", None),
        ] {
            assert_eq!(limit_of(groups, root.path()), limit, "{groups}");
        }
    }
}
