//! What must hold when everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use analysis_storage::{AnalysisId, Entry, Key, Layout, Retention, Stats};

use jiff::SignedDuration;

use crate::engine::Engine;
use crate::history::Reading;
use crate::linear::{Value, is_explained};
use crate::perform::Outcome;
use crate::plan::{Op, id_of, value_of};
use crate::run::midnight_after;

const MINUTE: i64 = 60_000_000;

/// The very bytes may have been written again, with another token: by a late request, or by a save that crashed.
const SAVED_BACK: SignedDuration = SignedDuration::from_mins(2);

type Check = Result<(), String>;

/// Reads, lets the scheduled repair mend what crashed operations and late requests have left behind, reads everything,
/// lets a day go by and reads again.
///
/// Before the repair, list and totals must agree but for ids that nobody can vouch for; after it they must be exact.
pub(crate) fn at_rest(engine: &mut Engine) -> Check {
    list_and_totals_agree(engine)?;
    engine.jump(16 * MINUTE);
    list_and_totals_agree(engine)?;
    repair(engine)?;
    index_is_exact(engine)?;
    let known: Vec<usize> = (0..engine.ids.len()).filter(|id| engine.ids[*id].is_some()).collect();
    for id in known {
        engine.run_alone(Op::Load { id });
    }
    engine.run_alone(Op::List { limit: 2 });
    engine.run_alone(Op::Stats);
    engine.jump(16 * MINUTE);
    engine.run_alone(Op::Stats);
    let tomorrow = midnight_after(engine.world.time.micros()) - engine.world.time.micros();
    engine.jump(tomorrow + 120 * MINUTE);
    for _ in 0..2 {
        engine.run_alone(Op::Stats);
    }
    engine.run_alone(Op::List { limit: 1000 });
    no_marker_is_left(engine)?;
    history_is_explained(engine)
}

/// What crashed operations have left behind is counted as it is listed, unless its period was sealed meanwhile.
fn list_and_totals_agree(engine: &mut Engine) -> Check {
    let tasks = [engine.run_alone(Op::List { limit: 1000 }), engine.run_alone(Op::Stats)];
    let [listed, counted] = tasks.map(|task| seen(engine.history.records[task].came.as_ref()));
    let right = engine.has_right_clocks();
    let sound = |seen: Option<BTreeMap<usize, Vec<Value>>>| {
        let mut seen = seen.unwrap_or_default();
        seen.retain(|id, _| engine.history.is_counted_as_listed(*id, right));
        seen
    };
    match (sound(listed?), sound(counted?)) {
        (listed, counted) if listed == counted => Ok(()),
        (listed, counted) => Err(format!("at rest, the list shows {listed:?}, and the totals {counted:?}")),
    }
}

/// The scheduled repair of all months.
fn repair(engine: &mut Engine) -> Check {
    let task = engine.run_alone(Op::Maintain);
    engine.history.healed = engine.history.now();
    match &engine.history.records[task].came {
        Some(Outcome::Maintained) => Ok(()),
        other => Err(format!("the repair failed: {other:?}")),
    }
}

/// The id of the document at this key.
fn id_of_document(key: &Key) -> Option<AnalysisId> {
    let name = key.as_str().rsplit('/').next()?.strip_suffix(".json")?;
    AnalysisId::from_stored(name).ok()
}

/// The index holds one entry for each document that readers see, of the same save, and none for others.
fn index_is_exact(engine: &Engine) -> Check {
    let (world, layout) = (&engine.world, Layout::new(""));
    let now = world.time.timestamp();
    let retention: Retention = engine.history.retention();
    let mut entries: BTreeMap<AnalysisId, Vec<Entry>> = BTreeMap::new();
    for entry in world.keys(&layout.index()).iter().filter_map(|key| layout.parse_entry(key)) {
        if !retention.is_over(entry.saved_at, now) {
            entries.entry(entry.id.clone()).or_default().push(entry);
        }
    }
    for key in world.keys("analysis/") {
        let id = id_of_document(&key).ok_or_else(|| format!("a document that nobody saved: {key}"))?;
        let meta = world.meta(&key).expect("it was listed just now");
        let of_id = entries.remove(&id).unwrap_or_default();
        let stands_for = |entry: &&Entry| {
            let apart = entry.saved_at.timestamp().duration_since(meta.last_modified).abs();
            entry.saved_at == meta.saved_at || Some(entry.token) == meta.token && apart <= SAVED_BACK
        };
        let current: Vec<_> = of_id.iter().filter(stands_for).collect();
        let expected = usize::from(!retention.is_over(meta.saved_at, now));
        if (current.len(), of_id.len()) != (expected, expected) {
            return Err(format!("{key} of {} has other entries at rest: {of_id:?}", meta.saved_at.micros()));
        }
    }
    match entries.into_iter().next() {
        Some((id, entries)) => Err(format!("id {id} has entries without a document at rest: {entries:?}")),
        None => Ok(()),
    }
}

