//! What happened, as callers saw it, and what it says about each id.
//!
//! What `docs/semantics.md` names under *Not promised* is tolerated here, and only that, on evidence of the very request
//! that did it:
//! - An operation without an acknowledgement that has changed a document or an entry leaves its id *unsound*: list and
//!   totals may be wrong about it, until an operation that had the id to itself, or the scheduled repair, has succeeded.
//!   They still agree with each other, unless it took longer than a marker is relied on, or began by a wrong clock: then
//!   its period may have been sealed without it.
//! - A conditional write of a document that takes effect beside the one that was acknowledged (a late create behind a
//!   delete, a late replace or delete of bytes that were saved back) is one more change, at the moment it landed.
//!   If it landed late it leaves the id unsound.
//! - A tag does not tell a document from one of the same bytes: what replaces one that is past its retention may replace
//!   those bytes saved back, and take itself for the first.
//! - Of two deletes of one tag both may succeed, if the one that did nothing has had no answer to an earlier try.
//! - A late entry that lands where its document has gone leaves the id unsound.

use std::collections::BTreeSet;

use analysis_storage::import::ImportOutcome;
use analysis_storage::{Retention, SavedAt};
use jiff::{SignedDuration, Timestamp};

use crate::linear::{Needs, Step, Then, Value};
use crate::perform::{Outcome, Request};
use crate::plan::Op;

/// How far a reader's idea of the bucket's time may be wrong.
const CLOCK_ERROR: SignedDuration = SignedDuration::from_secs(5);

/// A crashed operation that has taken no longer is counted as it is listed.
const COUNTED_WITHIN: SignedDuration = SignedDuration::from_mins(8);

/// A change of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effect {
    pub(crate) step: u64,
    /// Nobody waited for it any more.
    pub(crate) is_late: bool,
    pub(crate) is_conditional: bool,
    /// What was there, and when it had been saved.
    pub(crate) before: Option<(Option<Value>, SavedAt)>,
    /// The token of what was written; none for a delete.
    pub(crate) saved_at: Option<SavedAt>,
}

/// One operation: when it was called, when it was answered, and with what.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) op: Op,
    asked: Request,
    pub(crate) from: u64,
    /// When it ended.
    pub(crate) to: u64,
    /// When the last of its requests had arrived or was lost for good.
    settled: u64,
    /// How it changed the document.
    effects: Vec<Effect>,
    /// The ids whose document or entries it has changed.
    touched: BTreeSet<usize>,
    pub(crate) came: Option<Outcome>,
}

impl Record {
    pub(crate) fn new(op: Op, asked: Request) -> Self {
        let (effects, touched) = (Vec::new(), BTreeSet::new());
        Self { op, asked, from: 0, to: u64::MAX, settled: u64::MAX, effects, touched, came: None }
    }

    pub(crate) fn value(&self) -> Option<Value> {
        match self.op {
            Op::Save { value, .. } | Op::SaveNew { value, .. } | Op::Import { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Whether it may change what is stored under the id, or listed of it.
    fn changes(&self, id: usize) -> bool {
        match self.op {
            Op::Load { .. } => false,
            op => op.id().map_or_else(|| self.touched.contains(&id), |of| of == id),
        }
    }

    /// Whether nobody knows what it has changed of this id.
    fn is_unknown(&self, id: usize) -> bool {
        matches!(self.came, None | Some(Outcome::Unknown | Outcome::Failed)) && self.touched.contains(&id)
    }

    fn is_acknowledged(&self) -> bool {
        !matches!(self.came, None | Some(Outcome::Unknown))
    }

    /// From when on nothing more of it is to be expected. Of what was answered that is promised.
    fn end(&self) -> u64 {
        if self.is_acknowledged() { self.to } else { self.settled }
    }

    /// Whether it was told to have changed nothing.
    fn is_refused(&self) -> bool {
        matches!(
            self.came,
            Some(
                Outcome::Refused
                    | Outcome::NotFound
                    | Outcome::InFlight
                    | Outcome::Failed
                    | Outcome::Imported(ImportOutcome::Conflict | ImportOutcome::Unchanged)
            )
        )
    }

    /// Whether it was acknowledged to have stored its value.
    fn is_stored(&self) -> bool {
        matches!(
            self.came,
            Some(Outcome::Saved(_) | Outcome::Imported(ImportOutcome::Created | ImportOutcome::Replaced))
        )
    }

    /// Whether it may remove what is stored.
    fn deletes(&self) -> bool {
        matches!(self.op, Op::Delete { .. }) && (!self.is_refused() || !self.effects.is_empty())
    }

    /// Whether it leaves the index as it should be.
    fn heals(&self) -> bool {
        let is_new = matches!(self.op, Op::SaveNew { .. });
        self.is_stored() && !is_new || matches!(self.came, Some(Outcome::Deleted | Outcome::Repaired))
    }

    /// The effects that are not those of an acknowledged operation.
    fn is_beside(&self, index: usize, effect: &Effect) -> bool {
        let is_told = !self.is_refused() && effect.step <= self.to;
        effect.is_late && self.is_acknowledged() && (index > 0 || !is_told)
    }
}

/// What a reader of many ids saw of one of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) value: Option<Value>,
}

/// All operations of a run, by task, and the time at every step.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) records: Vec<Record>,
    retention: Retention,
    times: Vec<i64>,
    /// Late entries that mislead, by id.
    upsets: Vec<(usize, u64)>,
    /// From here on all ids have been repaired.
    pub(crate) healed: u64,
}

impl History {
    pub(crate) fn new(now: i64, retention: Retention) -> Self {
        Self { records: Vec::new(), retention, times: vec![now], upsets: Vec::new(), healed: u64::MAX }
    }

