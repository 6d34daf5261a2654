//! S3 on this machine for the length of a test: `MiniStack`, an emulator of AWS that `make setup` installs.
#![expect(clippy::panic, clippy::expect_used, reason = "a test without its S3 has failed, and must say so")]

mod iam;

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use tempfile::TempDir;

use crate::bucket::s3::{S3Bucket, S3Settings};
use crate::config::NamedBy;

const REGION: &str = "us-east-1";
const ACCESS_KEY_ID: &str = "test";
const SECRET_ACCESS_KEY: &str = "test";
const PATIENCE: Duration = Duration::from_secs(30);
/// A free port may be taken by the time that the emulator binds it.
const PORTS_TO_TRY: usize = 3;

/// What of the developer's environment must not reach the emulator.
const UNWANTED: [&str; 10] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LOCALSTACK_PERSISTENCE",
    "MINISTACK_ACCOUNT_ID",
    "MINISTACK_REGION",
    "PERSIST_STATE",
    "S3_PERSIST",
    "USE_SSL",
];

/// An emulator with no buckets yet. It lives in memory and dies with this value, or with the test process.
#[derive(Debug)]
pub struct Ministack {
    process: Child,
    directory: TempDir,
    port: u16,
}

impl Ministack {
    /// Starts an emulator that takes any credentials.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(false)
    }

    /// Starts an emulator that, if `auth`, takes no credentials but those of [`bucket`](Self::bucket), who may do
    /// anything, and of [`bucket_as`](Self::bucket_as).
    ///
    /// # Panics
    /// If it is not installed or does not start.
    #[must_use]
    pub fn start_with(auth: bool) -> Self {
        let program = program();
        for _ in 0..PORTS_TO_TRY {
            match Self::try_start(&program, auth) {
                Ok(started) => return started,
                Err(log) if log.contains("in use") => {}
                Err(log) => panic!("MiniStack does not start:\n{log}"),
            }
        }
        panic!("MiniStack found every port in use");
    }

    /// The emulator that the tests of this process share; each should take a bucket of its own.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Ministack> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// The emulator's URL.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// The settings of a bucket in the emulator.
    #[must_use]
    pub fn settings(&self, bucket: &str) -> S3Settings {
        S3Settings::new(bucket, REGION, Some(&self.endpoint()), NamedBy::Variables)
    }

    /// Creates a bucket.
    ///
    /// # Panics
    /// If that fails.
    pub async fn bucket(&self, name: &str, versioned: bool) -> S3Bucket {
        let bucket = S3Bucket::with_credentials(&self.settings(name), ACCESS_KEY_ID, SECRET_ACCESS_KEY);
        let client = bucket.client();
        client.create_bucket().bucket(name).send().await.expect("the bucket is created");
        if versioned {
            let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
            let put = client.put_bucket_versioning().bucket(name).versioning_configuration(enabled);
            put.send().await.expect("versioning is enabled");
        }
        bucket
    }

    /// Creates a bucket of a name that no other has.
    ///
    /// # Panics
    /// If that fails.
    pub async fn fresh_bucket(&self, versioned: bool) -> S3Bucket {
        static CREATED: AtomicU32 = AtomicU32::new(0);
        let number = CREATED.fetch_add(1, Ordering::Relaxed);
        self.bucket(&format!("fresh-{number}"), versioned).await
    }

    fn try_start(program: &Path, auth: bool) -> Result<Self, String> {
        let directory = TempDir::new().expect("a temporary directory");
        let port = free_port();
        let process = spawn(program, directory.path(), port, auth);
        let mut started = Self { process, directory, port };
        let deadline = Instant::now() + PATIENCE;
        while !started.is_ready() {
            if started.process.try_wait().is_ok_and(|status| status.is_some()) || Instant::now() > deadline {
                return Err(started.log());
            }
            thread::sleep(Duration::from_millis(25));
        }
        Ok(started)
    }

    /// Whether this very process answers, and not another that got the same port.
    fn is_ready(&self) -> bool {
        health(self.port).is_ok_and(|answer| answer.contains(&edition(self.directory.path())))
    }

    fn log(&self) -> String {
        let log = fs::read(log_file(self.directory.path())).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(4000)..]).into_owned()
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[expect(clippy::disallowed_methods, reason = "where the emulator is installed is no setting of the product")]
fn program() -> PathBuf {
    let installed = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin/ministack");
    let program = std::env::var_os("MINISTACK").map_or_else(installed, PathBuf::from);
    match program.canonicalize() {
        Ok(program) => program,
        Err(error) => panic!(
            "the tests need MiniStack at {}: run `make setup`, or set MINISTACK ({error})",
            program.display()
        ),
    }
}

fn spawn(program: &Path, directory: &Path, port: u16, auth: bool) -> Child {
    let log = File::create(log_file(directory)).expect("a log file");
    let mut command = Command::new(program.with_file_name("python"));
    for name in UNWANTED {
        command.env_remove(name);
    }
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/cloud/emulator.py"))
        .arg(program)
        .env("TMPDIR", directory)
        .env("BIND_HOST", Ipv4Addr::LOCALHOST.to_string())
        .env("GATEWAY_PORT", port.to_string())
        .env("SERVICES", "s3,sts,iam")
        .env("AUTH", auth.to_string())
        .env("MINISTACK_EDITION", edition(directory))
        .env("LOG_LEVEL", "WARNING")
        .env("SFTP_ENABLED", "0")
        .env("IOT_MTLS_ENABLED", "0")
        // It would look for containers of its own to remove.
        .env("DOCKER_HOST", "unix:///nonexistent")
        .stdin(Stdio::piped())
        .stdout(log.try_clone().expect("a second handle of the log file"))
        .stderr(log)
        .spawn()
        .expect("the python beside MiniStack runs")
}

fn log_file(directory: &Path) -> PathBuf {
    directory.join("log")
}

/// A name that no other emulator reports as its own.
fn edition(directory: &Path) -> String {
    directory.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("the port of a listener").port()
}

fn health(port: u16) -> std::io::Result<String> {
    exchange(port, "GET /_ministack/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

/// Sends a request and reads until the connection closes.
fn exchange(port: u16, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
