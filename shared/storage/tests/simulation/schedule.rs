//! The schedule of a run: event by event, drawn from a seed or given as a script.

use analysis_storage::{Key, Retention};

use crate::engine::Engine;
use crate::plan::{FaultProfile, Jump, Plan};
use crate::random::Random;
use crate::run::midnight_after;
use crate::world::host::Pause;
use crate::world::{Fate, Waiting};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// One thing that happens. An operation is named by its place in the plan, a request by its place among those of
/// its operation that are under way, so that an event means the same after others have been left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Start { op: usize, process: usize },
    Arrive { op: usize, nth: usize, fate: Fate },
    Answer { op: usize, nth: usize },
    Jump(i64),
    Expire(Key),
    Crash { op: usize, restart: Option<usize> },
    Suspend { process: usize, pause: Pause },
    Resume { process: usize },
    SetClock { process: usize, micros: i64 },
}

/// A run that is under way.
pub(crate) struct Schedule<'a> {
    plan: &'a Plan,
    pub(crate) engine: Engine,
    /// The operation of each task.
    ops: Vec<usize>,
    /// Until when the bucket serves nobody, and what it does instead.
    storm: (i64, Fate),
}

impl<'a> Schedule<'a> {
    pub(crate) fn new(plan: &'a Plan, traced: bool) -> Self {
        let engine = Engine::new(&plan.faults, &plan.ids, plan.seed, traced);
        Self { plan, engine, ops: Vec::new(), storm: (i64::MIN, Fate::Effect) }
    }