    pub(crate) fn retention(&self) -> Retention {
        self.retention
    }

    pub(crate) fn now(&self) -> u64 {
        self.times.len() as u64 - 1
    }

    pub(crate) fn step(&mut self, now: i64) {
        self.times.push(now);
    }

    pub(crate) fn begin(&mut self, record: Record, now: i64) {
        self.step(now);
        self.records.push(Record { from: self.now(), ..record });
    }

    pub(crate) fn end(&mut self, task: usize, came: Option<Outcome>, now: i64) {
        self.step(now);
        let to = self.now();
        let record = &mut self.records[task];
        (record.came, record.to) = (came, to);
    }

    pub(crate) fn prune_stale_entries(&mut self, task: usize) {
        let now = self.now();
        let record = &mut self.records[task];
        if record.settled == u64::MAX {
            record.settled = now;
        }
    }

    /// An operation has changed its document.
    pub(crate) fn affect(&mut self, task: usize, effect: Effect) {
        let step = self.now();
        let record = &mut self.records[task];
        record.effects.push(Effect { step, ..effect });
        record.touched.extend(record.op.id());
    }

    /// An operation has changed entries of an id.
    pub(crate) fn touch(&mut self, task: usize, id: usize) {
        self.records[task].touched.insert(id);
    }

    /// A late entry has landed behind a delete.
    pub(crate) fn upset(&mut self, id: usize) {
        self.upsets.push((id, self.now()));
    }

    fn time(&self, step: u64) -> Timestamp {
        let index = usize::try_from(step).unwrap_or(usize::MAX).min(self.times.len() - 1);
        Timestamp::from_microsecond(self.times[index]).unwrap()
    }

    /// The first step at which something with this token may seem to be past its retention.
    fn over(&self, saved_at: SavedAt) -> Option<u64> {
        let is_over = |step: &u64| self.retention.is_over(saved_at, self.time(*step) + CLOCK_ERROR);
        if self.retention == Retention::default() {
            return None;
        }
        (0..self.times.len() as u64).find(is_over)
    }

    /// The first step at which what an operation has written may seem to be past its retention.
    fn over_of(&self, record: &Record) -> Option<u64> {
        record.effects.iter().filter_map(|effect| self.over(effect.saved_at?)).min()
    }

    /// The same for the value that a condition names.
    fn over_at(&self, asked: Request) -> Option<u64> {
        let Request::Is(value) = asked else { return None };
        self.writers(value).filter_map(|record| self.over_of(record)).min()
    }

    /// Whether nothing changes the id in this time, and nothing that nobody knows has been left behind before.
    fn is_undisturbed(&self, id: usize, from: u64, to: u64) -> bool {
        let beside = |r: &Record| r.changes(id) && r.from <= to && r.end() >= from;
        !self.records.iter().any(beside) && self.is_sound(id, to)
    }

    /// When the id became unsound: one step for each cause.
    fn causes(&self, id: usize) -> impl Iterator<Item = (u64, u64)> {
        let of_id = self.records.iter().filter(move |r| r.changes(id));
        let unknown = of_id.clone().filter(move |r| r.is_unknown(id)).map(|r| (r.from, r.settled));
        let beside = of_id.flat_map(|r| {
            let beside = r.effects.iter().enumerate().filter(|(index, effect)| r.is_beside(*index, effect));
            beside.map(|(_, effect)| (effect.step, effect.step))
        });
        let upsets = self.upsets.iter().filter(move |(of, _)| *of == id).map(|(_, step)| (*step, *step));
        unknown.chain(beside).chain(upsets)
    }

