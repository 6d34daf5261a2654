//! The schedule of a run: event by event, drawn from a seed or given as a script.

use analysis_storage::{Key, Retention};

use crate::engine::Engine;
use crate::plan::{Jump, Plan};
use crate::random::Random;
use crate::run::midnight_after;
use crate::world::Waiting;

const MINUTE: i64 = 60_000_000;
/// The longest that an operation takes, but for its waits between attempts. The protocol needs it to be below 10
/// minutes: 15 for a marker, less the 5 that a process relies on one.
const LONGEST: i64 = 9 * MINUTE;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Effect,
    /// It fails without effect.
    Refused,
    /// It takes effect, and its answer is lost.
    Lost,
}

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
}

/// A run that is under way.
pub(crate) struct Schedule<'a> {
    plan: &'a Plan,
    pub(crate) engine: Engine,
    /// The operation of each task.
    ops: Vec<usize>,
}

impl<'a> Schedule<'a> {
    pub(crate) fn new(plan: &'a Plan, traced: bool) -> Self {
        let engine = Engine::new(&plan.weather, &plan.ids, plan.seed, traced);
        Self { plan, engine, ops: Vec::new() }
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
        loop {
            let Some(next) = self.engine.world.waiting().first().copied() else { return };
            match (next.orphan, next.answered) {
                (true, _) => self.engine.refuse(next),
                (false, true) => self.engine.deliver(next),
                (false, false) => self.engine.apply(next, false),
            }
        }
    }

    fn next(&self, random: &mut Random) -> Option<Event> {
        let (weather, live) = (&self.plan.weather, self.engine.live().count());
        let waiting = self.engine.world.waiting();
        let mut options = self.requests(&waiting);
        if self.ops.len() < self.plan.ops.len() && live < weather.concurrent {
            let process = random.below(weather.processes);
            options.push((Event::Start { op: self.ops.len(), process }, 60));
        }
        if options.is_empty() {
            return None;
        }
        let jumps = self.jumps(&waiting);
        if !jumps.is_empty() {
            options.push((Event::Jump(random.one_of(&jumps)), weather.jump));
        }
        let expired = self.expired();
        if !expired.is_empty() {
            options.push((Event::Expire(random.one_of(&expired)), 20));
        }
        if live > 0 {
            let task = self.engine.live().nth(random.below(live)).expect("there are that many");
            let restart = random.below(weather.processes + 1).checked_sub(1);
            options.push((Event::Crash { op: self.ops[task], restart }, weather.crash));
        }
        let weights: Vec<u32> = options.iter().map(|(_, weight)| *weight).collect();
        let mut event = options.swap_remove(random.weighted(&weights)).0;
        if let Event::Arrive { fate, .. } = &mut event
            && *fate == Fate::Effect
        {
            *fate = [Fate::Effect, Fate::Refused, Fate::Lost][random.weighted(&weather.faults)];
        }
        Some(event)
    }

    /// What may happen to the requests that are under way.
    fn requests(&self, waiting: &[Waiting]) -> Vec<(Event, u32)> {
        let event = |w: &Waiting| {
            let op = self.ops[w.task];
            let nth = waiting.iter().filter(|o| o.task == w.task && o.request < w.request).count();
            match (w.orphan, w.answered) {
                (false, true) => vec![(Event::Answer { op, nth }, 80)],
                (false, false) => vec![(Event::Arrive { op, nth, fate: Fate::Effect }, 80)],
                // Nobody waits for it: it may still arrive, or never.
                (true, _) => {
                    [Fate::Refused, Fate::Lost].map(|fate| (Event::Arrive { op, nth, fate }, 20)).to_vec()
                }
            }
        };
        waiting.iter().flat_map(event).collect()
    }

    /// Whether the event could happen, and did.
    fn happen(&mut self, event: &Event) -> bool {
        match event {
            Event::Start { op, process } => {
                self.ops.push(*op);
                self.engine.start(self.plan.ops[*op], *process);
            }
            Event::Arrive { op, nth, fate } => {
                let Some(waiting) = self.waiting(*op, *nth).filter(|w| !w.answered) else { return false };
                match fate {
                    Fate::Refused if waiting.sleep_until.is_none() => self.engine.refuse(waiting),
                    Fate::Lost if waiting.sleep_until.is_none() => self.engine.apply(waiting, true),
                    _ => self.engine.apply(waiting, false),
                }
            }
            Event::Answer { op, nth } => {
                let Some(waiting) = self.waiting(*op, *nth).filter(|w| w.answered) else { return false };
                self.engine.deliver(waiting);
            }
            Event::Jump(micros) => {
                if *micros > self.left(&self.engine.world.waiting()) {
                    return false;
                }
                self.engine.jump(*micros);
            }
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

    /// How much time may go by without an operation taking too long.
    fn left(&self, waiting: &[Waiting]) -> i64 {
        let under_way = self.engine.live().chain(waiting.iter().map(|w| w.task));
        let begun = under_way.map(|task| self.engine.history.began(task)).min();
        begun.map_or(i64::MAX, |begun| begun + LONGEST - self.engine.world.time.micros())
    }

    /// The times that may go by, in microseconds.
    fn jumps(&self, waiting: &[Waiting]) -> Vec<i64> {
        let now = self.engine.world.time.micros();
        let tomorrow = midnight_after(now) - now;
        let kept = i64::from(self.plan.weather.retention) * 24 * 60 * MINUTE;
        let micros = |jump: &Jump| match jump {
            Jump::By(minutes) => minutes * MINUTE,
            Jump::Tomorrow(minutes) => tomorrow + minutes * MINUTE,
            Jump::Retention => tomorrow + kept,
        };
        let left = self.left(waiting);
        self.plan.weather.jumps.iter().map(micros).filter(|jump| *jump > 0 && *jump <= left).collect()
    }

    /// What the bucket's lifecycle rules may remove by now.
    fn expired(&self) -> Vec<Key> {
        if self.plan.weather.retention == 0 {
            return Vec::new();
        }
        let retention = Retention::days(self.plan.weather.retention);
        let world = &self.engine.world;
        let is_over = |key: &Key| {
            let modified = world.meta(key).map(|meta| meta.last_modified.into());
            modified.is_some_and(|modified| retention.is_over(modified, world.time.timestamp()))
        };
        let keys = ["analysis/", "metadata/index/"].into_iter().flat_map(|prefix| world.keys(prefix));
        keys.filter(is_over).collect()
    }
}
