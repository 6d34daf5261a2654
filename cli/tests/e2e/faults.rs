//! What the API answers, and what it keeps, when S3 and the network to it fail.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::harness::proxy::{Fault, Proxy, Rates};
use crate::harness::writer::{Writer, check_exactly, check_list};
use crate::harness::{Answer, Client, Cloud, JSON, Server, repair_after_failures, resolve};

/// How many cases run at once: most of their time is waiting.
const PARALLEL: usize = 60;

/// How old a document is that was certainly there before a write, whatever the clocks leave open.
const TOLD_APART: Duration = Duration::from_secs(7);

/// Faults that end at once, in one row or two.
const QUICK: [&[Fault]; 10] = [
    &[Fault::LoseAnswer],
    &[Fault::LoseAnswer, Fault::LoseAnswer],
    &[Fault::Reset],
    &[Fault::Truncate(0)],
    &[Fault::Truncate(50), Fault::LoseAnswer],
    &[Fault::Truncate(99), Fault::Truncate(99)],
    &[Fault::SlowDown, Fault::Reset],
    &[Fault::SlowDown, Fault::LoseAnswer],
    &[Fault::Conflict],
    &[Fault::LoseAnswer, Fault::Conflict],
];
/// Faults that end with a timeout, in a row that leaves the last attempt.
const SLOW: [&[Fault]; 3] = [
    &[Fault::Swallow, Fault::StallAnswer],
    &[Fault::StallAnswer, Fault::Swallow],
    &[Fault::StallBody, Fault::StallBody],
];
/// More than can be repeated before the deadline.
const FATAL: [&[Fault]; 4] = [
    &[Fault::SlowDown; 1000],
    &[Fault::LoseAnswer; 1000],
    &[Fault::Truncate(99); 1000],
    &[Fault::Reset; 1000],
];

/// What a client asks of the API about one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Create,
    CreateUuid,
    Replace,
    ReplaceUuid,
    ReplaceMatching,
    Delete,
    DeleteMatching,
    Load,
    Head,
    Versions,
}

/// Each call, and how many requests to S3 it takes.
const CALLS: [(Call, usize); 10] = [
    (Call::Create, 5),
    (Call::CreateUuid, 4),
    (Call::Replace, 8),
    (Call::ReplaceUuid, 7),
    (Call::ReplaceMatching, 7),
    (Call::Delete, 7),
    (Call::DeleteMatching, 7),
    (Call::Load, 2),
    (Call::Head, 2),
    (Call::Versions, 2),
];

/// One call, and what its n-th request to S3 meets each time it is sent.
#[derive(Debug)]
struct Case {
    number: usize,
    call: Call,
    request: usize,
    faults: &'static [Fault],
}

/// An S3, a proxy in front of it and a server that knows only the proxy.
struct Setting {
    cloud: Cloud,
    proxy: Proxy,
    server: Server,
}

impl Setting {
    fn start() -> Self {
        let cloud = Cloud::alone();
        let proxy = cloud.proxy();
        let server = cloud.server_behind(&proxy, "design-analysis");
        Self { cloud, proxy, server }
    }

    fn client(&self) -> Client {
        Client::as_a_gateway(&self.server.url)
    }
}

const OLD: &[u8] = br#"{"implementation":"hybrid","status":"success","text":"the old document"}"#;
const NEW: &[u8] =
    br#"{"implementation":"openai","status":"success","text":"the new document, which is longer"}"#;

impl Call {
    /// Whether the analysis is there before.
    fn needs_old(self) -> bool {
        !matches!(self, Self::Create | Self::CreateUuid)
    }

    /// What the bucket keeps after the call; none if it keeps nothing.
    fn kept(self) -> Option<&'static [u8]> {
        match self {
            Self::Create | Self::CreateUuid | Self::Replace | Self::ReplaceUuid | Self::ReplaceMatching => {
                Some(NEW)
            }
            Self::Delete | Self::DeleteMatching => None,
            Self::Load | Self::Head | Self::Versions => Some(OLD),
        }
    }

    /// The statuses when an earlier try may have done the work, or half of it.
    fn statuses_again(self) -> &'static [u16] {
        match self {
            Self::Create | Self::CreateUuid => &[201, 412],
            Self::Replace | Self::ReplaceUuid | Self::Load | Self::Head | Self::Versions => &[200],
            Self::ReplaceMatching => &[200, 412],
            Self::Delete => &[204, 404],
            Self::DeleteMatching => &[204, 404, 412],
        }
    }

    fn status(self) -> u16 {
        match self {
            Self::Create | Self::CreateUuid => 201,
            Self::Delete | Self::DeleteMatching => 204,
            _ => 200,
        }
    }
}

