//! What happened, as callers saw it, and what it says about each id.

use analysis_storage::{Retention, SavedAt};
use jiff::Timestamp;

use crate::linear::{Needs, Step, Then, Value};
use crate::perform::{Asked, Came};
use crate::plan::Op;

/// One operation: when it was called, when it was answered, and with what.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) op: Op,
    asked: Asked,
    pub(crate) from: u64,
    /// When it ended.
    pub(crate) to: u64,
    /// When the last of its requests had arrived or was lost for good.
    settled: u64,
    /// How often it changed the document.
    effects: usize,
    pub(crate) came: Option<Came>,
}

impl Record {
    pub(crate) fn new(op: Op, asked: Asked) -> Self {
        Self { op, asked, from: 0, to: u64::MAX, settled: u64::MAX, effects: 0, came: None }
    }

    pub(crate) fn value(&self) -> Option<Value> {
        match self.op {
            Op::Save { value, .. } | Op::SaveNew { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Whether it may change what is stored under the id.
    fn changes(&self, id: usize) -> bool {
        self.op.id() == Some(id) && !matches!(self.op, Op::Load { .. })
    }

    /// Whether nobody knows what it has changed.
    fn is_unknown(&self) -> bool {
        let harmless = matches!(self.op, Op::Load { .. } | Op::List { .. } | Op::Stats);
        !harmless && matches!(self.came, None | Some(Came::Unknown))
    }

    /// Whether it has certainly changed nothing.
    fn is_refused(&self) -> bool {
        matches!(self.came, Some(Came::Refused | Came::NotFound | Came::InFlight))
    }

    /// Whether it leaves the index as it should be.
    fn heals(&self) -> bool {
        matches!(self.came, Some(Came::Saved(_) | Came::Deleted | Came::Repaired))
            && !matches!(self.op, Op::SaveNew { .. })
    }
}

/// What a reader of many ids saw of one of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sight {
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
    /// From here on all ids have been repaired.
    pub(crate) healed: u64,
}

impl History {
    pub(crate) fn new(now: i64, retention: Retention) -> Self {
        Self { records: Vec::new(), retention, times: vec![now], healed: u64::MAX }
    }

    pub(crate) fn retention(&self) -> Retention {
        self.retention
    }

    /// Whether an operation on the id has left it in an unknown state.
    pub(crate) fn needs_repair(&self, id: usize) -> bool {
        !self.is_sound(id, self.now())
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

    pub(crate) fn end(&mut self, task: usize, came: Option<Came>, now: i64) {
        self.step(now);
        let to = self.now();
        let record = &mut self.records[task];
        (record.came, record.to) = (came, to);
    }

    pub(crate) fn settle(&mut self, task: usize) {
        let now = self.now();
        let record = &mut self.records[task];
        if record.settled == u64::MAX {
            record.settled = now;
        }
    }

    pub(crate) fn affect(&mut self, task: usize) {
        self.records[task].effects += 1;
    }

    /// When an operation began.
    pub(crate) fn began(&self, task: usize) -> i64 {
        self.times[usize::try_from(self.records[task].from).unwrap()]
    }

    /// The first step at which something saved at this step is past its retention.
    fn over(&self, saved: u64) -> Option<u64> {
        let at = |step: u64| self.times[usize::try_from(step).unwrap().min(self.times.len() - 1)];
        let saved_at = SavedAt::from_micros(at(saved));
        let is_over =
            |now: &i64| self.retention.is_over(saved_at, Timestamp::from_microsecond(*now).unwrap());
        self.times.iter().position(is_over).map(|step| step as u64)
    }

    /// Whether nothing changes the id in this time, and nothing that nobody knows has been left behind before.
    fn is_undisturbed(&self, id: usize, from: u64, to: u64) -> bool {
        let beside = |r: &&Record| r.changes(id) && r.from <= to && r.settled >= from;
        !self.records.iter().any(|r| beside(&r)) && self.is_sound(id, from)
    }

    /// Whether whatever left the id in an unknown state before this step has been healed since.
    fn is_sound(&self, id: usize, at: u64) -> bool {
        let of_id = || self.records.iter().enumerate().filter(|(_, r)| r.changes(id));
        let unknown = of_id().filter(|(_, r)| r.is_unknown() && r.from < at).map(|(_, r)| r.settled).max();
        let Some(unknown) = unknown else { return true };
        at >= self.healed
            || of_id().any(|(index, healer)| {
                let alone = of_id()
                    .all(|(other, r)| other == index || r.settled < healer.from || r.from > healer.settled);
                healer.heals() && alone && healer.from > unknown && healer.settled < at
            })
    }

    /// Whether the id certainly held something all the time, though one save may have replaced it.
    fn is_present(&self, id: usize, from: u64, to: u64) -> bool {
        let of_id: Vec<&Record> =
            self.records.iter().filter(|r| r.changes(id) && r.from <= to && !r.is_refused()).collect();
        let mut beside = of_id.iter().filter(|r| r.settled >= from);
        let one_save = beside.by_ref().take(2).all(|r| matches!(r.came, Some(Came::Saved(_))))
            && of_id.iter().filter(|r| r.settled >= from).count() <= 1;
        let last = of_id.iter().filter(|r| r.settled < from).max_by_key(|r| r.from);
        let kept = |r: &Record| self.over(r.from).is_none_or(|over| over > to);
        one_save
            && !of_id.iter().any(|r| r.is_unknown())
            && last.is_some_and(|last| {
                let alone = of_id
                    .iter()
                    .all(|r| std::ptr::eq(*r, *last) || r.settled < last.from || r.settled >= from);
                matches!(last.came, Some(Came::Saved(_))) && alone && kept(last)
            })
    }

    /// Checks what a list or the totals said of one id; a sight to be explained if they are bound to be exact.
    pub(crate) fn judge(&self, task: usize, id: usize, seen: &[Value]) -> Result<Option<Sight>, String> {
        let Record { from, to, .. } = self.records[task];
        if seen.len() > 1 {
            return Err(format!("#{task} shows id {id} {} times: {seen:?}", seen.len()));
        }
        let value = seen.first().copied();
        if let Some(value) = value
            && !self.writers(value).any(|r| r.from < to && !r.is_refused())
        {
            return Err(format!("#{task} shows value {value} of id {id}, which was not saved"));
        }
        if value.is_none() && self.is_present(id, from, to) {
            return Err(format!("#{task} does not show id {id}, which was there throughout"));
        }
        Ok(self.is_undisturbed(id, from, to).then_some(Sight { from, to, value }))
    }

    fn writers(&self, value: Value) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |r| r.value() == Some(value))
    }

    /// Everything that happened to one id, to be put in an order.
    pub(crate) fn steps(&self, id: usize, sights: &[Sight]) -> Vec<Step> {
        let mut steps = Vec::new();
        for (index, record) in self.records.iter().enumerate().filter(|(_, r)| r.op.id() == Some(id)) {
            self.steps_of(index, record, &mut steps);
        }
        steps.extend(sights.iter().map(|Sight { from, to, value }| Step {
            from: *from,
            to: *to,
            must: true,
            needs: value.map_or(Needs::Absent, Needs::Is),
            then: Then::Keep,
        }));
        steps
    }

    fn steps_of(&self, index: usize, record: &Record, steps: &mut Vec<Step>) {
        let Record { from, to, settled, effects, .. } = *record;
        let mut push = |to, must, needs, then| steps.push(Step { from, to, must, needs, then });
        let wanted = needs(record.asked);
        let change = match record.value() {
            Some(value) => Then::Set(value, index),
            None if matches!(record.op, Op::Delete { .. }) => Then::Clear,
            None => Then::Keep,
        };
        match &record.came {
            Some(Came::Saved(saved)) => {
                push(to, true, if saved.created { Needs::Absent } else { wanted }, change);
            }
            Some(Came::Deleted) => push(to, true, Needs::Nothing, change),
            Some(Came::Refused) => push(to, true, refused(record.asked), Then::Keep),
            Some(Came::NotFound) => push(to, true, Needs::Absent, Then::Keep),
            Some(Came::Loaded(value)) => push(to, true, Needs::Is(*value), Then::Keep),
            _ => {}
        }
        // A request that was sent again, and the last one of an operation that got no answer, may have counted.
        let acknowledged = matches!(record.came, Some(Came::Saved(_) | Came::Deleted));
        let optional = if record.is_refused() { 0 } else { effects };
        for _ in usize::from(acknowledged)..optional {
            push(settled, false, wanted, change);
        }
        if let (Then::Set(..), Some(over)) = (change, self.over(from)) {
            steps.push(Step {
                from: over,
                to: u64::MAX,
                must: false,
                needs: Needs::By(index),
                then: Then::Clear,
            });
        }
    }

    /// Whether a value was seen that was past its retention before anybody looked.
    pub(crate) fn is_outlived(&self, value: Value, seen_from: u64) -> bool {
        let mut writers = self.writers(value).filter(|r| !r.is_refused()).peekable();
        writers.peek().is_some()
            && writers.all(|r| self.over(r.settled.min(self.now())).is_some_and(|over| over <= seen_from))
    }
}

fn needs(asked: Asked) -> Needs {
    match asked {
        Asked::Nothing => Needs::Nothing,
        Asked::Absent => Needs::Absent,
        Asked::Present => Needs::Present,
        Asked::Is(value) => Needs::Is(value),
    }
}

fn refused(asked: Asked) -> Needs {
    match asked {
        Asked::Nothing => Needs::Nothing,
        Asked::Absent => Needs::Present,
        Asked::Present => Needs::Absent,
        Asked::Is(value) => Needs::IsNot(value),
    }
}
