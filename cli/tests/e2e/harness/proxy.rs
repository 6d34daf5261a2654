//! A proxy between the server and its S3 that does what networks and S3 itself do at their worst.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::random::Random;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// It takes effect, and the connection ends without an answer.
    LoseAnswer,
    /// The connection is reset before S3 learns of it.
    Reset,
    /// It takes effect, and the answer ends early: its head if it has no body, else its body after this share of
    /// it, in percent.
    Truncate(u8),
    /// Nobody ever learns of it, and the connection stays open.
    Swallow,
    /// It takes effect, and no answer ever comes, while the connection stays open.
    StallAnswer,
    /// It takes effect, and the answer ends in the middle of its body, while the connection stays open.
    StallBody,
    /// Nobody learns of it yet, and the connection stays open: it is passed on when the test says so.
    Late,
    /// `503 SlowDown`; S3 does nothing.
    SlowDown,
    /// `409 ConditionalRequestConflict` to a conditional write, `503 SlowDown` to anything else.
    Conflict,
}

/// Faults for the repetitions of one request.
#[derive(Debug)]
struct Aim {
    /// What path and query contain.
    target: String,
    /// How many such requests come before the first fault.
    after: usize,
    /// The faults, the next one last.
    faults: Vec<Fault>,
}

/// Faults at random: in a thousand requests, how many meet each.
pub(crate) type Rates = &'static [(Fault, u64)];

#[derive(Debug, Default)]
struct Plan {
    aims: Vec<Aim>,
    random: Option<(Random, Rates)>,
    counts: BTreeMap<Fault, usize>,
    /// Stalled connections, open until the proxy is gone.
    stalled: Vec<TcpStream>,
    /// Requests that are to be passed on later.
    late: Vec<Message>,
    refuses_until: Option<Instant>,
}

/// The proxy. Its threads end with their connections; its port, with the test process.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) url: String,
    upstream: String,
    plan: Arc<Mutex<Plan>>,
}

/// One request, or one answer: its first lines and its body.
#[derive(Debug)]
struct Message {
    head: String,
    body: Vec<u8>,
}

impl Proxy {
    /// A proxy in front of the store at this URL, which passes everything on until it is told otherwise.
    pub(crate) fn before(endpoint: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let upstream = endpoint.strip_prefix("http://").unwrap().to_owned();
        let plan = Arc::new(Mutex::new(Plan::default()));
        let (shared, behind) = (Arc::clone(&plan), upstream.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (plan, upstream) = (Arc::clone(&shared), behind.clone());
                // An error is the end of a connection, whichever side ended it.
                thread::spawn(move || stream.and_then(|stream| serve(stream, &upstream, &plan)));
            }
        });
        Self { url, upstream, plan }
    }

    /// After so many requests whose path or query contains `target`, the next ones meet these faults.
    pub(crate) fn plan(&self, target: &str, after: usize, faults: &[Fault]) {
        let faults = faults.iter().rev().copied().collect();
        self.plan.lock().unwrap().aims.push(Aim { target: target.to_owned(), after, faults });
    }

    /// How many faults planned for `target` no request has met.
    pub(crate) fn outstanding(&self, target: &str) -> usize {
        let plan = self.plan.lock().unwrap();
        plan.aims.iter().filter(|aim| aim.target == target).map(|aim| aim.faults.len()).sum()
    }

    /// Forgets what is planned for `target`: how many faults no request has met.
    pub(crate) fn withdraw(&self, target: &str) -> usize {
        let outstanding = self.outstanding(target);
        self.plan.lock().unwrap().aims.retain(|aim| aim.target != target);
        outstanding
    }

    /// Passes on the requests that are late, whose clients have given up on them: what S3 answers.
    pub(crate) fn deliver_late(&self) -> Vec<String> {
        let late = std::mem::take(&mut self.plan.lock().unwrap().late);
        late.into_iter().map(|request| forward(request, &self.upstream, true).unwrap().head).collect()
    }

    /// Refuses everything for this time.
    pub(crate) fn refuse_everything_for(&self, time: Duration) {
        self.plan.lock().unwrap().refuses_until = Some(Instant::now() + time);
    }

    /// From now on requests meet faults at random; the order of arrival decides which.
    pub(crate) fn rage(&self, seed: u64, rates: Rates) {
        self.plan.lock().unwrap().random = Some((Random::new(seed), rates));
    }

    /// From now on requests are passed on.
    pub(crate) fn calm(&self) {
        let mut plan = self.plan.lock().unwrap();
        plan.random = None;
        plan.aims.clear();
    }

    /// How often each fault has happened.
    pub(crate) fn counts(&self) -> BTreeMap<Fault, usize> {
        self.plan.lock().unwrap().counts.clone()
    }
}

impl Plan {
    fn fault(&mut self, target: &str) -> Option<Fault> {
        if self.refuses_until.is_some_and(|until| Instant::now() < until) {
            return Some(Fault::SlowDown);
        }
        let aimed = self.aims.iter_mut().find(|aim| target.contains(&aim.target));
        let fault = match aimed {
            Some(aim) => aim.fault(),
            None => self.random.as_mut().and_then(|(random, rates)| choose(random, rates)),
        }?;
        *self.counts.entry(fault).or_default() += 1;
        Some(fault)
    }
}

impl Aim {
    fn fault(&mut self) -> Option<Fault> {
        if self.after > 0 {
            self.after -= 1;
            return None;
        }
        self.faults.pop()
    }
}

fn choose(random: &mut Random, rates: Rates) -> Option<Fault> {
    let mut dice = random.below(1000);
    rates.iter().find_map(|(fault, rate)| {
        let hit = dice < *rate;
        dice = dice.saturating_sub(*rate);
        hit.then_some(*fault)
    })
}

