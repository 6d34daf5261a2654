//! The walkthrough of the examples, and the functions of `docs/deploy.md`, wherever the API runs.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::docs;
use crate::harness::{Client, Cloud, Server, TEST_FEATURES, root, without_cargo};
use crate::suite::{self, Deployment, Front};

/// Runs the walkthrough, which has to succeed.
pub(crate) fn walk(url: &str) {
    let output = Command::new(root().join("examples/walkthrough.sh")).arg(url).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("OK: saved, loaded, listed, counted and deleted"),
        "{text}"
    );
}

#[test]
fn on_files() {
    let directory = TempDir::new().unwrap();
    let server = Server::on_files(directory.path());
    walk(&server.url);
    walk(&server.url);
}

#[test]
fn on_s3() {
    let cloud = Cloud::start();
    walk(&cloud.server().url);
}

#[test]
fn it_fails_loudly() {
    let directory = TempDir::new().unwrap();
    let server = Server::on_files(directory.path());
    let wrong = format!("{}/nowhere", server.url);
    let output = Command::new(root().join("examples/walkthrough.sh")).arg(&wrong).output().unwrap();
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("FAILED: GET /stats answered 404 instead of 200")
    );
}

/// `cargo lambda watch`: the real Lambda binaries behind an emulated runtime API.
struct Watch {
    child: Child,
    port: u16,
    url: String,
    log: PathBuf,
}

impl Watch {
    fn start(directory: &TempDir) -> Self {
        let tools = root().join(".venv/bin");
        assert!(tools.join("cargo-lambda").exists(), "cargo-lambda is missing; run `make setup`");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
        let log = directory.path().join("watch.log");
        let child = without_cargo(&mut Command::new("cargo"))
            .args(["lambda", "watch", "--ignore-changes", "--invoke-address", "127.0.0.1"])
            .args(["--invoke-port", &port.to_string(), "--features", TEST_FEATURES])
            .current_dir(root())
            .env("PATH", path)
            .env("LOCAL_STORAGE_DIR", directory.path().join("files"))
            .env("MAX_DOCUMENT_BYTES", "5000000")
            .stdout(File::create(&log).unwrap())
            .stderr(File::options().append(true).open(&log).unwrap())
            // It starts a cargo and a function for each binary: all end together, as one process group.
            .process_group(0)
            .spawn()
            .unwrap();
        let mut watch = Self { child, port, url: format!("http://127.0.0.1:{port}"), log };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(watch.child.try_wait().unwrap().is_none(), "cargo lambda watch ended: {}", watch.log());
            thread::sleep(Duration::from_millis(50));
        }
        watch.warm_up();
        watch
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// The functions are compiled at their first request, which may take minutes on a clean checkout.
    fn warm_up(&self) {
        let client = Client::patient(&self.url);
        let end = Instant::now() + Duration::from_mins(15);
        for (method, path) in [
            ("GET", "/analyses"),
            ("GET", "/stats"),
            ("GET", "/analyses/x"),
            ("DELETE", "/analyses/x"),
            ("POST", "/analyses"),
        ] {
            while client.send(method, path, &[], b"").status >= 500 {
                assert!(Instant::now() < end, "{method} {path} does not answer: {}", self.log());
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]).status();
        let _ = self.child.wait();
    }
}

#[test]
fn in_lambda() {
    let directory = TempDir::new().unwrap();
    let watch = Watch::start(&directory);
    walk(&watch.url);
    let deployment = Deployment {
        versions: false,
        storage_type: "local",
        front: Front::CargoLambda,
        max_document_bytes: 5_000_000,
    };
    suite::run(&Client::new(&watch.url), deployment);
    docs::invoke_the_functions(watch.port);
}