impl Case {
    fn id(&self) -> String {
        match self.call {
            Call::CreateUuid | Call::ReplaceUuid => format!("018cc251-f400-7000-8000-{:012x}", self.number),
            _ => format!("case-{}-", self.number),
        }
    }
}

/// The analysis as the cases find it, and its entity tag.
fn prepare(setting: &Setting, case: &Case) -> Option<String> {
    let client = setting.client();
    case.call.needs_old().then(|| {
        let saved = client.put(&case.id(), OLD);
        assert_eq!(saved.status, 201, "{case:?}: {}", saved.text());
        saved.header("etag").to_owned()
    })
}

fn run(client: &Client, case: &Case, tag: Option<&str>) -> Answer {
    let path = format!("/analyses/{}", case.id());
    let tag = tag.unwrap_or_default();
    match case.call {
        Call::Create | Call::CreateUuid => client.send("PUT", &path, &[JSON, ("if-none-match", "*")], NEW),
        Call::Replace | Call::ReplaceUuid => client.send("PUT", &path, &[JSON], NEW),
        Call::ReplaceMatching => client.send("PUT", &path, &[JSON, ("if-match", tag)], NEW),
        Call::Delete => client.delete(&case.id()),
        Call::DeleteMatching => client.send("DELETE", &path, &[("if-match", tag)], b""),
        Call::Load => client.get(&path),
        Call::Head => client.send("HEAD", &path, &[], b""),
        Call::Versions => client.get(&format!("{path}/versions")),
    }
}

/// The case's call succeeds as if nothing had happened, and leaves behind what it should.
fn survives(setting: &Setting, case: &Case, tag: Option<&str>) {
    setting.proxy.plan(&case.id(), case.request, case.faults);
    let answer = run(&setting.client(), case, tag);
    assert_eq!(setting.proxy.outstanding(&case.id()), 0, "{case:?}: not every fault was met");
    assert_eq!(answer.status, case.call.status(), "{case:?}: {}", answer.text());
    if case.call == Call::Load {
        assert_eq!(answer.body, OLD, "{case:?}");
    }
    check_kept(&setting.client(), case);
}

fn check_kept(client: &Client, case: &Case) {
    let path = format!("/analyses/{}", case.id());
    let loaded = client.get(&path);
    let Some(kept) = case.call.kept() else {
        assert_eq!(loaded.status, 404, "{case:?}");
        return;
    };
    assert_eq!((loaded.status, &*loaded.body), (200, kept), "{case:?}");
    let versions = client.get(&format!("{path}/versions")).json();
    let stored = versions["versions"].as_array().unwrap().len();
    // Its condition keeps a repeated write from being stored twice.
    let is_replaced = matches!(case.call, Call::Replace | Call::ReplaceUuid | Call::ReplaceMatching);
    assert_eq!(stored, 1 + usize::from(is_replaced), "{case:?}: {versions}");
}

/// Every request of every call, with each of these rows of faults.
fn cases(rows: &[&'static [Fault]]) -> Vec<Case> {
    let requests = CALLS.iter().flat_map(|(call, count)| (0..*count).map(move |request| (*call, request)));
    let kinds = requests.flat_map(|(call, request)| rows.iter().map(move |faults| (call, request, *faults)));
    (0..).zip(kinds).map(|(number, (call, request, faults))| Case { number, call, request, faults }).collect()
}

fn in_parallel<T: Sync>(items: &[T], check: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..PARALLEL.min(items.len()) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(item);
                }
            });
        }
    });
}

#[test]
fn every_request_to_s3_may_fail_twice_at_once() {
    everything(&QUICK, survives);
}

#[test]
fn every_request_to_s3_may_stall_twice() {
    everything(&SLOW, survives);
}

#[test]
fn what_fails_too_often_is_a_503_that_may_be_tried_again() {
    everything(&FATAL, fails_and_can_be_repeated);
}

/// What no id can be told by is asked alone; each row of faults has a proxy and a server of its own.
#[test]
fn every_request_without_an_id_may_fail_or_stall_twice() {
    let cloud = Cloud::alone();
    let saved = cloud.server().client().put("study-1", OLD);
    assert_eq!(saved.status, 201);
    thread::scope(|scope| {
        for faults in QUICK.iter().chain(&SLOW) {
            let cloud = &cloud;
            scope.spawn(move || {
                let proxy = cloud.proxy();
                let server = cloud.server_behind(&proxy, "design-analysis");
                survives_without_an_id(&Client::as_a_gateway(&server.url), &proxy, faults);
            });
        }
    });
    let listed = cloud.server().client().ids("limit=1000");
    assert_eq!(listed.len(), 1 + QUICK.len() + SLOW.len());
}