impl Message {
    /// The next message of this connection; none if it ends before one begins. An answer to HEAD has no body.
    fn read(stream: &mut TcpStream, has_body: bool) -> io::Result<Option<Self>> {
        let mut received = Vec::new();
        let mut chunk = [0; 16_384];
        let end = loop {
            if let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            match stream.read(&mut chunk)? {
                0 if received.is_empty() => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => received.extend_from_slice(&chunk[..count]),
            }
        };
        let mut body = received.split_off(end);
        let head = String::from_utf8(received).map_err(io::Error::other)?;
        let length = if has_body && !Self::is_answer_without_body(&head) { length(&head) } else { 0 };
        let begun = body.len();
        body.resize(length, 0);
        stream.read_exact(&mut body[begun..])?;
        Ok(Some(Self { head, body }))
    }

    fn is_answer_without_body(head: &str) -> bool {
        ["204", "304"].iter().any(|status| head.split(' ').nth(1) == Some(status))
    }

    /// The same message, as the last or not the last of its connection.
    fn with_connection(self, connection: &str) -> Self {
        let kept =
            self.head.trim_end().lines().filter(|line| !line.to_lowercase().starts_with("connection:"));
        let head = kept.collect::<Vec<_>>().join("\r\n");
        Self { head: format!("{head}\r\nConnection: {connection}\r\n\r\n"), body: self.body }
    }

    fn write(&self, stream: &mut TcpStream) -> io::Result<()> {
        stream.write_all(&[self.head.as_bytes(), &self.body].concat())
    }

    /// The message without its end: this share of its body in percent, or half of its head if it has no body.
    fn part(&self, share: u8) -> Vec<u8> {
        if self.body.is_empty() {
            return self.head.as_bytes()[..self.head.len() / 2].to_vec();
        }
        let kept = (self.body.len() * usize::from(share) / 100).min(self.body.len() - 1);
        [self.head.as_bytes(), &self.body[..kept]].concat()
    }

    fn is_conditional_write(&self) -> bool {
        let head = self.head.to_lowercase();
        head.starts_with("put ") && (head.contains("\r\nif-none-match:") || head.contains("\r\nif-match:"))
    }
}

fn length(head: &str) -> usize {
    assert!(!head.to_lowercase().contains("transfer-encoding"), "the proxy knows lengths only: {head}");
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.map_or(0, |length| length.parse().unwrap())
}

/// The method and target of the next request, which stays in the receive buffer; none if there is no other.
fn peek(stream: &TcpStream) -> io::Result<Option<(String, String)>> {
    let mut buffer = [0; 16_384];
    for _ in 0..1000 {
        let count = stream.peek(&mut buffer)?;
        let text = String::from_utf8_lossy(&buffer[..count]);
        let mut words = text.lines().next().unwrap_or_default().split(' ');
        match (words.next(), words.next(), words.next()) {
            _ if count == 0 => return Ok(None),
            (Some(method), Some(target), Some("HTTP/1.1")) => {
                return Ok(Some((method.to_owned(), target.to_owned())));
            }
            // The rest of the line is on its way.
            _ => thread::sleep(Duration::from_millis(1)),
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

fn serve(mut stream: TcpStream, upstream: &str, plan: &Mutex<Plan>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    while let Some((method, target)) = peek(&stream)? {
        let fault = plan.lock().unwrap().fault(&target);
        if fault == Some(Fault::Reset) {
            // A connection that is closed with unread data in it is reset.
            return Ok(());
        }
        let Some(request) = Message::read(&mut stream, true)? else { return Ok(()) };
        let has_body = method != "HEAD";
        let (code, status) = if request.is_conditional_write() && fault == Some(Fault::Conflict) {
            ("ConditionalRequestConflict", "409 Conflict")
        } else {
            ("SlowDown", "503 Slow Down")
        };
        match fault {
            None => forward(request, upstream, has_body)?.write(&mut stream)?,
            Some(Fault::SlowDown | Fault::Conflict) => refusal(status, code, has_body).write(&mut stream)?,
            Some(Fault::Swallow) => {
                hold(stream, plan);
                return Ok(());
            }
            Some(Fault::Late) => {
                plan.lock().unwrap().late.push(request);
                hold(stream, plan);
                return Ok(());
            }
            Some(fault) => {
                let answer = forward(request, upstream, has_body)?;
                return break_off(stream, &answer, fault, plan);
            }
        }
    }
    Ok(())
}

/// Ends an answer, and with it the connection, as the fault will have it.
fn break_off(mut stream: TcpStream, answer: &Message, fault: Fault, plan: &Mutex<Plan>) -> io::Result<()> {
    match fault {
        Fault::Truncate(share) => stream.write_all(&answer.part(share))?,
        Fault::StallBody => stream.write_all(&answer.part(50))?,
        _ => {}
    }
    if matches!(fault, Fault::StallAnswer | Fault::StallBody) {
        hold(stream, plan);
    }
    Ok(())
}

fn forward(request: Message, upstream: &str, has_body: bool) -> io::Result<Message> {
    let mut connection = TcpStream::connect(upstream)?;
    let request = request.with_connection("close");
    request.write(&mut connection)?;
    let answer = Message::read(&mut connection, has_body)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(answer.with_connection("keep-alive"))
}

fn hold(stream: TcpStream, plan: &Mutex<Plan>) {
    plan.lock().unwrap().stalled.push(stream);
}

fn refusal(status: &str, code: &str, has_body: bool) -> Message {
    let body = format!("<Error><Code>{code}</Code><Message>Please try again.</Message></Error>");
    let body = if has_body { body.into_bytes() } else { Vec::new() };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
    Message { head, body }
}
