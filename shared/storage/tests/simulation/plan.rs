//! What a run does: a few operations on a few ids, and the weather they run in.

use std::fmt;

use analysis_storage::testing::Mutant;
use analysis_storage::{AnalysisId, CreatedAt, Document};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::linear::Value;
use crate::random::Random;
use crate::world::Ticks;

/// Values of one id are numbered from this multiple of its index on, so that a value tells its id.
const VALUES_PER_ID: u32 = 100;

/// A condition on a save or delete, to be put in terms of what is known when it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Wish {
    None,
    Absent,
    Present,
    /// The tag of the latest acknowledged save.
    Latest,
}

/// One operation. Ids are indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    SaveNew { id: usize, value: Value },
    Save { id: usize, value: Value, wish: Wish },
    Delete { id: usize, wish: Wish },
    Load { id: usize },
    Repair { id: usize },
    List { limit: usize },
    Stats,
}

impl Op {
    pub(crate) fn id(self) -> Option<usize> {
        match self {
            Self::SaveNew { id, .. }
            | Self::Save { id, .. }
            | Self::Delete { id, .. }
            | Self::Load { id }
            | Self::Repair { id } => Some(id),
            Self::List { .. } | Self::Stats => None,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Some time that goes by, in minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jump {
    By(i64),
    /// To a time of the next day.
    Tomorrow(i64),
    /// Until what is saved now is past its retention.
    Retention,
}

const JUMPS: [Jump; 17] = [
    Jump::By(1),
    Jump::By(2),
    Jump::By(4),
    Jump::By(6),
    Jump::By(8),
    Jump::By(8),
    Jump::By(16),
    Jump::By(31),
    Jump::By(61),
    Jump::By(24 * 60),
    Jump::Tomorrow(-5),
    Jump::Tomorrow(0),
    Jump::Tomorrow(29),
    Jump::Tomorrow(31),
    Jump::Tomorrow(59),
    Jump::Tomorrow(61),
    Jump::Retention,
];

/// The weather of a run.
#[derive(Debug, Clone)]
pub(crate) struct Weather {
    pub(crate) processes: usize,
    /// How many operations run at once.
    pub(crate) concurrent: usize,
    pub(crate) retention: u32,
    /// How often a request succeeds, is refused, has an effect without an answer.
    pub(crate) faults: [u32; 3],
    /// How often an operation crashes.
    pub(crate) crash: u32,
    /// How often time goes by.
    pub(crate) jump: u32,
    /// How much time goes by at once.
    pub(crate) jumps: Vec<Jump>,
    /// The most keys of a listing.
    pub(crate) page: usize,
    pub(crate) start: Timestamp,
    pub(crate) ticks: Ticks,
    pub(crate) mutant: Option<Mutant>,
}

/// A run but for its schedule.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) weather: Weather,
    pub(crate) ids: Vec<AnalysisId>,
    pub(crate) ops: Vec<Op>,
}

/// What is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Broken {
    pub(crate) rule: Option<Mutant>,
    pub(crate) shared_saved_at: bool,
}

impl Plan {
    pub(crate) fn of(seed: u64, broken: Broken) -> Self {
        let mut random = Random::new(seed);
        let mut weather = Weather::of(&mut random, broken);
        let count = random.one_of(&[1, 1, 1, 2, 3, 5]);
        let past = random.below(3) == 0;
        if past {
            weather.hurry(&mut random);
        }
        let ids: Vec<AnalysisId> = (0..count).map(|n| id(n, past, &weather, &mut random)).collect();
        let repeats = random.below(4) == 0;
        // Few kinds of operation in one run meet each other more often than many.
        let mut mix = [(); 7].map(|()| random.one_of(&[0, 0, 1, 2, 6]));
        mix[0] = mix[0].max(2);
        if past {
            mix = [4, random.one_of(&[0, 2]), 0, 0, 0, 0, 6];
        }
        let length = if past { 2 + random.below(8) } else { 4 + random.below(20) };
        let ops = (0..length).map(|n| op(n, &ids, mix, repeats, &mut random)).collect();
        Self { seed, weather, ids, ops }
    }
}

impl Weather {
    fn of(random: &mut Random, broken: Broken) -> Self {
        let start: Timestamp = "2026-01-15T00:00:00Z".parse().unwrap();
        let minutes = random.one_of(&[12 * 60, 20, 31, 55, 23 * 60 + 50, 23 * 60 + 58]);
        Self {
            processes: 1 + random.below(3),
            concurrent: 1 + random.below(5),
            retention: random.one_of(&[0, 0, 1, 3]),
            faults: random.one_of(&[[1, 0, 0], [1, 0, 0], [50, 1, 1], [10, 1, 2], [4, 1, 1]]),
            crash: random.one_of(&[0, 0, 1, 5]),
            jump: random.one_of(&[0, 5, 20, 80]),
            jumps: (0..=random.below(3)).map(|_| random.one_of(&JUMPS)).collect(),
            page: random.one_of(&[3, 1000, 1000]),
            start: start + SignedDuration::from_mins(minutes),
            ticks: if broken.shared_saved_at { Ticks::Shared } else { Ticks::Unique },
            mutant: broken.rule,
        }
    }
}

impl Weather {
    /// Slow operations on past days: what markers and sealed totals have to stand.
    fn hurry(&mut self, random: &mut Random) {
        self.jumps = vec![Jump::By(random.one_of(&[6, 8])), Jump::By(random.one_of(&[1, 8, 16]))];
        self.jump = 80;
        self.concurrent = 2 + random.below(2);
        self.retention = 0;
        if random.below(4) > 0 {
            self.faults = [1, 0, 0];
        }
    }
}

/// A named id, or a `UUIDv7` that its client has dated to some day.
fn id(n: usize, past: bool, weather: &Weather, random: &mut Random) -> AnalysisId {
    if !past && random.below(2) == 0 {
        return AnalysisId::from_stored(&format!("study-{n}")).unwrap();
    }
    let day = 24 * 60;
    let ages = if past { [day, day, 2 * day] } else { [-4, 0, 60] };
    let age = random.one_of(&ages);
    let created_at = CreatedAt::clamped(weather.start - SignedDuration::from_mins(age));
    AnalysisId::generate(created_at, [random.next(), random.next()])
}

fn op(n: usize, ids: &[AnalysisId], mix: [u32; 7], repeats: bool, random: &mut Random) -> Op {
    let id = random.below(ids.len());
    let value = |id: usize, n: usize| u32::try_from(id).unwrap() * VALUES_PER_ID + u32::try_from(n).unwrap();
    let number = if repeats { random.below(2) } else { n };
    let wish = random.one_of(&[
        Wish::None,
        Wish::None,
        Wish::None,
        Wish::None,
        Wish::Absent,
        Wish::Present,
        Wish::Latest,
    ]);
    let matching = random.one_of(&[Wish::None, Wish::None, Wish::Latest]);
    let pool = [
        Op::Save { id, value: value(id, number), wish },
        Op::Delete { id, wish: matching },
        Op::Load { id },
        Op::List { limit: 1 + random.below(3) },
        Op::SaveNew { id: ids.len() + n, value: value(ids.len() + n, 0) },
        Op::Repair { id },
        Op::Stats,
    ];
    let kinds: Vec<usize> = (0..pool.len()).flat_map(|k| vec![k; mix[k] as usize]).collect();
    pool[random.one_of(&kinds)]
}

/// The id that a value belongs to.
pub(crate) fn id_of(value: Value) -> usize {
    (value / VALUES_PER_ID) as usize
}

/// The document with this value.
pub(crate) fn document(value: Value) -> Document {
    let id = id_of(value);
    let seconds = f64::from(value % 7) / 2.0;
    let text =
        format!(r#"{{"implementation":"i{id}","status":"v{value}","execution_time":{seconds},"n":{value}}}"#);
    Document::parse(Bytes::from(text)).unwrap()
}

/// The value of a document with this status.
pub(crate) fn value_of(status: &str) -> Option<Value> {
    status.strip_prefix('v')?.parse().ok()
}
