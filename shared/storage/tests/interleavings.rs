//! Every interleaving of two and three operations on one id, request by request, over the real code; for two, with a
//! crash of either before each of its requests.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: a panic is how it reports")]

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{
    BucketInfo, GetOptions, Got, Listing, ObjectMeta, Put, RestoreTier, Restoring, Version,
};
use analysis_storage::import::{self, Existing};
use analysis_storage::testing::{ManualClock, Mutant};
use analysis_storage::{
    Analyses, AnalysisId, Bucket, Clock, Condition, CreatedAt, Document, ETag, Entry, Error, Key, Layout,
    StorageType,
};
use async_trait::async_trait;
use bytes::Bytes;

type Result<T> = std::result::Result<T, Error>;

/// A bucket whose every request waits until it is let through.
#[derive(Debug)]
struct Gate {
    inner: Arc<MemoryBucket>,
    let_through: AtomicUsize,
}

impl Gate {
    async fn pass(&self) -> &MemoryBucket {
        std::future::poll_fn(|_| {
            let taken =
                self.let_through.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
            if taken.is_ok() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        &self.inner
    }
}

#[async_trait]
impl Bucket for Gate {
    async fn put(&self, put: Put) -> Result<ETag> {
        self.pass().await.put(put).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got> {
        self.pass().await.get(key, options).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.pass().await.head(key).await
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        self.pass().await.delete(key, if_match).await
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing> {
        self.pass().await.list(prefix, start_after, limit).await
    }

    async fn versions(&self, key: &Key) -> Result<Vec<Version>> {
        self.inner.versions(key).await
    }

    async fn restore(&self, key: &Key, days: u32, tier: RestoreTier) -> Result<Restoring> {
        self.pass().await.restore(key, days, tier).await
    }

    async fn info(&self) -> Result<BucketInfo> {
        self.inner.info().await
    }
}

/// Every look at the clock shows a later microsecond, as the protocol demands of all processes together.
#[derive(Debug)]
struct Ticking(ManualClock);

#[async_trait]
impl Clock for Ticking {
    fn now(&self) -> jiff::Timestamp {
        self.0.advance(Duration::from_micros(1));
        self.0.now()
    }

    fn random(&self) -> u64 {
        self.0.random()
    }

    async fn sleep(&self, _: Duration) {}
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Save,
    Create,
    Delete,
    Repair,
    Import,
    ImportReplacing,
    /// An import of the very document that is there at first, with its entry.
    ImportKnown,
}

use Operation::{Create, Delete, Import, ImportKnown, ImportReplacing, Repair, Save};

impl Operation {
    fn saves(self) -> bool {
        matches!(self, Save | Create | Import | ImportReplacing | ImportKnown)
    }
}

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Refused,
}

/// What each operation works on.
#[derive(Debug, Clone)]
struct Subject {
    id: AnalysisId,
    /// The entry that a list has shown before.
    known: Option<Entry>,
}

/// The number of the save that there may have been before.
const FIRST: usize = 9;

async fn perform(analyses: Analyses, subject: Subject, operation: Operation, number: usize) -> Outcome {
    let (id, known) = (&subject.id, subject.known.as_ref());
    let document = |number| Document::parse(Bytes::from(format!(r#"{{"status":"s{number}"}}"#))).unwrap();
    // Each import has a creation time of its own, of days that are over.
    let created_at = CreatedAt::clamped(format!("2026-01-1{number}T11:00:00Z").parse().unwrap());
    let import = |document, existing, known| import::Import { id, document, created_at, existing, known };
    let (own, first) = (document(number), document(FIRST));
    let result = match operation {
        Save => analyses.save(id, &own, &Condition::None).await.map(drop),
        Create => analyses.save(id, &own, &Condition::Absent).await.map(drop),
        Delete => analyses.delete(id, None).await,
        Repair => analyses.repair(id).await,
        Import => return take_in(&analyses, import(&own, Existing::Keep, None)).await,
        ImportReplacing => return take_in(&analyses, import(&own, Existing::Replace, known)).await,
        ImportKnown => return take_in(&analyses, import(&first, Existing::Keep, known)).await,
    };
    match result {
        Ok(()) => Outcome::Done,
        Err(Error::PreconditionFailed(_) | Error::NotFound(_) | Error::SaveInFlight(_)) => Outcome::Refused,
        Err(e) => panic!("{operation:?}: {e}"),
    }
}

async fn take_in(analyses: &Analyses, import: import::Import<'_>) -> Outcome {
    let imported = analyses.import(import).await.unwrap();
    if imported.outcome == import::Outcome::Conflict { Outcome::Refused } else { Outcome::Done }
}

/// A schedule: which alternative was taken of how many, step by step.
#[derive(Debug, Clone, Default)]
struct Choices {
    taken: Vec<(usize, usize)>,
    next: usize,
}

impl Choices {
    fn choose(&mut self, alternatives: usize) -> usize {
        if self.next == self.taken.len() {
            self.taken.push((0, alternatives));
        }
        let (choice, of) = self.taken[self.next];
        assert_eq!(of, alternatives, "the run is not deterministic");
        self.next += 1;
        choice
    }

    /// The next schedule in depth-first order.
    fn advance(&mut self) -> bool {
        self.next = 0;
        while let Some((choice, of)) = self.taken.pop() {
            if choice + 1 < of {
                self.taken.push((choice + 1, of));
                return true;
            }
        }
        false
    }
}

/// An operation under way.
struct Task {
    gate: Arc<Gate>,
    work: Option<Pin<Box<dyn Future<Output = Outcome>>>>,
    outcome: Option<Outcome>,
}

impl Task {
    /// Goes on; whether it is done now.
    fn poll(&mut self) -> bool {
        let Some(work) = &mut self.work else { return false };
        let Poll::Ready(outcome) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            return false;
        };
        (self.work, self.outcome) = (None, Some(outcome));
        true
    }
}

struct Setup<'a> {
    id: &'a AnalysisId,
    exists: bool,
    crashes: bool,
    operations: &'a [Operation],
    mutant: Option<Mutant>,
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("memory answers at once"),
    }
}

impl Setup<'_> {
    /// Runs one schedule and checks what it leads to.
    fn run(&self, choices: &mut Choices) {
        let clock: Arc<dyn Clock> = Arc::new(Ticking(ManualClock::at("2026-01-15T12:00:00Z", 7)));
        let bucket = Arc::new(MemoryBucket::new(clock.clone()));
        let open = |bucket: Arc<dyn Bucket>| {
            let analyses = Analyses::new(bucket, StorageType::Memory, Layout::new(""), clock.clone());
            analyses.with_mutant(self.mutant)
        };
        let mut subject = Subject { id: self.id.clone(), known: None };
        if self.exists {
            assert_eq!(now(perform(open(bucket.clone()), subject.clone(), Save, FIRST)), Outcome::Done);
            subject.known = Layout::new("").parse_entry(&Self::entries(&bucket)[0]);
        }
        let mut tasks: Vec<Task> = Vec::new();
        for (number, operation) in self.operations.iter().enumerate() {
            let gate = Arc::new(Gate { inner: bucket.clone(), let_through: AtomicUsize::new(0) });
            let work = perform(open(gate.clone()), subject.clone(), *operation, number);
            tasks.push(Task { gate, work: Some(Box::pin(work)), outcome: None });
        }
        let crashed = self.interleave(&bucket, &mut tasks, choices);
        if crashed {
            now(open(bucket.clone()).repair(self.id)).unwrap();
        }
        let outcomes: Vec<_> = tasks.iter().map(|task| task.outcome).collect();
        self.check_rest(&bucket, &outcomes, choices);
    }

    /// Lets request after request through, as the choices say; whether an operation crashed.
    fn interleave(&self, bucket: &MemoryBucket, tasks: &mut [Task], choices: &mut Choices) -> bool {
        let mut crashed = false;
        loop {
            for number in 0..tasks.len() {
                if tasks[number].poll() {
                    let outcomes: Vec<_> = tasks.iter().map(|task| task.outcome).collect();
                    self.check_listed(bucket, &outcomes, choices);
                }
            }
            let live: Vec<usize> = (0..tasks.len()).filter(|n| tasks[*n].work.is_some()).collect();
            if live.is_empty() {
                return crashed;
            }
            let may_crash = self.crashes && !crashed;
            let choice = choices.choose(live.len() * if may_crash { 2 } else { 1 });
            if let Some(task) = live.get(choice) {
                tasks[*task].gate.let_through.store(1, Ordering::Relaxed);
            } else {
                tasks[live[choice - live.len()]].work = None;
                crashed = true;
            }
        }
    }

    fn entries(bucket: &MemoryBucket) -> Vec<Key> {
        now(bucket.list("metadata/index/", None, 1000)).unwrap().keys
    }

    /// Where nothing is deleted, an id with an acknowledged save is listed from then on.
    fn check_listed(&self, bucket: &MemoryBucket, outcomes: &[Option<Outcome>], choices: &Choices) {
        let saved = self.operations.iter().zip(outcomes);
        let acknowledged = saved.filter(|(op, out)| op.saves() && **out == Some(Outcome::Done)).count();
        if !self.operations.contains(&Delete) && (acknowledged > 0 || self.exists) {
            assert!(
                !Self::entries(bucket).is_empty(),
                "acknowledged but not listed: {:?} {choices:?}",
                self.operations
            );
        }
    }

    /// At rest the index holds exactly the current entry, and what was acknowledged is there.
    fn check_rest(&self, bucket: &MemoryBucket, outcomes: &[Option<Outcome>], choices: &Choices) {
        let layout = Layout::new("");
        let documents = now(bucket.list("analysis/", None, 10)).unwrap().keys;
        let current: BTreeSet<_> =
            documents.iter().map(|key| now(bucket.head(key)).unwrap().unwrap().saved_at).collect();
        let listed: Vec<_> =
            Self::entries(bucket).iter().map(|key| layout.parse_entry(key).unwrap().saved_at).collect();
        let what = || format!("{:?} {outcomes:?} {choices:?}", self.operations);
        assert!(listed.len() == current.len() && listed.iter().all(|at| current.contains(at)), "{}", what());
        let done = |op: Operation| {
            self.operations
                .iter()
                .zip(outcomes)
                .filter(|(o, out)| **o == op && **out == Some(Outcome::Done))
                .count()
        };
        if !self.operations.contains(&Delete) {
            let creates = done(Create) + done(Import);
            assert!(creates <= usize::from(!self.exists), "two creates: {}", what());
            assert!(
                documents.len() == 1 || (done(Save) + done(ImportReplacing) + creates == 0 && !self.exists),
                "lost: {}",
                what()
            );
        }
        if done(Delete) > 0 && !self.operations.iter().any(|op| op.saves()) {
            assert!(documents.is_empty(), "deleted, but there: {}", what());
        }
    }

    /// All schedules; how many there were.
    fn explore(&self) -> usize {
        let mut choices = Choices::default();
        let mut schedules = 0;
        loop {
            self.run(&mut choices);
            schedules += 1;
            if !choices.advance() {
                return schedules;
            }
        }
    }
}

/// A `UUIDv7` of the day: no id record, no marker, so that each operation is as short as it can be.
const UUID7: &str = "019bc14f-ef80-7000-8000-000000000000";

fn explore(name: &str, crashes: bool, sets: &[&[Operation]], starts: &[bool], ids: &[&str]) {
    let mut total = 0;
    for (operations, exists) in sets.iter().flat_map(|set| starts.iter().map(move |exists| (set, *exists))) {
        for id in ids {
            let id = &AnalysisId::from_stored(id).unwrap();
            total += Setup { id, exists, crashes, operations, mutant: None }.explore();
        }
    }
    eprintln!("{name}: {total} schedules");
    assert!(total > 1000);
}

const PAIRS: [&[Operation]; 9] = [
    &[Save, Save],
    &[Save, Create],
    &[Save, Delete],
    &[Save, Repair],
    &[Create, Create],
    &[Create, Delete],
    &[Create, Repair],
    &[Delete, Delete],
    &[Delete, Repair],
];

#[test]
fn two_operations_in_every_order() {
    explore("pairs", false, &PAIRS, &[false, true], &[UUID7, "named"]);
}

/// An import is a look and a save: its own writes are those of a save, in the same order.
const IMPORTS: [&[Operation]; 8] = [
    &[Import, Save],
    &[Import, Create],
    &[Import, Delete],
    &[Import, Repair],
    &[Import, Import],
    &[ImportReplacing, Save],
    &[ImportReplacing, Delete],
    &[ImportReplacing, Import],
];

#[test]
fn imports_beside_other_operations_in_every_order_with_a_crash_at_every_step() {
    explore("imports", false, &IMPORTS, &[false, true], &[UUID7]);
    explore("imports that crash", true, &IMPORTS[..5], &[false], &[UUID7]);
}

/// They agree on one creation time, and the id record comes before all else.
#[test]
fn imports_of_a_named_id_with_different_creation_times_in_every_order() {
    let pairs: [&[Operation]; 3] = [&[Import, Import], &[Import, Save], &[Import, Delete]];
    explore("named imports", false, &pairs, &[false, true], &["named"]);
}

#[test]
fn imports_of_what_a_list_has_shown_in_every_order() {
    let pairs: [&[Operation]; 6] = [
        &[ImportKnown, Save],
        &[ImportKnown, Delete],
        &[ImportKnown, Repair],
        &[ImportKnown, ImportKnown],
        &[ImportKnown, ImportReplacing],
        &[ImportReplacing, Delete],
    ];
    explore("known imports", false, &pairs, &[true], &[UUID7, "named"]);
    explore("known imports that crash", true, &pairs, &[true], &[UUID7]);
}

#[test]
fn two_operations_in_every_order_with_a_crash_at_every_step() {
    explore("pairs with a crash", true, &PAIRS, &[false, true], &[UUID7]);
}

/// Of three, those that are short enough to go through all their orders.
#[test]
fn three_operations_in_every_order() {
    let triples: [&[Operation]; 3] =
        [&[Create, Delete, Repair], &[Create, Delete, Delete], &[Create, Repair, Repair]];
    explore("triples", false, &triples, &[false], &[UUID7]);
}

/// That the check can fail.
#[test]
#[should_panic(expected = "[Save, Save]")]
fn settling_that_looks_before_it_lists_is_found() {
    let id = &AnalysisId::from_stored(UUID7).unwrap();
    let mutant = Some(Mutant::HeadBeforeList);
    Setup { id, exists: true, crashes: false, operations: &[Save, Save], mutant }.explore();
}