    /// Lets everything happen that chance wants; the events.
    pub(crate) fn draw(&mut self, random: &mut Random) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next(random) {
            let answered = match event {
                Event::Arrive { op, nth, .. } => Some(Event::Answer { op, nth }),
                _ => None,
            };
            self.happen(&event);
            events.push(event);
            // The answer arrives at once, or is overtaken by other events.
            if let Some(answer) = answered.filter(|_| random.below(4) > 0)
                && self.happen(&answer)
            {
                events.push(answer);
            }
        }
        events
    }

    /// Lets the events of a script happen, as far as they can, and ends what is under way then.
    pub(crate) fn replay(&mut self, script: &[Event]) {
        for event in script {
            self.happen(event);
        }
        for process in 0..self.plan.faults.processes {
            self.engine.resume(process);
        }
        loop {
            let Some(next) = self.engine.world.waiting().first().copied() else { return };
            match (next.late_until, next.answered) {
                (Some(_), _) => self.engine.decide(next, Fate::Vanished),
                (None, true) => self.engine.deliver(next),
                (None, false) => self.engine.decide(next, Fate::Effect),
            }
        }
    }

    fn next(&mut self, random: &mut Random) -> Option<Event> {
        let faults = &self.plan.faults;
        let waiting = self.engine.world.waiting();
        let mut options = self.requests(&waiting);
        options.extend(self.of_processes(random));
        let live = self.engine.live().count();
        let process = random.below(faults.processes);
        let is_free = self.ops.len() < self.plan.ops.len() && live < faults.concurrent;
        if is_free && self.engine.suspended_since(process).is_none() {
            options.push((Event::Start { op: self.ops.len(), process }, 60));
        }
        if options.is_empty() {
            return None;
        }
        let jumps = self.jumps(&waiting);
        if !jumps.is_empty() {
            options.push((Event::Jump(random.one_of(&jumps)), faults.jump));
        }
        let expired = self.expired();
        if !expired.is_empty() {
            options.push((Event::Expire(random.one_of(&expired)), 20));
        }
        if live > 0 {
            let task = self.engine.live().nth(random.below(live)).expect("there are that many");
            let restart = random.below(faults.processes + 1).checked_sub(1);
            options.push((Event::Crash { op: self.ops[task], restart }, faults.crash));
        }
        let weights: Vec<u32> = options.iter().map(|(_, weight)| *weight).collect();
        let mut event = options.swap_remove(random.weighted(&weights)).0;
        self.raise_storm(random);
        if let Event::Arrive { fate, op, .. } = &mut event
            && *fate == Fate::Effect
        {
            *fate = self.fate(*op, random);
        }
        Some(event)
    }

    /// What may happen to whole processes.
    fn of_processes(&self, random: &mut Random) -> Vec<(Event, u32)> {
        let faults = &self.plan.faults;
        let mut options = Vec::new();
        for process in 0..faults.processes {
            if self.engine.suspended_since(process).is_some() {
                options.push((Event::Resume { process }, 20));
                continue;
            }
            let is_busy = self.engine.live().any(|task| self.engine.process_of(task) == process);
            if is_busy && faults.suspend > 0 {
                // The checker of retention relies on clocks that go on.
                let pauses = [Pause::Running, Pause::Sleep, Pause::Frozen];
                let pause = pauses[random.below(if faults.retention == 0 { 3 } else { 2 })];
                options.push((Event::Suspend { process, pause }, faults.suspend));
            }
            if is_busy && faults.set > 0 {
                let micros = FaultProfile::set_by(random);
                options.push((Event::SetClock { process, micros }, faults.set));
            }
        }
        options
    }

    fn raise_storm(&mut self, random: &mut Random) {
        let now = self.engine.world.time.micros();
        if self.plan.faults.storm > 0
            && now > self.storm.0
            && random.below(200) < self.plan.faults.storm as usize
        {
            let seconds = random.one_of(&[1, 10, 30, 120, 300]);
            self.storm =
                (now + seconds * SECOND, random.one_of(&[Fate::Refused, Fate::Refused, Fate::Vanished]));
        }
    }

    fn fate(&self, op: usize, random: &mut Random) -> Fate {
        let drawn = [Fate::Effect, Fate::Refused, Fate::Vanished, Fate::Lost, Fate::Late];
        let drawn = drawn[random.weighted(&self.plan.faults.faults)];
        let task = self.ops.iter().position(|of| *of == op);
        // Nobody gives up while suspended.
        if drawn == Fate::Late && !task.is_some_and(|task| self.engine.is_awake(task)) {
            return Fate::Lost;
        }
        if self.engine.world.time.micros() < self.storm.0 { self.storm.1 } else { drawn }
    }

    /// What may happen to the requests that are under way.
    fn requests(&self, waiting: &[Waiting]) -> Vec<(Event, u32)> {
        let now = self.engine.world.time.micros();
        let event = |w: &Waiting| {
            let op = self.ops[w.task];
            let nth = waiting.iter().filter(|o| o.task == w.task && o.request < w.request).count();
            let is_awake = self.engine.is_awake(w.task);
            let is_on_the_wire = w.sleep_until.is_none() && self.engine.is_on_the_wire(w.task);
            let arrive = |fate| Event::Arrive { op, nth, fate };
            match w.late_until {
                // Nobody waits for it: it may still arrive, or never.
                Some(until) if now <= until => vec![(arrive(Fate::Vanished), 5), (arrive(Fate::Lost), 10)],
                Some(_) => vec![(arrive(Fate::Vanished), 200)],
                None if w.answered => {
                    if is_awake {
                        vec![(Event::Answer { op, nth }, 80)]
                    } else {
                        Vec::new()
                    }
                }
                None if is_awake || is_on_the_wire => vec![(arrive(Fate::Effect), 80)],
                None => Vec::new(),
            }
        };
        waiting.iter().flat_map(event).collect()
    }

    /// Whether the event could happen, and did.
    fn happen(&mut self, event: &Event) -> bool {
        match event {
            Event::Start { op, process } => {
                if self.engine.suspended_since(*process).is_some() {
                    return false;
                }
                self.ops.push(*op);
                self.engine.start(self.plan.ops[*op], *process);
            }
            Event::Arrive { op, nth, fate } => return self.arrive(*op, *nth, *fate),
            Event::Answer { op, nth } => {
                let Some(waiting) = self.waiting(*op, *nth).filter(|w| w.answered) else { return false };
                if !self.engine.is_awake(waiting.task) {
                    return false;
                }
                self.engine.deliver(waiting);
            }
            Event::Jump(micros) => {
                if *micros > self.left(&self.engine.world.waiting()) {
                    return false;
                }
                self.engine.jump(*micros);
            }
            Event::Suspend { process, pause } => {
                if self.engine.suspended_since(*process).is_some() {
                    return false;
                }
                self.engine.suspend(*process, *pause);
            }
            Event::Resume { process } => self.engine.resume(*process),
            Event::SetClock { process, micros } => self.engine.set_clock(*process, *micros),
            Event::Expire(key) => {
                if !self.expired().contains(key) {
                    return false;
                }
                self.engine.expire(key);
            }
            Event::Crash { op, restart } => return self.crash(*op, *restart),
        }
        true
    }

    fn arrive(&mut self, op: usize, nth: usize, fate: Fate) -> bool {
        let Some(waiting) = self.waiting(op, nth).filter(|w| !w.answered) else { return false };
        let (is_awake, is_sleep) = (self.engine.is_awake(waiting.task), waiting.sleep_until.is_some());
        let may = match waiting.late_until {
            Some(until) => fate == Fate::Vanished || self.engine.world.time.micros() <= until,
            None if is_awake => true,
            None => !is_sleep && fate != Fate::Late && self.engine.is_on_the_wire(waiting.task),
        };
        if may {
            self.engine.decide(waiting, if is_sleep { Fate::Effect } else { fate });
        }
        may
    }

    fn crash(&mut self, op: usize, restart: Option<usize>) -> bool {
        let Some(task) = self.engine.live().find(|task| self.ops[*task] == op) else { return false };
        self.engine.crash(task);
        if let Some(process) = restart {
            self.engine.restart(process);
        }
        true
    }

    fn waiting(&self, op: usize, nth: usize) -> Option<Waiting> {
        let task = self.ops.iter().position(|of| *of == op)?;
        self.engine.world.waiting().into_iter().filter(|waiting| waiting.task == task).nth(nth)
    }

    /// How much time may go by before a late request is overdue.
    fn left(&self, waiting: &[Waiting]) -> i64 {
        let overdue = waiting.iter().filter_map(|w| w.late_until).min();
        overdue.map_or(i64::MAX, |until| until - self.engine.world.time.micros())
    }

    /// The times that may go by, in microseconds.
    fn jumps(&self, waiting: &[Waiting]) -> Vec<i64> {
        let now = self.engine.world.time.micros();
        let tomorrow = midnight_after(now) - now;
        let hour = (now.div_euclid(HOUR) + 1) * HOUR - now;
        let kept = i64::from(self.plan.faults.retention) * 24 * HOUR;
        let micros = |jump: &Jump| match jump {
            Jump::Seconds(seconds) => seconds * SECOND,
            Jump::Minutes(minutes) => minutes * MINUTE,
            Jump::Tomorrow(minutes) => tomorrow + minutes * MINUTE,
            Jump::Hour(minutes) => hour + minutes * MINUTE,
            Jump::Retention => tomorrow + kept,
        };
        let left = self.left(waiting);
        self.plan.faults.jumps.iter().map(micros).filter(|jump| *jump > 0 && *jump <= left).collect()
    }

    /// What the bucket's lifecycle rules may remove by now.
    fn expired(&self) -> Vec<Key> {
        if self.plan.faults.retention == 0 {
            return Vec::new();
        }
        let retention = Retention::days(self.plan.faults.retention);
        let world = &self.engine.world;
        let is_over = |key: &Key| {
            let modified = world.meta(key).map(|meta| meta.last_modified.into());
            modified.is_some_and(|modified| retention.is_over(modified, world.time.timestamp()))
        };
        let keys = ["analysis/", "metadata/index/"].into_iter().flat_map(|prefix| world.keys(prefix));
        keys.filter(is_over).collect()
    }
}
