//! Runs operations step by step: whoever holds the engine decides which request goes on, and how.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use analysis_storage::bucket::Object;
use analysis_storage::testing::LaxBucket;
use analysis_storage::{Analyses, AnalysisId, Bucket, Clock, Key, Layout, Retention, StorageType};

use crate::history::{Effect, History, Record};
use crate::perform::{Job, Outcome, Tags};
use crate::plan::{FaultProfile, Op, id_of, value_of, value_of_document};
use crate::world::call::Call;
use crate::world::host::{Host, Pause, SimBucket};
use crate::world::{Fate, Waiting, World};

type Running = Pin<Box<dyn Future<Output = Outcome>>>;

/// The machine that the process with this number runs on, and what it runs.
#[derive(Debug)]
struct Process {
    host: Arc<Host>,
    analyses: Arc<Analyses>,
    /// Since when it is suspended, and what its clocks do meanwhile.
    suspended: Option<(i64, Pause)>,
}

/// The processes, the operations they run, and what came of them.
pub(crate) struct Engine {
    pub(crate) world: Arc<World>,
    pub(crate) history: History,
    pub(crate) ids: Vec<Option<AnalysisId>>,
    pub(crate) trace: Option<Vec<String>>,
    faults: FaultProfile,
    seed: u64,
    processes: Vec<Process>,
    started: usize,
    /// By operation; none once it has ended.
    tasks: Vec<Option<Running>>,
    /// By operation: the process it runs in.
    hosts: Vec<usize>,
    tags: Tags,
}

impl Engine {
    pub(crate) fn new(faults: &FaultProfile, ids: &[AnalysisId], seed: u64, traced: bool) -> Self {
        let world = World::new(faults.start, faults.page);
        let mut engine = Self {
            history: History::new(world.time.micros(), Retention::days(faults.retention)),
            world,
            ids: ids.iter().cloned().map(Some).collect(),
            trace: traced.then(Vec::new),
            faults: faults.clone(),
            seed,
            processes: Vec::new(),
            started: 0,
            tasks: Vec::new(),
            hosts: Vec::new(),
            tags: Tags::new(),
        };
        engine.processes = (0..faults.processes).map(|_| engine.process()).collect();
        engine
    }

    /// A process that remembers nothing.
    fn process(&mut self) -> Process {
        self.started += 1;
        let FaultProfile { ticks, broken, .. } = self.faults;
        let wrong = self.faults.wrong(self.seed, self.started);
        let host = Arc::new(Host::new(self.world.clone(), ticks, wrong, self.started, self.seed));
        let mut bucket: Arc<dyn Bucket> = Arc::new(SimBucket::new(host.clone()));
        if let Some(lax) = broken.lax {
            bucket = Arc::new(LaxBucket::new(bucket, lax, Layout::new("")));
        }
        let clock: Arc<dyn Clock> = host.clone();
        let analyses = Analyses::new(bucket, StorageType::Memory, Layout::new(""), clock.clone());
        let analyses = analyses.with_retention(Retention::days(self.faults.retention));
        Process { analyses: Arc::new(analyses.with_mutant(broken.rule, &clock)), host, suspended: None }
    }

