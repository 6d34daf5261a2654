//! Runs every schedule of some operations, and checks what each leads to.
//!
//! Of schedules that differ only in the order of neighbours that do not meet, one is run: that in which the operation
//! with the lower number goes first. Crashes, requests that are given up, and late ones come as early as they can.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::testing::{Lax, LaxBucket, ManualClock, Mutant};
use analysis_storage::{Analyses, AnalysisId, Bucket, Clock, Entry, Key, Layout, StorageType};

use crate::gate::{Access, Fate, Gate, Ticking};
use crate::operation::{FIRST, Operation, Outcome, Subject, perform};

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

/// The one thing that goes wrong in a schedule, at every place where it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// An operation ends before its next request.
    Crash,
    /// A write gets no answer, and is carried out at any time later.
    Late,
}

/// What may happen next.
#[derive(Debug, Clone, Copy)]
enum Event {
    GoOn(usize),
    Crash(usize),
    GiveUp(usize),
    Land(usize),
    /// What is late is never carried out.
    NeverLand,
}

/// What has just happened.
enum Last {
    /// Nothing, or what must not be reordered.
    Start,
    /// A request of this operation. It draws a token if another write follows it: the order of tokens matters, too.
    Step {
        task: usize,
        accesses: Vec<Access>,
        draws: bool,
    },
    GivenUp,
    Other,
}

/// How a schedule ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Well,
    /// Something went wrong on the way.
    Hurt,
    /// It is like another.
    Pruned,
}

fn happen(event: Event, tasks: &mut [Task]) -> Last {
    match event {
        Event::GoOn(task) => {
            let accesses = tasks[task].gate.waiting();
            tasks[task].gate.decide(Fate::Through);
            return Last::Step { task, accesses, draws: false };
        }
        Event::GiveUp(task) => {
            tasks[task].gate.decide(Fate::GivenUp);
            return Last::GivenUp;
        }
        Event::Crash(task) => tasks[task].work = None,
        Event::Land(task) => now(tasks[task].gate.land()),
        Event::NeverLand => {}
    }
    Last::Other
}

fn meet(some: &[Access], others: &[Access]) -> bool {
    some.iter().any(|access| others.iter().any(|other| access.meets(other)))
}

/// What goes through all schedules.
pub(crate) struct Setup<'a> {
    pub(crate) id: &'a AnalysisId,
    pub(crate) exists: bool,
    pub(crate) fault: Fault,
    pub(crate) operations: &'a [Operation],
    pub(crate) mutant: Option<Mutant>,
    pub(crate) lax: Option<Lax>,
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("memory answers at once"),
    }
}

/// The entries in the index.
fn entries(bucket: &MemoryBucket) -> Vec<Entry> {
    let listing = now(bucket.list("metadata/index/", None, 1000)).unwrap();
    listing.keys().map(|key| Layout::new("").parse_entry(key).unwrap()).collect()
}

fn documents(bucket: &MemoryBucket) -> Vec<Key> {
    now(bucket.list("analysis/", None, 10)).unwrap().keys().cloned().collect()
}

