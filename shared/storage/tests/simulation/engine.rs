//! Runs operations step by step: whoever holds the engine decides which request goes on, and how.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use analysis_storage::{Analyses, AnalysisId, Key, Layout, Retention, StorageType};

use crate::history::{History, Record};
use crate::perform::{Came, Job, Tags};
use crate::plan::{Op, Weather};
use crate::world::{SimBucket, SimClock, Waiting, World};

type Running = Pin<Box<dyn Future<Output = Came>>>;

/// The processes, the operations they run, and what came of them.
pub(crate) struct Engine {
    pub(crate) world: Arc<World>,
    pub(crate) history: History,
    pub(crate) ids: Vec<Option<AnalysisId>>,
    pub(crate) trace: Option<Vec<String>>,
    weather: Weather,
    seed: u64,
    processes: Vec<Arc<Analyses>>,
    started: usize,
    /// By operation; none once it has ended.
    tasks: Vec<Option<Running>>,
    tags: Tags,
}

impl Engine {
    pub(crate) fn new(weather: &Weather, ids: &[AnalysisId], seed: u64, traced: bool) -> Self {
        let world = World::new(weather.start, weather.page);
        let mut engine = Self {
            history: History::new(world.time.micros(), Retention::days(weather.retention)),
            world,
            ids: ids.iter().cloned().map(Some).collect(),
            trace: traced.then(Vec::new),
            weather: weather.clone(),
            seed,
            processes: Vec::new(),
            started: 0,
            tasks: Vec::new(),
            tags: Tags::new(),
        };
        engine.processes = (0..weather.processes).map(|_| engine.process()).collect();
        engine
    }

    /// A process that remembers nothing.
    fn process(&mut self) -> Arc<Analyses> {
        self.started += 1;
        let clock = SimClock::new(self.world.clone(), self.weather.ticks, self.started, self.seed);
        let bucket = Arc::new(SimBucket(self.world.clone()));
        let analyses = Analyses::new(bucket, StorageType::Memory, Layout::new(""), Arc::new(clock));
        let retention = Retention::days(self.weather.retention);
        Arc::new(analyses.with_retention(retention).with_mutant(self.weather.mutant))
    }

    pub(crate) fn restart(&mut self, process: usize) {
        self.processes[process] = self.process();
        self.note(|| format!("process {process} starts anew"));
    }

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        let now = self.world.time.timestamp();
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{now} {}", line()));
        }
    }

    /// The tasks that have not ended.
    pub(crate) fn live(&self) -> impl Iterator<Item = usize> {
        self.tasks.iter().enumerate().filter(|(_, task)| task.is_some()).map(|(index, _)| index)
    }

    /// Begins an operation; its first request is sent.
    pub(crate) fn start(&mut self, op: Op, process: usize) -> usize {
        let task = self.tasks.len();
        self.note(|| format!("#{task} {op} begins in process {process}"));
        let id = op.id().and_then(|id| self.ids.get(id).cloned().flatten());
        let job = Job::new(op, self.processes[process].clone(), id, &self.tags);
        self.history.begin(Record::new(op, job.asked), self.world.time.micros());
        self.tasks.push(Some(Box::pin(job.run())));
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

    fn end(&mut self, task: usize, came: Option<Came>) {
        match &came {
            Some(came) => self.note(|| format!("#{task} ends: {came:?}")),
            None => self.note(|| format!("#{task} crashes")),
        }
        if let (Some(Came::Saved(saved)), Some(id)) = (&came, self.history.records[task].op.id()) {
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
            self.history.settle(task);
        }
    }

    /// A request takes effect. If it is `lost`, the task will never know.
    pub(crate) fn apply(&mut self, waiting: Waiting, lost: bool) {
        self.step();
        let described = self.trace.is_some().then(|| self.world.describe(waiting.request));
        let writes_document = waiting.is_write && self.world.key(waiting.request).starts_with("analysis/");
        let shown = self.world.apply(waiting.request, lost);
        if writes_document && shown != "412" {
            self.history.affect(waiting.task);
        }
        let fate = if waiting.orphan || lost { ", and nobody is told" } else { "" };
        self.note(|| format!("#{} {} -> {shown}{fate}", waiting.task, described.unwrap_or_default()));
        self.check_settled(waiting.task);
    }

    /// A request is refused, or lost before it arrives.
    pub(crate) fn refuse(&mut self, waiting: Waiting) {
        self.step();
        let described = self.trace.is_some().then(|| self.world.describe(waiting.request));
        self.world.refuse(waiting.request);
        self.note(|| format!("#{} {} -> 503, without effect", waiting.task, described.unwrap_or_default()));
        self.check_settled(waiting.task);
    }

    pub(crate) fn deliver(&mut self, waiting: Waiting) {
        self.step();
        self.world.deliver(waiting.request);
        self.poll(waiting.task);
    }

    /// The operation ends without an answer; its requests may still arrive.
    pub(crate) fn crash(&mut self, task: usize) {
        self.step();
        self.tasks[task] = None;
        self.end(task, None);
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
                self.apply(*next, false);
            }
        }
        task
    }
}
