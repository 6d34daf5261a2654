//! A container without an engine: namespaces, and a root file system with what the image has in it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::dockerfile::Image;
use super::manifests::{Container, output, tool};

/// Set in the process that runs the body of a test.
const ALONE: &str = "DESIGN_ANALYSIS_TEST_IS_ALONE";

/// Brings the loopback interface up (`SIOCSIFFLAGS`; netdevice(7)), and runs its arguments.
const WITH_LOOPBACK: &str = r#"
import fcntl, os, socket, struct, sys
UP_AND_RUNNING = 0x41
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", UP_AND_RUNNING))
os.execv(sys.argv[1], sys.argv[1:])
"#;

/// Runs the program that follows the volumes as the user, below the root, where nothing but the volumes is writable.
const CONTAINED: &str = r#"
root=$1 user=$2
shift 2
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
while [ "$1" != -- ]; do
    mount --bind "$1" "$root$2"
    shift 2
done
shift
exec setpriv --no-new-privs --bounding-set=-all,+setgid,+setuid,+sys_chroot \
    /usr/sbin/chroot --userspec="$user" --groups= "$root" "$@"
"#;

/// Runs the body of a test of this name alone on a network of its own, where every port is free and nothing outside can
/// be reached, with mounts that end with it.
pub(crate) fn alone(test: &str, body: fn()) {
    if std::env::var_os(ALONE).is_some() {
        return body();
    }
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        command.args(["--user", "--map-root-user", "--map-auto"]);
    }
    let output = command
        .arg(tool(".venv", "python"))
        .args(["-c", WITH_LOOPBACK])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ALONE, "")
        .output()
        .unwrap_or_else(|e| panic!("unshare, of util-linux: {e}"));
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\nThis test makes namespaces. It needs Linux and root, or else unprivileged user namespaces and the \
         package uidmap."
    );
}

/// A root file system with the files of the image.
#[derive(Debug)]
pub(super) struct Root {
    directory: TempDir,
}

impl Root {
    pub(super) fn new(image: &Image) -> Self {
        let root = Self { directory: TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap() };
        let program = Path::new(env!("CARGO_BIN_EXE_design-analysis"));
        root.add(program, &image.entrypoint[0]);
        // Of the base image: the libraries, whom to trust, and how names are looked up.
        for word in output(Command::new("ldd").arg(program)).split_whitespace() {
            if word.starts_with('/') {
                root.add(Path::new(word), word);
            }
        }
        let certificates = output(Command::new(tool(".venv", "python")).args(["-m", "pip._vendor.certifi"]));
        root.add(Path::new(certificates.trim()), "/etc/ssl/certs/ca-certificates.crt");
        for (file, text) in
            [("/etc/nsswitch.conf", "hosts: files dns\n"), ("/etc/hosts", "127.0.0.1 localhost s3\n")]
        {
            fs::write(root.place(file), text).unwrap();
        }
        for directory in ["/tmp", "/data", "/var/run/secrets/token"] {
            fs::create_dir_all(root.path().join(&directory[1..])).unwrap();
        }
        fs::set_permissions(root.path().join("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
        own(&root.path().join("data"), &image.user);
        root
    }

    pub(super) fn path(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// The path in the root, whose directory exists then.
    fn place(&self, file: &str) -> PathBuf {
        let path = self.path().join(&file[1..]);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn add(&self, source: &Path, file: &str) {
        fs::copy(source, self.place(file)).unwrap();
    }

    /// The program of the image in a container, with these arguments, further variables, and directories mounted.
    pub(super) fn command(
        &self,
        container: &Container,
        command: &[String],
        platform: &[(&str, &str)],
        volumes: &[(&Path, &str)],
    ) -> Command {
        assert!(container.read_only);
        let mut run = Command::new("/usr/bin/unshare");
        run.args(["--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-euc", CONTAINED, "sh"]);
        run.arg(self.path()).arg(&container.user);
        for (source, target) in volumes {
            run.arg(source).arg(target);
        }
        run.arg("--").args(command).stderr(Stdio::piped());
        run.env_clear().envs(&container.environment).envs(platform.iter().copied());
        run
    }
}

/// Gives a directory to a `uid:gid`.
pub(super) fn own(path: &Path, user: &str) {
    let (uid, gid) = user.split_once(':').unwrap();
    chown(path, uid.parse().ok(), gid.parse().ok()).unwrap();
}