    /// Whether whatever left the id in an unknown state before this step has been healed since.
    pub(crate) fn is_sound(&self, id: usize, at: u64) -> bool {
        let of_id = || self.records.iter().enumerate().filter(|(_, r)| r.changes(id));
        let Some(last) = self.causes(id).filter(|(from, _)| *from <= at).map(|(_, to)| to).max() else {
            return true;
        };
        at >= self.healed && last <= self.healed
            || of_id().any(|(index, healer)| {
                let alone =
                    of_id().all(|(other, r)| other == index || r.end() < healer.from || r.from > healer.to);
                healer.heals() && alone && healer.from > last && healer.to < at
            })
    }

    /// Whether list and totals agree on the id, if not on what they should say of it.
    pub(crate) fn is_counted_as_listed(&self, id: usize, has_right_clocks: bool) -> bool {
        let at = self.now();
        let took = |r: &Record| self.time(r.settled).duration_since(self.time(r.from));
        let is_quick = |r: &Record| took(r) < COUNTED_WITHIN;
        self.is_sound(id, at)
            || has_right_clocks && self.records.iter().filter(|r| r.changes(id)).all(is_quick)
    }

    /// Whether the id certainly held something all the time, whatever saves and repairs have replaced it, crashed or not.
    fn is_present(&self, id: usize, from: u64, to: u64) -> bool {
        let of_id = || self.records.iter().filter(|r| r.op.id() == Some(id) && r.from <= to);
        let kept = |r: &Record| self.over_of(r).is_none_or(|over| over > to);
        of_id().filter(|r| r.is_stored() && r.to < from).any(|stored| {
            let last = |r: &Record| r.effects.last().map_or(0, |effect| effect.step);
            let is_before = |r: &Record| r.end().max(last(r)) < stored.from;
            let undeleted = !of_id().any(|r| r.deletes() && !is_before(r));
            let replacing = of_id().filter(|r| r.value().is_some() && !is_before(r));
            undeleted && kept(stored) && replacing.into_iter().all(kept)
        })
    }

    /// Checks what a list or the totals said of one id; a reading to be explained if they are bound to be exact.
    pub(crate) fn judge(&self, task: usize, id: usize, seen: &[Value]) -> Result<Option<Reading>, String> {
        let Record { from, to, .. } = self.records[task];
        if seen.len() > 1 {
            return Err(format!("#{task} shows id {id} {} times: {seen:?}", seen.len()));
        }
        let value = seen.first().copied();
        if let Some(value) = value
            && !self.writers(value).any(|r| r.from < to)
        {
            return Err(format!("#{task} shows value {value} of id {id}, which was not saved"));
        }
        if value.is_none() && self.is_present(id, from, to) {
            return Err(format!("#{task} does not show id {id}, which was there throughout"));
        }
        Ok(self.is_undisturbed(id, from, to).then_some(Reading { from, to, value }))
    }

    /// The operations that may have stored a value.
    fn writers(&self, value: Value) -> impl Iterator<Item = &Record> {
        let wrote = |r: &&Record| !r.is_refused() || !r.effects.is_empty();
        self.records.iter().filter(move |r| r.value() == Some(value)).filter(wrote)
    }

    /// Everything that happened to one id, to be put in an order.
    pub(crate) fn steps(&self, id: usize, readings: &[Reading]) -> Vec<Step> {
        let mut steps = Vec::new();
        for (index, record) in self.records.iter().enumerate().filter(|(_, r)| r.op.id() == Some(id)) {
            self.steps_of(index, record, &mut steps);
        }
        steps.extend(readings.iter().map(|Reading { from, to, value }| Step {
            from: *from,
            to: *to,
            must: true,
            needs: value.map_or(Needs::Absent, Needs::Is),
            then: Then::Keep,
        }));
        steps
    }

    fn steps_of(&self, index: usize, record: &Record, steps: &mut Vec<Step>) {
        let Record { from, to, asked, .. } = *record;
        let change = match record.value() {
            Some(value) => Then::Set(value, index),
            None if matches!(record.op, Op::Delete { .. }) => Then::Clear,
            None => Then::Keep,
        };
        let must = self.told(record, change);
        steps.extend(must.map(|(needs, then)| Step { from, to, must: true, needs, then }));
        for (nth, effect) in record.effects.iter().enumerate() {
            let may_count = if record.is_refused() {
                effect.is_late && effect.is_conditional
            } else {
                effect.is_conditional || nth == 0 && !record.is_acknowledged()
            };
            let needs = self.needs_of(effect).filter(|needs| may_count && allows(asked, *needs));
            let pinned =
                |needs| Step { from: effect.step, to: effect.step, must: false, needs, then: change };
            steps.extend(needs.map(pinned));
        }
        if let (Then::Set(..), Some(over)) = (change, self.over_of(record)) {
            let (to, needs) = (u64::MAX, Needs::By(index));
            steps.push(Step { from: over, to, must: false, needs, then: Then::Clear });
        }
    }

