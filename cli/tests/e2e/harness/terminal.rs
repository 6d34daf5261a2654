//! A terminal that the program runs at, as somebody who sits before it sees it.

use std::io::{Read, Write};
use std::num::NonZero;
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

use super::program;

/// The key that interrupts what runs in the foreground.
pub(crate) const CTRL_C: &[u8] = b"\x03";

/// So many lines are remembered, so that none leaves the screen at the top.
const LINES: NonZero<u16> = NonZero::new(2000).unwrap();
/// A program that takes longer hangs.
const LONGEST: Duration = Duration::from_mins(1);

/// The program at a terminal; killed when dropped.
pub(crate) struct Terminal {
    child: Child,
    pty: Arc<Pty>,
    written: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    raw: Vec<u8>,
    frames: Vec<String>,
}

/// What somebody has seen of a program that has ended.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) code: Option<i32>,
    /// What stayed: every line of the screen and of what has scrolled off it.
    pub(crate) lines: Vec<String>,
    /// What was there at one time or another, in order: all lines after each piece of output.
    pub(crate) frames: Vec<String>,
    /// Every byte that was written, with the colours and movements.
    pub(crate) raw: String,
}

impl Seen {
    /// What stayed, as one text.
    pub(crate) fn text(&self) -> String {
        self.lines.join("\n")
    }
}

impl Terminal {
    /// Runs the program to its end at a terminal of this size.
    pub(crate) fn run(columns: u16, rows: u16, arguments: &[&str], variables: &[(&str, &str)]) -> Seen {
        Self::start(columns, rows, arguments, variables).finish()
    }

    /// Starts the program, with colours and UTF-8 unless the variables say otherwise.
    pub(crate) fn start(columns: u16, rows: u16, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut program = program(&[]);
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "LC_ALL", "LC_CTYPE", "COLUMNS", "LINES"] {
            program.env_remove(name);
        }
        program.env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
        program.envs(variables.iter().copied()).args(arguments);
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        let child = Command::from(program).spawn(pts).unwrap();
        let pty = Arc::new(pty);
        let (sender, written) = channel();
        let from = Arc::clone(&pty);
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            // Ends with an error once no process has the terminal.
            while let Ok(length @ 1..) = (&*from).read(&mut piece) {
                if sender.send(piece[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let screen = vt100::Parser::new(LINES, columns.try_into().unwrap(), 0);
        Self { child, pty, written, screen, raw: Vec::new(), frames: Vec::new() }
    }

    /// Waits until the terminal shows this; what else is there then.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + LONGEST;
        loop {
            let shown = self.screen.screen().contents();
            if shown.contains(text) {
                return shown;
            }
            assert!(self.look(deadline), "the program ended without {text:?}: {shown}");
        }
    }

    /// Types these keys.
    pub(crate) fn press(&mut self, keys: &[u8]) {
        (&*self.pty).write_all(keys).unwrap();
    }

    /// Waits for the end of the program.
    pub(crate) fn finish(mut self) -> Seen {
        let deadline = Instant::now() + LONGEST;
        while self.look(deadline) {}
        let code = self.child.wait().unwrap().code();
        let lines = self.screen.screen().contents().lines().map(str::to_owned).collect();
        let raw = String::from_utf8_lossy(&self.raw).into_owned();
        Seen { code, lines, frames: std::mem::take(&mut self.frames), raw }
    }

    /// Takes in what is written next; whether there was anything before the end.
    fn look(&mut self, deadline: Instant) -> bool {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        match self.written.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(piece) => {
                self.screen.process(&piece);
                self.raw.extend(piece);
                self.frames.push(self.screen.screen().contents());
                true
            }
            Err(Disconnected) => false,
            Err(Timeout) => panic!("the program hangs: {}", self.screen.screen().contents()),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