/// The requests of the four calls are told apart, so that the calls can be made at once.
fn survives_without_an_id(client: &Client, proxy: &Proxy, faults: &'static [Fault]) {
    let ask = |target: &str, method: &str, path: &str, body: &[u8]| {
        proxy.plan(target, 0, faults);
        let answer = client.send(method, path, &[JSON], body);
        assert_eq!(proxy.outstanding(target), 0, "{path} {faults:?}: not every fault was met");
        let status = if method == "POST" { 201 } else { 200 };
        assert_eq!(answer.status, status, "{path} {faults:?}: {}", answer.text());
        answer
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            let listed = ask("max-keys=127", "GET", "/analyses?limit=102", b"").json();
            let is_there = |item: &Value| item["request_id"] == "study-1" && item["file_size"] == OLD.len();
            assert!(listed["analyses"].as_array().unwrap().iter().any(is_there), "{faults:?}: {listed}");
        });
        scope.spawn(|| {
            let stats = ask("max-keys=1000", "GET", "/stats", b"").json();
            assert!(stats["total_analyses"].as_u64() >= Some(1), "{faults:?}: {stats}");
            // It counts, too, and must not meet the faults meant for the other.
            let info = ask("versioning", "GET", "/storage/info", b"").json();
            assert_eq!(info["storage_info"]["versioning_status"], "Enabled", "{faults:?}: {info}");
        });
        let saved = ask("/analysis/", "POST", "/analyses", NEW);
        let path = resolve("/analyses", saved.header("location"));
        assert_eq!(client.get(&path).body, NEW, "{faults:?}");
        let versions = client.get(&format!("{path}/versions")).json();
        assert_eq!(versions["versions"].as_array().unwrap().len(), 1, "{faults:?}: {versions}");
    });
}

/// The requests that only totals need.
const FOR_TOTALS: [&str; 5] = [
    MARKER,
    "%2Fmetadata%2Fdirty%2F",
    "/storage-stats.json?x-id=GetObject",
    "/storage-stats.json?x-id=PutObject",
    "%2Fmetadata%2Findex%2F",
];
const MARKER: &str = "/metadata/dirty/";

#[test]
fn totals_are_exact_whatever_their_requests_meet() {
    let cloud = Cloud::alone();
    let kinds: Vec<_> =
        QUICK.iter().chain(&SLOW).flat_map(|faults| FOR_TOTALS.map(|target| (target, *faults))).collect();
    thread::scope(|scope| {
        for (number, (target, faults)) in kinds.into_iter().enumerate() {
            let cloud = &cloud;
            scope.spawn(move || counts_exactly(cloud, &format!("prefix-{number}"), target, faults));
        }
    });
}

/// One analysis of a day that is long over, whose totals are stored, and one of today.
fn counts_exactly(cloud: &Cloud, prefix: &str, target: &str, faults: &[Fault]) {
    let proxy = cloud.proxy();
    let server = cloud.server_behind(&proxy, prefix);
    let client = Client::as_a_gateway(&server.url);
    let save_both = || {
        let saves = [client.put("018cc251-f400-7000-8000-000000000000", OLD), client.post(NEW)];
        assert!(saves.iter().all(|saved| saved.status == 201), "{target} {faults:?}: {}", saves[0].text());
    };
    let count = || {
        let stats = client.get("/stats");
        assert_eq!(stats.status, 200, "{target} {faults:?}: {}", stats.text());
        let stats = stats.json();
        assert_eq!(stats["total_size_bytes"], OLD.len() + NEW.len(), "{target} {faults:?}: {stats}");
    };
    if target == MARKER {
        proxy.plan(target, 0, faults);
        save_both();
    } else {
        save_both();
        proxy.plan(target, 0, faults);
    }
    count();
    assert_eq!(proxy.outstanding(target), 0, "{target} {faults:?}: not every fault was met");
    count();
}

/// No time is taken: a gateway would have given up on an answer that is late.
#[test]
fn a_store_that_never_answers_is_a_503_while_the_caller_still_waits() {
    let setting = Setting::start();
    let client = setting.client();
    assert_eq!(client.put("study-1", OLD).status, 201);
    let calls: [(&str, &str, &[u8]); 5] = [
        ("GET", "/analyses/study-1", b""),
        ("PUT", "/analyses/study-1", NEW),
        ("DELETE", "/analyses/study-1", b""),
        ("GET", "/analyses", b""),
        ("GET", "/stats", b""),
    ];
    setting.proxy.plan("", 0, &[Fault::StallAnswer; 1000]);
    thread::scope(|scope| {
        for (method, path, body) in calls {
            let client = &client;
            scope.spawn(move || {
                let answer = client.send(method, path, &[JSON], body);
                assert_unavailable(&answer, &format!("{method} {path}"));
            });
        }
    });
}

