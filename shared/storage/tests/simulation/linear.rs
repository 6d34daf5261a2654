//! Whether what was seen of one id can be explained by changes that happened one after the other, each between
//! its call and its answer (Herlihy and Wing, "Linearizability", 1990).

use std::collections::HashSet;

/// The content of a document, as a number.
pub(crate) type Value = u32;

/// What must hold when a step happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    Absent,
    Present,
    Is(Value),
    IsNot(Value),
    /// What is there was written by this operation.
    By(usize),
}

/// What a step changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Keep,
    /// The value, and the operation that wrote it.
    Set(Value, usize),
    Clear,
}

/// One thing that happened, or may have happened, to one id at some time between two points.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Otherwise it may never have happened.
    pub(crate) must: bool,
    pub(crate) needs: Needs,
    pub(crate) then: Then,
}

type State = Option<(Value, usize)>;

impl Step {
    fn is_possible(&self, state: State) -> bool {
        match self.needs {
            Needs::Nothing => true,
            Needs::Absent => state.is_none(),
            Needs::Present => state.is_some(),
            Needs::Is(value) => state.is_some_and(|(is, _)| is == value),
            Needs::IsNot(value) => state.is_none_or(|(is, _)| is != value),
            Needs::By(writer) => state.is_some_and(|(_, by)| by == writer),
        }
    }

    fn after(&self, state: State) -> State {
        match self.then {
            Then::Keep => state,
            Then::Set(value, writer) => Some((value, writer)),
            Then::Clear => None,
        }
    }
}

/// Whether the steps fit into one order that respects their times.
pub(crate) fn is_explained(steps: &[Step]) -> bool {
    assert!(steps.len() <= 128, "too many operations on one id to be checked: {}", steps.len());
    Search { steps, seen: HashSet::new() }.goes_on(0, None)
}

struct Search<'a> {
    steps: &'a [Step],
    seen: HashSet<(u128, State)>,
}

impl Search<'_> {
    fn goes_on(&mut self, placed: u128, state: State) -> bool {
        if !self.seen.insert((placed, state)) {
            return false;
        }
        let open = |index: usize| placed & (1 << index) == 0;
        let Some(limit) =
            self.steps.iter().enumerate().filter(|(i, s)| s.must && open(*i)).map(|(_, s)| s.to).min()
        else {
            return true;
        };
        let placed_from = |(i, s): (usize, &Step)| (!open(i)).then_some(s.from);
        let latest = self.steps.iter().enumerate().filter_map(placed_from).max().unwrap_or_default();
        let next: Vec<usize> = (0..self.steps.len())
            .filter(|i| open(*i))
            .filter(|i| self.steps[*i].from <= limit && self.steps[*i].to >= latest)
            .filter(|i| self.steps[*i].is_possible(state))
            .collect();
        // A step that changes nothing can go first, if that rules out none of the others.
        let earliest_end = self.steps.iter().enumerate().filter(|(i, _)| open(*i)).map(|(_, s)| s.to).min();
        let free = |i: &usize| {
            let step = &self.steps[*i];
            step.then == Then::Keep && earliest_end.is_none_or(|end| end >= step.from)
        };
        if let Some(first) = next.iter().copied().find(free) {
            return self.goes_on(placed | 1 << first, state);
        }
        next.into_iter().any(|i| self.goes_on(placed | 1 << i, self.steps[i].after(state)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: u64, to: u64, needs: Needs, then: Then) -> Step {
        Step { from, to, must: true, needs, then }
    }

    #[test]
    fn a_read_sees_the_last_write_before_it_or_one_beside_it() {
        let first = step(0, 1, Needs::Nothing, Then::Set(1, 0));
        let second = step(2, 9, Needs::Nothing, Then::Set(2, 1));
        let read = |from, to, value| step(from, to, Needs::Is(value), Then::Keep);
        assert!(is_explained(&[first, second, read(3, 4, 1), read(5, 6, 2), read(10, 11, 2)]));
        assert!(!is_explained(&[first, second, read(3, 4, 2), read(5, 6, 1)]));
        assert!(!is_explained(&[first, second, read(10, 11, 1)]));
        let absent = step(3, 4, Needs::Absent, Then::Keep);
        assert!(!is_explained(&[first, second, absent]));
    }

    #[test]
    fn a_write_without_an_answer_may_have_happened_or_not() {
        let first = step(0, 1, Needs::Nothing, Then::Set(1, 0));
        let lost = Step { must: false, ..step(2, u64::MAX, Needs::Nothing, Then::Set(2, 1)) };
        for value in [1, 2] {
            assert!(is_explained(&[first, lost, step(5, 6, Needs::Is(value), Then::Keep)]));
        }
    }

    #[test]
    fn only_one_create_succeeds() {
        let create = |writer| step(0, 5, Needs::Absent, Then::Set(1, writer));
        assert!(is_explained(&[create(0)]));
        assert!(!is_explained(&[create(0), create(1)]));
    }
}
