//! Making a failing run small: fewer operations, fewer faults, less interleaving.

use std::fmt::Write;

use crate::choices::Choices;
use crate::plan::{Broken, Plan};
use crate::run::{Outcome, run};

/// A run that fails, as small as it gets.
pub(crate) struct Failing {
    plan: Plan,
    choices: Vec<u16>,
}

impl Failing {
    /// Shrinks the run of this plan that took these choices.
    pub(crate) fn shrink(plan: &Plan, choices: Vec<u16>) -> Self {
        let mut failing = Self { plan: plan.clone(), choices };
        loop {
            let before = (failing.plan.ops.len(), failing.choices.clone());
            failing.drop_ops();
            failing.drop_choices();
            failing.calm_choices();
            if before == (failing.plan.ops.len(), failing.choices.clone()) {
                return failing;
            }
        }
    }

    fn drop_ops(&mut self) {
        for index in (0..self.plan.ops.len()).rev() {
            let mut plan = self.plan.clone();
            plan.ops.remove(index);
            self.accept(plan, self.choices.clone());
        }
    }

    /// Leaves out stretches of choices, long ones first.
    fn drop_choices(&mut self) {
        let mut length = self.choices.len();
        while length > 0 {
            let mut start = 0;
            while start + length <= self.choices.len() {
                let mut choices = self.choices.clone();
                choices.drain(start..start + length);
                if !self.accept(self.plan.clone(), choices) {
                    start += length;
                }
            }
            length /= 2;
        }
    }

    /// Takes the harmless option where another was taken.
    fn calm_choices(&mut self) {
        for index in 0..self.choices.len() {
            if self.choices.get(index).is_some_and(|choice| *choice > 0) {
                let mut choices = self.choices.clone();
                choices[index] = 0;
                self.accept(self.plan.clone(), choices);
            }
        }
    }

    fn accept(&mut self, plan: Plan, choices: Vec<u16>) -> bool {
        let outcome = run(&plan, Choices::replay(&choices), false);
        let fails = outcome.failure.is_some();
        if fails {
            let mut taken: Vec<u16> = outcome.choices.iter().map(|choice| choice.taken).collect();
            taken.truncate(choices.len());
            while taken.last() == Some(&0) {
                taken.pop();
            }
            let smaller = plan.ops.len() < self.plan.ops.len() || taken != self.choices;
            (self.plan, self.choices) = (plan, taken);
            return smaller;
        }
        false
    }

    /// The run in words: its seed, what failed, and every request.
    pub(crate) fn report(&self) -> String {
        let Outcome { failure, trace, .. } = run(&self.plan, Choices::replay(&self.choices), true);
        let mut text = format!("seed {}: {}\n", self.plan.seed, failure.unwrap_or_default());
        writeln!(text, "run it again: SIM_SEED={} make sim", self.plan.seed).unwrap();
        writeln!(text, "{:?}\nids {:?}", self.plan.weather, self.plan.ids).unwrap();
        writeln!(text, "the smallest run that fails: choices {:?}", self.choices).unwrap();
        for line in trace {
            writeln!(text, "  {line}").unwrap();
        }
        text
    }
}

/// Runs a seed; the report of a failure.
pub(crate) fn run_seed(seed: u64, broken: Broken) -> Result<u64, String> {
    let plan = Plan::of(seed, broken);
    let outcome = run(&plan, Choices::random(seed), false);
    if outcome.failure.is_none() {
        return Ok(outcome.steps);
    }
    let choices = outcome.choices.iter().map(|choice| choice.taken).collect();
    Err(Failing::shrink(&plan, choices).report())
}