/// Checks every case, and at the end that the list is as if nothing had happened.
fn everything(rows: &[&'static [Fault]], check: fn(&Setting, &Case, Option<&str>)) {
    let setting = Setting::start();
    let cases = cases(rows);
    let tags = Mutex::new(BTreeMap::new());
    in_parallel(&cases, |case| {
        let tag = prepare(&setting, case);
        tags.lock().unwrap().insert(case.number, tag);
    });
    // What has just been saved cannot be told from what has replaced a write without an answer: 503, rightly.
    thread::sleep(TOLD_APART);
    let tags = tags.into_inner().unwrap();
    in_parallel(&cases, |case| check(&setting, case, tags[&case.number].as_deref()));
    check_listed(&setting.client(), &cases);
}

/// 503, then the same call again finds its own half of the work and ends as if nothing had happened.
fn fails_and_can_be_repeated(setting: &Setting, case: &Case, tag: Option<&str>) {
    let client = setting.client();
    setting.proxy.plan(&case.id(), case.request, case.faults);
    let answer = run(&client, case, tag);
    assert!(setting.proxy.withdraw(&case.id()) < case.faults.len(), "{case:?}: no fault was met");
    assert_unavailable(&answer, &format!("{case:?}"));
    let again = run(&client, case, tag);
    assert!(case.call.statuses_again().contains(&again.status), "{case:?}: {}", again.text());
    let loaded = client.get(&format!("/analyses/{}", case.id()));
    match case.call.kept() {
        Some(kept) => assert_eq!((loaded.status, &*loaded.body), (200, kept), "{case:?}"),
        None => assert_eq!(loaded.status, 404, "{case:?}"),
    }
}

/// Every analysis that is kept is listed once, as it is, and no other.
fn check_listed(client: &Client, cases: &[Case]) {
    let page = client.get("/analyses?limit=1000").json();
    let items = page["analyses"].as_array().unwrap().iter();
    let listed: BTreeMap<_, _> =
        items.clone().map(|item| (item["request_id"].as_str().unwrap(), &item["file_size"])).collect();
    assert_eq!((listed.len(), &page["next_cursor"]), (items.len(), &Value::Null));
    let mut kept = 0;
    for case in cases {
        let size = case.call.kept().map(|kept| Value::from(kept.len()));
        assert_eq!(listed.get(&*case.id()).copied(), size.as_ref(), "{case:?}");
        kept += usize::from(size.is_some());
    }
    assert_eq!(listed.len(), kept);
    assert_eq!(client.get("/stats").json()["total_analyses"], kept);
}

/// A problem that says when to come back; in answers to HEAD, its headers.
fn assert_unavailable(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 503, "{what}: {}", answer.text());
    assert_eq!(answer.header("retry-after"), "2", "{what}");
    if !answer.body.is_empty() {
        answer.assert_problem(what, 503, "storage_unavailable", "");
    }
}

/// In a thousand requests, how many meet which fault.
const RATES: Rates = &[
    (Fault::LoseAnswer, 60),
    (Fault::Reset, 40),
    (Fault::Truncate(50), 30),
    (Fault::Truncate(99), 20),
    (Fault::SlowDown, 60),
    (Fault::Conflict, 40),
    (Fault::Swallow, 1),
    (Fault::StallAnswer, 1),
    (Fault::StallBody, 1),
];
const SEED: u64 = 1;
const STEPS: usize = 80;

#[test]
fn four_clients_lose_nothing_while_one_request_in_four_fails() {
    let setting = Setting::start();
    let mut writers = Writer::several(4, SEED);
    setting.proxy.rage(SEED, RATES);
    thread::scope(|scope| {
        for writer in &mut writers {
            let client = setting.client();
            scope.spawn(move || {
                let ask = |method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]| {
                    let answer = client.send(method, path, headers, body);
                    if answer.status == 503 {
                        assert_unavailable(&answer, &format!("{method} {path}"));
                        return None;
                    }
                    Some(answer)
                };
                for _ in 0..STEPS {
                    writer.step(&ask);
                }
            });
        }
    });
    let met = setting.proxy.counts();
    assert!(RATES.iter().all(|(fault, rate)| *rate == 1 || met.contains_key(fault)), "{met:?}");
    let tallies = writers.iter().map(|writer| writer.tally);
    let (acknowledged, unanswered) = tallies.fold((0, 0), |(a, u), t| (a + t.acknowledged, u + t.unanswered));
    // The repetitions get through nearly always.
    assert!(acknowledged > 150 && unanswered < 20, "{acknowledged} acknowledged, {unanswered} not");

    setting.proxy.calm();
    check_list(&writers, &setting.client());
    repair_after_failures(&setting.cloud.variables());
    check_exactly(&writers, &setting.client());
}
