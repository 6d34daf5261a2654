//! The program: as a command, and as a server.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::client::Client;

/// The program with these variables and none of the caller's that could matter.
pub(crate) fn program(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_design-analysis"));
    for (name, _) in std::env::vars() {
        if [
            "AWS_",
            "S3_",
            "API_",
            "STORAGE_",
            "LOCAL_",
            "RETENTION_",
            "MAX_",
            "MEMORY_",
            "CORS_",
            "ALLOWED_",
            "CONNECTIONS_",
        ]
        .iter()
        .any(|p| name.starts_with(p))
        {
            command.env_remove(name);
        }
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true").envs(variables.iter().copied());
    command
}

/// The names of the commands, as `--help` lists them; `help` is none of ours.
pub(crate) fn commands() -> Vec<String> {
    let output = program(&[]).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let lines =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names =
        lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).filter(|name| !name.is_empty());
    let names: Vec<String> = names.filter(|name| *name != "help").map(str::to_owned).collect();
    assert!(names.len() >= 15, "{help}");
    names
}

/// Runs `repair` to its end, and proves that nothing is left for it to do.
pub(crate) fn repair(variables: &[(&str, &str)]) {
    repair_with(&["repair"], variables);
}

/// The same where deletes were cut off: each leaves an entry that only people may decide about.
pub(crate) fn repair_after_failures(variables: &[(&str, &str)]) {
    repair_with(&["repair", "--forget-lost", "--yes"], variables);
}

fn repair_with(repair: &[&str], variables: &[(&str, &str)]) {
    for arguments in [repair, &["check", "--grace", "0"]] {
        let output = program(variables).args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{arguments:?}: {text}");
    }
}

/// `design-analysis serve` on a free port of the loopback interface; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        Self::run(program(variables).args(["serve", "--port", "0"]))
    }

    /// A server that may have no more files open than this.
    pub(crate) fn start_with_open_files(limit: u32, variables: &[(&str, &str)]) -> Self {
        let program = program(variables);
        let mut shell = Command::new("sh");
        let script = format!("ulimit -n {limit} && exec \"$0\" serve --port 0");
        shell.args(["-c", &script]).arg(program.get_program());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        Self::run(&mut shell)
    }

    fn run(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let url = listening(&mut child);
        Self { child, url }
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// How many bytes of memory it has now.
    pub(crate) fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most bytes of memory that it has ever had.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// A line of `proc_pid_status(5)`, which is in KiB.
    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
    }

    /// A server on files below this directory.
    pub(crate) fn on_files(directory: &Path) -> Self {
        Self::start(&[("LOCAL_STORAGE_DIR", directory.to_str().unwrap())])
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url)
    }

    /// Sends SIGTERM and waits for the end; whether it was a clean one.
    pub(crate) fn terminate(mut self) -> bool {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap().success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a server with a piped standard error listens; where it does.
pub(crate) fn listening(child: &mut Child) -> String {
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut seen = String::new();
    let url = loop {
        let start = seen.len();
        assert!(log.read_line(&mut seen).unwrap() > 0, "the server ended: {seen}");
        if let Some((_, rest)) = seen[start..].split_once("listening on ") {
            break rest.split_whitespace().next().unwrap().to_owned();
        }
    };
    // Somebody must go on reading, or the server would block on a full pipe.
    std::thread::spawn(move || log.read_to_end(&mut Vec::new()));
    url
}

/// Waits until it is so; for a minute at most.
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_mins(1), "it never is");
        sleep(Duration::from_millis(100));
    }
}