fn no_marker_is_left(engine: &Engine) -> Check {
    match engine.world.keys("metadata/dirty/").first() {
        Some(marker) => Err(format!("{marker} is left, though its period has been counted since")),
        None => Ok(()),
    }
}

fn history_is_explained(engine: &Engine) -> Check {
    let history = &engine.history;
    let ids: BTreeSet<usize> = history.records.iter().filter_map(|record| record.op.id()).collect();
    let mut readings: BTreeMap<usize, Vec<Reading>> = BTreeMap::new();
    for (task, record) in history.records.iter().enumerate() {
        if let Some(Outcome::Wrong(what)) = &record.came {
            return Err(format!("#{task}: {what}"));
        }
        let Some(seen) = seen(record.came.as_ref())? else { continue };
        for id in &ids {
            let values = seen.get(id).map_or(&[][..], Vec::as_slice);
            if let Some(outlived) = values.iter().find(|value| history.is_outlived(**value, record.from)) {
                return Err(format!("#{task} shows value {outlived}, which is past its retention"));
            }
            let is_reader = record.op.id().is_none();
            if let Some(reading) = is_reader.then(|| history.judge(task, *id, values)).transpose()?.flatten()
            {
                readings.entry(*id).or_default().push(reading);
            }
        }
    }
    for id in ids {
        let steps = history.steps(id, readings.get(&id).map_or(&[], Vec::as_slice));
        if !is_explained(&steps) {
            return Err(format!("no order of changes explains what was seen of id {id}: {steps:#?}"));
        }
    }
    Ok(())
}

/// The values that an operation showed, by id.
fn seen(came: Option<&Outcome>) -> Result<Option<BTreeMap<usize, Vec<Value>>>, String> {
    let values = match came {
        Some(Outcome::Loaded(value)) => vec![*value],
        Some(Outcome::Listed(entries)) => listed(entries)?,
        Some(Outcome::Counted(stats)) => counted(stats)?,
        _ => return Ok(None),
    };
    let mut seen: BTreeMap<usize, Vec<Value>> = BTreeMap::new();
    for value in values {
        seen.entry(id_of(value)).or_default().push(value);
    }
    Ok(Some(seen))
}

fn listed(entries: &[Entry]) -> Result<Vec<Value>, String> {
    let sorted = entries.is_sorted_by(|a, b| (b.created_at, &a.id) < (a.created_at, &b.id));
    if !sorted {
        return Err(format!("a walk is out of order or repeats itself: {entries:?}"));
    }
    let value = |entry: &Entry| value_of(entry.summary.status.as_str());
    entries.iter().map(|entry| value(entry).ok_or_else(|| format!("not one of ours: {entry:?}"))).collect()
}

/// The values that the totals count; all figures must agree on them.
fn counted(stats: &Stats) -> Result<Vec<Value>, String> {
    let mut values = Vec::new();
    let mut by_id: BTreeMap<String, u64> = BTreeMap::new();
    for (status, count) in &stats.statuses {
        let value = value_of(status).ok_or_else(|| format!("not one of ours: {status}"))?;
        *by_id.entry(format!("i{}", id_of(value))).or_default() += count;
        for _ in 0..*count {
            values.push(value);
        }
    }
    let size: u64 = values.iter().map(|value| crate::plan::document(*value).size()).sum();
    let total = values.len() as u64;
    let agree = by_id == stats.implementations_used
        && (total, size) == (stats.total_analyses, stats.total_size_bytes)
        && stats.by_month.values().sum::<u64>() == total;
    if agree { Ok(values) } else { Err(format!("totals that contradict themselves: {stats:?}")) }
}