    /// What an operation was told: what must have been there, and what it has changed.
    fn told(&self, record: &Record, change: Then) -> Option<(Needs, Then)> {
        let Record { to, asked, .. } = *record;
        match &record.came {
            Some(came)
                if came.is_creation() && record.effects.iter().any(|effect| self.is_saved_back(effect)) =>
            {
                Some((Needs::Nothing, change))
            }
            Some(Outcome::Saved(saved)) => {
                Some((if saved.created { Needs::Absent } else { needs(asked) }, change))
            }
            Some(Outcome::Imported(outcome)) => Some(imported(*outcome, record.value(), change)),
            // What is past its retention is deleted, too.
            Some(Outcome::Deleted) if self.over_at(asked).is_some_and(|over| over <= to) => {
                Some((Needs::Nothing, change))
            }
            // It was seen, and somebody else has deleted it behind an answer that was lost.
            Some(Outcome::Deleted) if record.effects.is_empty() => Some((Needs::Absent, Then::Keep)),
            Some(Outcome::Deleted) => Some((needs(asked), change)),
            Some(Outcome::Refused) => Some((refused(asked), Then::Keep)),
            Some(Outcome::NotFound) => Some((Needs::Absent, Then::Keep)),
            Some(Outcome::Loaded(value)) => Some((Needs::Is(*value), Then::Keep)),
            _ => None,
        }
    }

    /// What was there when a document was changed; none if nobody has saved it.
    fn needs_of(&self, effect: &Effect) -> Option<Needs> {
        match effect.before {
            None => Some(Needs::Absent),
            Some((_, saved_at)) if self.over(saved_at).is_some_and(|over| over <= effect.step) => {
                Some(Needs::Nothing)
            }
            Some((value, _)) => value.map(Needs::Is),
        }
    }

    /// Whether it replaced bytes that had been there until they were past their retention, and were saved back since.
    fn is_saved_back(&self, effect: &Effect) -> bool {
        let Some((Some(value), _)) = effect.before else { return false };
        let tokens = self.writers(value).flat_map(|record| &record.effects).filter_map(|e| e.saved_at);
        tokens.filter_map(|saved_at| self.over(saved_at)).any(|over| over <= effect.step)
    }

    /// Whether a value was seen that was past its retention before anybody looked.
    pub(crate) fn is_outlived(&self, value: Value, seen_from: u64) -> bool {
        let now = self.time(seen_from) - CLOCK_ERROR;
        let mut tokens = self.writers(value).flat_map(|r| &r.effects).filter_map(|e| e.saved_at).peekable();
        tokens.peek().is_some() && tokens.all(|saved_at| self.retention.is_over(saved_at, now))
    }
}

/// What an import says of what was there, and what it changes.
fn imported(outcome: ImportOutcome, value: Option<Value>, change: Then) -> (Needs, Then) {
    match outcome {
        ImportOutcome::Created => (Needs::Absent, change),
        ImportOutcome::Replaced => (Needs::Present, change),
        ImportOutcome::Unchanged => (value.map_or(Needs::Present, Needs::Is), Then::Keep),
        ImportOutcome::Conflict => (Needs::Present, Then::Keep),
    }
}

/// Whether what was asked for holds where this is there.
fn allows(asked: Request, there: Needs) -> bool {
    match asked {
        Request::Nothing => true,
        Request::Absent => there != Needs::Present && !matches!(there, Needs::Is(_)),
        Request::Present => there != Needs::Absent,
        Request::Is(value) => matches!(there, Needs::Is(is) if is == value) || there == Needs::Nothing,
    }
}

fn needs(asked: Request) -> Needs {
    match asked {
        Request::Nothing => Needs::Nothing,
        Request::Absent => Needs::Absent,
        Request::Present => Needs::Present,
        Request::Is(value) => Needs::Is(value),
    }
}

fn refused(asked: Request) -> Needs {
    match asked {
        Request::Nothing => Needs::Nothing,
        Request::Absent => Needs::Present,
        Request::Present => Needs::Absent,
        Request::Is(value) => Needs::IsNot(value),
    }
}
