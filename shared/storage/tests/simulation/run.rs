//! One run from its seed to its verdict, and the smallest run that fails like it.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::check;
use crate::perform::Outcome;
use crate::plan::{Broken, Plan};
use crate::random::Random;
use crate::schedule::{Event, Schedule};
use crate::world::Fate;

/// How often what came of operations, by kind.
pub(crate) type Tally = BTreeMap<&'static str, u64>;

/// Runs a seed; what came of its operations, or the report of a failure.
pub(crate) fn run_seed(seed: u64, broken: Broken) -> Result<Tally, String> {
    let plan = Plan::from_seed(seed, broken);
    let mut schedule = Schedule::new(&plan, false);
    let script = schedule.draw(&mut Random::new(!seed));
    match check::at_rest(&mut schedule.engine) {
        Ok(()) => Ok(tally(&schedule)),
        Err(_) => Err(Failing { plan, script }.shrink().report()),
    }
}

/// Whether a seed finds what is broken.
pub(crate) fn fails(seed: u64, broken: Broken) -> bool {
    let plan = Plan::from_seed(seed, broken);
    let mut schedule = Schedule::new(&plan, false);
    schedule.draw(&mut Random::new(!seed));
    check::at_rest(&mut schedule.engine).is_err()
}

/// Everything that happens in the run of a seed, the final look at the store included.
pub(crate) fn trace(seed: u64) -> Vec<String> {
    let plan = Plan::from_seed(seed, Broken::default());
    let mut schedule = Schedule::new(&plan, true);
    let script = schedule.draw(&mut Random::new(!seed));
    let verdict = check::at_rest(&mut schedule.engine);
    let mut trace = schedule.engine.trace.unwrap_or_default();
    trace.extend(script.iter().map(|event| format!("{event:?}")));
    trace.push(format!("{verdict:?}"));
    trace
}

fn tally(schedule: &Schedule<'_>) -> Tally {
    let mut tally = Tally::new();
    for record in &schedule.engine.history.records {
        *tally.entry(record.came.as_ref().map_or("crashed", Outcome::name)).or_default() += 1;
    }
    tally
}

/// A run that fails.
struct Failing {
    plan: Plan,
    script: Vec<Event>,
}

impl Failing {
    fn fails(&self, script: &[Event]) -> bool {
        let mut schedule = Schedule::new(&self.plan, false);
        schedule.replay(script);
        check::at_rest(&mut schedule.engine).is_err()
    }

    fn shrink(mut self) -> Self {
        loop {
            let before = self.script.clone();
            self.leave_out();
            self.calm_down();
            if before == self.script {
                return self;
            }
        }
    }

    /// Leaves out stretches of events, long ones first.
    fn leave_out(&mut self) {
        let mut length = self.script.len();
        while length > 0 {
            let mut start = 0;
            while start < self.script.len() {
                let mut script = self.script.clone();
                script.drain(start..(start + length).min(script.len()));
                if self.fails(&script) {
                    self.script = script;
                } else {
                    start += length;
                }
            }
            length /= 2;
        }
    }

    /// Takes the harmless kind of an event for another.
    fn calm_down(&mut self) {
        for index in 0..self.script.len() {
            let calm = match &self.script[index] {
                Event::Start { op, process: 1.. } => Event::Start { op: *op, process: 0 },
                Event::Arrive { op, nth, fate: Fate::Refused | Fate::Vanished | Fate::Lost | Fate::Late } => {
                    Event::Arrive { op: *op, nth: *nth, fate: Fate::Effect }
                }
                Event::Crash { op, restart: Some(_) } => Event::Crash { op: *op, restart: None },
                _ => continue,
            };
            let mut script = self.script.clone();
            script[index] = calm;
            if self.fails(&script) {
                self.script = script;
            }
        }
    }

    /// The run in words: its seed, what failed, and every request.
    fn report(&self) -> String {
        let mut schedule = Schedule::new(&self.plan, true);
        schedule.replay(&self.script);
        let failure = check::at_rest(&mut schedule.engine).err().unwrap_or_default();
        let Plan { seed, faults, ids, .. } = &self.plan;
        let mut text = format!("seed {seed}: {failure}\nrun it again: SIM_SEED={seed} make sim\n");
        writeln!(text, "{faults:?}").unwrap();
        for (index, id) in ids.iter().enumerate() {
            writeln!(text, "id {index} is {id}").unwrap();
        }
        for line in schedule.engine.trace.unwrap_or_default() {
            writeln!(text, "  {line}").unwrap();
        }
        text
    }
}

/// The first midnight after a time, both in microseconds.
pub(crate) fn midnight_after(micros: i64) -> i64 {
    let day = Offset::UTC.to_datetime(Timestamp::from_microsecond(micros).unwrap()).date();
    let next = day.tomorrow().unwrap().at(0, 0, 0, 0);
    Offset::UTC.to_timestamp(next).unwrap().as_microsecond()
}