    pub(crate) fn restart(&mut self, process: usize) {
        self.processes[process] = self.process();
        self.note(|| format!("process {process} starts anew"));
    }

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        let now = self.world.time.timestamp();
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{now:.6} {}", line()));
        }
    }

    /// Whether every process knows the time from the first.
    pub(crate) fn has_right_clocks(&self) -> bool {
        self.faults.has_right_clocks()
    }

    /// The tasks that have not ended.
    pub(crate) fn live(&self) -> impl Iterator<Item = usize> {
        self.tasks.iter().enumerate().filter(|(_, task)| task.is_some()).map(|(index, _)| index)
    }

    pub(crate) fn process_of(&self, task: usize) -> usize {
        self.hosts[task]
    }

    /// Whether the process of a task is not suspended.
    pub(crate) fn is_awake(&self, task: usize) -> bool {
        self.suspended_since(self.hosts[task]).is_none()
    }

    /// Whether a request of a task may be on its way to the bucket, and not only in its process.
    pub(crate) fn is_on_the_wire(&self, task: usize) -> bool {
        let since = self.suspended_since(self.hosts[task]);
        since.is_none_or(|since| self.world.time.micros() - since < 60_000_000)
    }

    pub(crate) fn suspended_since(&self, process: usize) -> Option<i64> {
        self.processes[process].suspended.map(|(since, _)| since)
    }

    /// Begins an operation; its first request is sent.
    pub(crate) fn start(&mut self, op: Op, process: usize) -> usize {
        let task = self.tasks.len();
        self.note(|| format!("#{task} {op} begins in process {process}"));
        let id = op.id().and_then(|id| self.ids.get(id).cloned().flatten());
        let job = Job::new(op, self.processes[process].analyses.clone(), id, &self.tags);
        self.history.begin(Record::new(op, job.asked), self.world.time.micros());
        self.tasks.push(Some(Box::pin(job.run())));
        self.hosts.push(process);
        self.poll(task);
        task
    }

    fn poll(&mut self, task: usize) {
        let Some(running) = &mut self.tasks[task] else { return };
        self.world.running.store(task, Ordering::Relaxed);
        if let Poll::Ready(came) = running.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            self.tasks[task] = None;
            self.end(task, Some(came));
        }
    }

    fn end(&mut self, task: usize, came: Option<Outcome>) {
        match &came {
            Some(came) => self.note(|| format!("#{task} ends: {came:?}")),
            None => self.note(|| format!("#{task} crashes")),
        }
        if let (Some(Outcome::Saved(saved)), Some(id)) = (&came, self.history.records[task].op.id()) {
            self.ids.resize(self.ids.len().max(id + 1), None);
            self.ids[id] = Some(saved.entry.id.clone());
            if let Some(value) = self.history.records[task].value() {
                self.tags.insert(id, (saved.etag.clone(), value));
            }
        }
        self.history.end(task, came, self.world.time.micros());
        self.check_settled(task);
    }

    /// Whether no request of an ended task is under way any more.
    fn check_settled(&mut self, task: usize) {
        if self.tasks[task].is_none() && self.world.waiting().iter().all(|waiting| waiting.task != task) {
            self.history.prune_stale_entries(task);
        }
    }

    /// What becomes of a request is decided.
    pub(crate) fn decide(&mut self, waiting: Waiting, fate: Fate) {
        self.step();
        let call = self.world.call(waiting.request);
        let before = self.world.object(&Key::new(call.key()));
        let shown = self.world.decide(waiting.request, fate);
        let took_effect = matches!(fate, Fate::Effect | Fate::Lost) && shown != "412";
        if took_effect && waiting.is_write {
            self.book(waiting, &call, before.as_ref());
        }
        let told = if waiting.late_until.is_some() { ", late" } else { "" };
        let told = if fate == Fate::Lost { ", and nobody is told" } else { told };
        self.note(|| format!("#{} {call} -> {shown}{told}", waiting.task));
        self.check_settled(waiting.task);
    }

    /// Notes what a write has changed.
    fn book(&mut self, waiting: Waiting, call: &Call, before: Option<&Object>) {
        let is_late = waiting.late_until.is_some();
        if call.key().starts_with("analysis/") {
            let saved_at = match call {
                Call::Put(put) => Some(put.saved_at),
                _ => None,
            };
            let before = before.map(|object| (value_of_document(&object.body), object.meta.saved_at));
            let is_conditional = call.is_conditional();
            self.history.affect(waiting.task, Effect { step: 0, is_late, is_conditional, before, saved_at });
        } else if let Some(entry) = Layout::new("").parse_entry(&Key::new(call.key()))
            && let Some(id) = value_of(entry.summary.status.as_str()).map(id_of)
        {
            self.history.touch(waiting.task, id);
            let document = Layout::new("").document(&entry.id, entry.created_at);
            // One that is older than its document misleads nobody.
            let misleads = self.world.meta(&document).is_none_or(|meta| meta.saved_at < entry.saved_at);
            if is_late && before.is_none() && misleads && matches!(call, Call::Put(_)) {
                self.history.upset(id);
            }
        }
    }

    pub(crate) fn deliver(&mut self, waiting: Waiting) {
        self.step();
        self.world.deliver(waiting.request);
        self.poll(waiting.task);
    }

    /// The operation ends without an answer; its requests may still arrive.
    pub(crate) fn crash(&mut self, task: usize) {
        self.step();
        let is_on_the_wire = self.is_on_the_wire(task);
        self.tasks[task] = None;
        if !is_on_the_wire {
            for waiting in self.world.waiting().into_iter().filter(|waiting| waiting.task == task) {
                self.world.decide(waiting.request, Fate::Vanished);
            }
        }
        self.end(task, None);
    }

    /// A process is suspended: what it has sent may arrive, and nothing else happens in it.
    pub(crate) fn suspend(&mut self, process: usize, pause: Pause) {
        self.step();
        self.processes[process].suspended = Some((self.world.time.micros(), pause));
        self.note(|| format!("process {process} is suspended: {pause:?}"));
    }

    pub(crate) fn resume(&mut self, process: usize) {
        self.step();
        if let Some((since, pause)) = self.processes[process].suspended.take() {
            let now = self.world.time.micros();
            self.processes[process].host.was_suspended(now - since, pause);
            self.note(|| format!("process {process} goes on"));
        }
    }

    /// The wall clock of a process is set.
    pub(crate) fn set_clock(&mut self, process: usize, micros: i64) {
        self.processes[process].host.step(micros);
        self.note(|| format!("the clock of process {process} is set by {} s", micros / 1_000_000));
    }

    pub(crate) fn jump(&mut self, micros: i64) {
        self.world.time.advance_to(self.world.time.micros() + micros);
        self.step();
        self.note(|| "time has gone by".to_owned());
    }

    /// The bucket's lifecycle rules remove an object.
    pub(crate) fn expire(&mut self, key: &Key) {
        self.step();
        self.world.remove(key);
        self.note(|| format!("{key} expires"));
    }

    pub(crate) fn step(&mut self) {
        self.history.step(self.world.time.micros());
    }

    /// Runs one operation from its first to its last request, with nothing beside it and no fault.
    pub(crate) fn run_alone(&mut self, op: Op) -> usize {
        self.step();
        let task = self.start(op, 0);
        while self.tasks[task].is_some() {
            let waiting = self.world.waiting();
            let next = waiting.iter().find(|waiting| waiting.task == task).expect("it waits for something");
            if next.answered {
                self.deliver(*next);
            } else {
                self.decide(*next, Fate::Effect);
            }
        }
        task
    }
}