impl Setup<'_> {
    fn open(&self, bucket: Arc<dyn Bucket>, clock: &Arc<dyn Clock>) -> Analyses {
        let layout = || Layout::new("");
        let bucket = match self.lax {
            Some(lax) => Arc::new(LaxBucket::new(bucket, lax, layout())),
            None => bucket,
        };
        let analyses = Analyses::new(bucket, StorageType::Memory, layout(), clock.clone());
        analyses.with_mutant(self.mutant, clock)
    }

    /// Runs one schedule and checks what it leads to, unless it is like another.
    fn run(&self, choices: &mut Choices) -> bool {
        let clock: Arc<dyn Clock> = Arc::new(Ticking(ManualClock::at("2026-01-15T12:00:00Z", 7)));
        let bucket = Arc::new(MemoryBucket::new(clock.clone()));
        let mut subject = Subject { id: self.id.clone(), known: None };
        if self.exists {
            let first = perform(self.open(bucket.clone(), &clock), subject.clone(), Operation::Save, FIRST);
            assert_eq!(now(first), Outcome::Done);
            let tag = now(bucket.head(&documents(&bucket)[0])).unwrap().unwrap().etag;
            subject.known = entries(&bucket).into_iter().next().map(|entry| (entry, tag));
        }
        let start = |(number, operation): (usize, &Operation)| {
            let gate = Arc::new(Gate::new(bucket.clone()));
            let work = perform(self.open(gate.clone(), &clock), subject.clone(), *operation, number);
            Task { gate, work: Some(Box::pin(work)), outcome: None }
        };
        let mut tasks: Vec<Task> = self.operations.iter().enumerate().map(start).collect();
        let end = self.interleave(&bucket, &mut tasks, choices);
        if end == End::Pruned {
            return false;
        }
        let outcomes: Vec<_> = tasks.iter().map(|task| task.outcome).collect();
        let what = || format!("{:?} {outcomes:?} {choices:?}", self.operations);
        self.check_before_repair(&bucket, &outcomes, &what);
        if end == End::Hurt {
            now(self.open(bucket.clone(), &clock).repair(self.id)).unwrap();
        }
        self.check_rest(&bucket, &outcomes, &what);
        true
    }

    /// Lets request after request through, as the choices say.
    fn interleave(&self, bucket: &MemoryBucket, tasks: &mut [Task], choices: &mut Choices) -> End {
        let mut last = Last::Start;
        let mut end = End::Well;
        loop {
            for number in 0..tasks.len() {
                if tasks[number].poll() {
                    let outcomes: Vec<_> = tasks.iter().map(|task| task.outcome).collect();
                    self.check_listed(bucket, &outcomes, choices);
                }
            }
            if let Last::Step { task, draws, .. } = &mut last {
                *draws = tasks[*task].gate.waiting().iter().any(Access::is_put);
            }
            let events = self.events(tasks, end == End::Hurt, &last);
            if events.is_empty() {
                let is_over = tasks.iter().all(|task| task.work.is_none());
                return if is_over { end } else { End::Pruned };
            }
            let event = events[choices.choose(events.len())];
            if !matches!(event, Event::GoOn(_)) {
                end = End::Hurt;
            }
            if let Event::NeverLand = event {
                return end;
            }
            last = happen(event, tasks);
        }
    }

    fn events(&self, tasks: &[Task], is_hurt: bool, last: &Last) -> Vec<Event> {
        let live = || (0..tasks.len()).filter(|n| tasks[*n].work.is_some());
        let is_first = |n: &usize| match last {
            Last::Step { task, accesses, draws: false } if n < task => {
                meet(&tasks[*n].gate.waiting(), accesses)
            }
            _ => true,
        };
        let mut events: Vec<Event> = live().filter(is_first).map(Event::GoOn).collect();
        let just_went_on = |n: &usize| match last {
            Last::Start => true,
            Last::Step { task, .. } => task == n,
            Last::GivenUp | Last::Other => false,
        };
        if !is_hurt {
            let may = live().filter(just_went_on);
            let writes = |n: &usize| tasks[*n].gate.waiting().iter().any(Access::is_write);
            match self.fault {
                Fault::Crash => events.extend(may.map(Event::Crash)),
                Fault::Late => events.extend(may.filter(writes).map(Event::GiveUp)),
                Fault::None => {}
            }
        }
        let lands = |n: &usize| {
            let late = tasks[*n].gate.on_its_way();
            late.is_some_and(|late| match last {
                Last::Step { accesses, .. } => meet(&[late], accesses),
                Last::GivenUp => true,
                Last::Start | Last::Other => false,
            })
        };
        events.extend((0..tasks.len()).filter(lands).map(Event::Land));
        // Where others go on, doing so is the other choice.
        if live().next().is_none() && !events.is_empty() {
            events.push(Event::NeverLand);
        }
        events
    }

    fn done(&self, outcomes: &[Option<Outcome>], of: impl Fn(Operation) -> bool) -> usize {
        let operations = self.operations.iter().zip(outcomes);
        operations.filter(|(operation, outcome)| of(**operation) && **outcome == Some(Outcome::Done)).count()
    }

    fn deletes(&self) -> bool {
        self.operations.contains(&Operation::Delete)
    }

    /// Where nothing is deleted, an id with an acknowledged save is listed from then on.
    fn check_listed(&self, bucket: &MemoryBucket, outcomes: &[Option<Outcome>], choices: &Choices) {
        if !self.deletes() && (self.done(outcomes, Operation::saves) > 0 || self.exists) {
            let operations = self.operations;
            assert!(!entries(bucket).is_empty(), "acknowledged but not listed: {operations:?} {choices:?}");
        }
    }

    /// A late request misleads nobody about what was acknowledged, where nothing is deleted: readers take the newest
    /// entry.
    fn check_before_repair(
        &self,
        bucket: &MemoryBucket,
        outcomes: &[Option<Outcome>],
        what: &impl Fn() -> String,
    ) {
        let all_known =
            outcomes.iter().all(|outcome| matches!(outcome, Some(Outcome::Done | Outcome::Refused)));
        if all_known && !self.deletes() {
            let shown = entries(bucket).iter().map(|entry| entry.saved_at).max();
            let stored = documents(bucket).first().and_then(|key| now(bucket.head(key)).unwrap());
            assert_eq!(shown, stored.map(|meta| meta.saved_at), "misled: {}", what());
        }
    }

    /// At rest the index holds exactly the current entry, and what was acknowledged is there.
    fn check_rest(&self, bucket: &MemoryBucket, outcomes: &[Option<Outcome>], what: &impl Fn() -> String) {
        let documents = documents(bucket);
        let current: BTreeSet<_> =
            documents.iter().map(|key| now(bucket.head(key)).unwrap().unwrap().saved_at).collect();
        let listed: Vec<_> = entries(bucket).iter().map(|entry| entry.saved_at).collect();
        assert!(listed.len() == current.len() && listed.iter().all(|at| current.contains(at)), "{}", what());
        let done = |of: &[Operation]| self.done(outcomes, |operation| of.contains(&operation));
        if !self.deletes() {
            use Operation::{Create, Import, ImportReplacing, Match, Save};
            let creates = done(&[Create, Import]);
            assert!(creates <= usize::from(!self.exists), "two creates: {}", what());
            assert!(done(&[Match]) <= usize::from(self.exists), "two of one tag: {}", what());
            let saved = done(&[Save, ImportReplacing, Match]) + creates > 0 || self.exists;
            assert!(documents.len() == 1 || !saved, "lost: {}", what());
        }
        let only_deletes = !self.operations.iter().any(|operation| operation.saves());
        if done(&[Operation::Delete]) > 0 && only_deletes {
            assert!(documents.is_empty(), "deleted, but there: {}", what());
        }
    }

    /// All schedules; how many there were.
    pub(crate) fn explore(&self) -> usize {
        let mut choices = Choices::default();
        let mut schedules = 0;
        loop {
            schedules += usize::from(self.run(&mut choices));
            if !choices.advance() {
                return schedules;
            }
        }
    }
}
