//! One run: the schedule, and the checks at its end.

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use analysis_storage::{AnalysisId, Retention};

use crate::check;
use crate::choices::{Choice, Choices};
use crate::engine::Engine;
use crate::plan::Plan;
use crate::world::Waiting;

/// The longest that an operation takes. The protocol needs it to be below 10 minutes: 15 for a marker, less the
/// 5 that a process relies on one.
const LONGEST: SignedDuration = SignedDuration::from_secs(9 * 60 + 50);
/// The part of it that is left for the waits between attempts.
const SPARE: SignedDuration = SignedDuration::from_secs(50);

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) failure: Option<String>,
    pub(crate) choices: Vec<Choice>,
    pub(crate) trace: Vec<String>,
    /// How many requests took effect or were refused.
    pub(crate) steps: u64,
}

/// What may happen next.
#[derive(Debug, Clone)]
enum Action {
    Request(Waiting),
    /// A request of an operation that has ended never arrives.
    Forget(Waiting),
    Start,
    Jump(Vec<i64>),
    Expire(Vec<analysis_storage::Key>),
    Crash(Vec<usize>),
}

/// Runs a plan under these choices, and checks it.
pub(crate) fn run(plan: &Plan, mut choices: Choices, traced: bool) -> Outcome {
    let engine = Engine::new(&plan.weather, &plan.ids, plan.seed, traced);
    let mut schedule = Schedule { plan, engine, next: 0, latest: 0 };
    while let Some(action) = schedule.choose(&mut choices) {
        schedule.act(action, &mut choices);
    }
    let mut engine = schedule.engine;
    let failure = check::at_rest(&mut engine).err();
    let steps = engine.history.now();
    Outcome { failure, choices: choices.taken, trace: engine.trace.unwrap_or_default(), steps }
}

struct Schedule<'a> {
    plan: &'a Plan,
    engine: Engine,
    /// The next operation to begin.
    next: usize,
    /// The task that went on last.
    latest: usize,
}

impl Schedule<'_> {
    fn choose(&mut self, choices: &mut Choices) -> Option<Action> {
        let weather = &self.plan.weather;
        let mut waiting = self.engine.world.waiting();
        waiting.sort_by_key(|w| (w.orphan, w.task != self.latest, w.request));
        let live: Vec<usize> = self.engine.live().collect();
        let mut options: Vec<(Action, u32)> =
            waiting.iter().filter(|w| !w.orphan).map(|w| (Action::Request(*w), 8)).collect();
        if self.next < self.plan.ops.len() && live.len() < weather.concurrent {
            options.push((Action::Start, 6));
        }
        let orphans = waiting.iter().filter(|w| w.orphan);
        options.extend(orphans.flat_map(|w| [(Action::Forget(*w), 2), (Action::Request(*w), 2)]));
        if options.is_empty() {
            return None;
        }
        options.push((Action::Jump(self.jumps(&waiting, &live)), weather.jump));
        let expired = self.expired();
        if !expired.is_empty() {
            options.push((Action::Expire(expired), 2));
        }
        if !live.is_empty() {
            options.push((Action::Crash(live), weather.crash));
        }
        let weights: Vec<u32> = options.iter().map(|(_, weight)| *weight).collect();
        Some(options.swap_remove(choices.pick(&weights)).0)
    }

    fn act(&mut self, action: Action, choices: &mut Choices) {
        match action {
            Action::Request(waiting) => self.go_on(waiting, choices),
            Action::Forget(waiting) => self.engine.refuse(waiting),
            Action::Start => {
                let process = choices.pick(&vec![1; self.plan.weather.processes]);
                self.latest = self.engine.start(self.plan.ops[self.next], process);
                self.next += 1;
            }
            Action::Jump(jumps) => {
                let to = jumps[choices.pick(&vec![1; jumps.len()])];
                self.engine.jump(to);
            }
            Action::Expire(keys) => {
                let key = &keys[choices.pick(&vec![1; keys.len()])];
                self.engine.step();
                self.engine.world.remove(key);
                self.engine.note(|| format!("{key} expires"));
            }
            Action::Crash(live) => {
                let task = live[choices.pick(&vec![1; live.len()])];
                self.engine.crash(task);
                let processes = self.plan.weather.processes;
                let restarted = choices.pick(&vec![1; processes + 1]);
                if restarted > 0 {
                    self.engine.restart(restarted - 1);
                }
            }
        }
    }

    fn go_on(&mut self, waiting: Waiting, choices: &mut Choices) {
        self.latest = waiting.task;
        if waiting.answered {
            return self.engine.deliver(waiting);
        }
        let fate = if waiting.sleep_until.is_some() || waiting.orphan {
            0
        } else {
            choices.pick(&self.plan.weather.faults)
        };
        match fate {
            1 => self.engine.refuse(waiting),
            fate => self.engine.apply(waiting, fate == 2),
        }
        // Its answer arrives at once, or may be overtaken by others.
        if !waiting.orphan && choices.pick(&[3, 1]) == 0 {
            self.engine.deliver(waiting);
        }
    }

    /// The times that may go by, in microseconds: no operation may take too long.
    fn jumps(&self, waiting: &[Waiting], live: &[usize]) -> Vec<i64> {
        let now = self.engine.world.time.micros();
        let minute = 60_000_000;
        let next_day = midnight_after(now) - now;
        let day = 24 * 60 * minute;
        let kept = i64::from(self.plan.weather.retention + 1) * day;
        let under_way = live.iter().copied().chain(waiting.iter().map(|w| w.task));
        let begun = under_way.map(|task| self.engine.history.began(task)).min();
        let limit = i64::try_from((LONGEST - SPARE).as_micros()).unwrap();
        let left = begun.map_or(i64::MAX, |begun| begun + limit - now);
        let minutes = [1, 4, 7, 9, 16, 31, 61].map(|minutes| minutes * minute);
        let around = [-5, 0, 29, 31, 59, 61].map(|minutes| next_day + minutes * minute);
        let all = [1_000_000].into_iter().chain(minutes).chain(around).chain([day, kept]);
        let mut jumps: Vec<i64> = all.filter(|jump| *jump > 0 && *jump < left).collect();
        if jumps.is_empty() {
            jumps.push(0);
        }
        jumps
    }

    /// What the bucket's lifecycle rules may remove by now.
    fn expired(&self) -> Vec<analysis_storage::Key> {
        let retention = Retention::days(self.plan.weather.retention);
        let world = &self.engine.world;
        let is_over = |key: &analysis_storage::Key| {
            world.meta(key).is_some_and(|meta| {
                retention.is_over(meta.last_modified.into(), world.time.timestamp())
            })
        };
        if self.plan.weather.retention == 0 {
            return Vec::new();
        }
        let keys = ["analysis/", "metadata/index/"].into_iter().flat_map(|prefix| world.keys(prefix));
        keys.filter(is_over).collect()
    }
}

/// The first midnight after a time, both in microseconds.
pub(crate) fn midnight_after(micros: i64) -> i64 {
    let day = Offset::UTC.to_datetime(Timestamp::from_microsecond(micros).unwrap()).date();
    let next = day.tomorrow().unwrap().at(0, 0, 0, 0);
    Offset::UTC.to_timestamp(next).unwrap().as_microsecond()
}

/// The id of the document at this key.
pub(crate) fn id_of_document(key: &analysis_storage::Key) -> Option<AnalysisId> {
    let name = key.as_str().rsplit('/').next()?.strip_suffix(".json")?;
    AnalysisId::from_stored(name).ok()
}

