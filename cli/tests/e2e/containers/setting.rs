//! One manifest's way to run the program, and everything that is promised of it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use super::dockerfile::Image;
use super::manifests::{Container, TOKEN, output};
use super::sandbox::Root;
use crate::harness::{Client, listening, until};
use crate::suite::{self, Deployment};

const PATIENCE: Duration = Duration::from_secs(30);
/// What [`Setting::check`] leaves behind, as `in-flight`.
pub(super) const DOCUMENT: &str = r#"{"implementation":"hybrid","status":"success","text":"in flight"}"#;

/// How one manifest runs the program.
pub(super) struct Setting<'a> {
    pub(super) root: &'a Root,
    pub(super) image: &'a Image,
    pub(super) container: &'a Container,
    /// Variables that the platform sets, or that lead to the emulator.
    pub(super) platform: &'a [(&'a str, &'a str)],
    pub(super) volumes: &'a [(&'a Path, &'a str)],
}

/// A server in its container.
pub(super) struct Running {
    child: Child,
    /// Of the program itself, which is process 1 in the container.
    pid: u32,
}

impl Setting<'_> {
    fn command(&self, arguments: &[String]) -> Command {
        let command = [&self.image.entrypoint, arguments].concat();
        self.root.command(self.container, &command, self.platform, self.volumes)
    }

    pub(super) fn start(&self) -> Running {
        let mut child = self.command(&self.container.arguments).spawn().unwrap();
        let url = listening(&mut child);
        assert_eq!(url, format!("http://0.0.0.0:{}", self.container.port));
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap();
        let pid = children.trim().parse().unwrap();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let uid = self.container.user.split_once(':').unwrap().0;
        for line in
            [format!("Uid:\t{uid}\t{uid}"), "CapEff:\t0000000000000000".into(), "NoNewPrivs:\t1".into()]
        {
            assert!(status.contains(&line), "{line}: {status}");
        }
        Running { child, pid }
    }

    pub(super) fn client(&self) -> Client {
        Client::new(&format!("http://127.0.0.1:{}", self.container.port))
    }

    /// Everything that is promised of a container, on an empty store.
    pub(super) fn check(&self, deployment: Deployment) {
        let mut running = self.start();
        let (open, client) = (self.client(), self.client().with_token(TOKEN));
        assert_eq!(["/health", "/ready", "/stats"].map(|path| open.get(path).status), [200, 200, 401]);
        assert_eq!(self.health(), (Some(0), String::new()));
        suite::run(&client, deployment);
        self.drain(&mut running);
        let (code, said) = self.health();
        assert!(
            code == Some(1) && said.contains("error: no server answers at 0.0.0.0:8000 (API_HOST, API_PORT)"),
            "{said}"
        );

        let again = self.start();
        assert_eq!(client.get("/analyses/in-flight").body, DOCUMENT.as_bytes());
        drop(again);
        for arguments in [&["repair"][..], &["check", "--grace", "0"]] {
            let arguments: Vec<_> = arguments.iter().copied().map(str::to_owned).collect();
            output(&mut self.command(&arguments));
        }
        self.nothing_else_is_writable();
    }

    /// Runs the health check of the image.
    fn health(&self) -> (Option<i32>, String) {
        let ran = self.command(&self.image.health[1..]).output().unwrap();
        (ran.status.code(), String::from_utf8(ran.stderr).unwrap())
    }

    /// SIGTERM while a document is on its way: it is answered, nobody else is let in, and the end is a clean one.
    fn drain(&self, running: &mut Running) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.image.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "PUT /analyses/in-flight HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            DOCUMENT.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        let (begin, rest) = DOCUMENT.split_at(20);
        stream.write_all(begin.as_bytes()).unwrap();
        signal("TERM", running.pid);
        until(|| TcpStream::connect(("127.0.0.1", self.image.port)).is_err());
        stream.write_all(rest.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
        assert!(running.child.wait().unwrap().success(), "a clean end");
    }

    fn nothing_else_is_writable(&self) {
        for directory in ["/", "/tmp", "/data", "/etc", "/usr/local/bin"] {
            if self.volumes.iter().any(|(_, target)| *target == directory) {
                continue;
            }
            let files = Path::new(directory).join("files");
            let mut command = self.command(&self.container.arguments);
            command.env("STORAGE_TYPE", "local").env("LOCAL_STORAGE_DIR", files);
            let ran = command.output().unwrap();
            let said = String::from_utf8(ran.stderr).unwrap();
            assert!(!ran.status.success() && said.contains("Read-only file system"), "{directory}: {said}");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            signal("KILL", self.pid);
            self.child.wait().unwrap();
        }
    }
}

pub(super) fn signal(name: &str, pid: u32) {
    output(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]));
}
