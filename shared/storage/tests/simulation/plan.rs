//! What a run does: a few operations on a few ids, and the faults they run in.

use std::fmt;

use analysis_storage::testing::{Lax, Mutant};
use analysis_storage::{AnalysisId, CreatedAt, Document};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::linear::Value;
use crate::random::Random;
use crate::world::host::{Ticks, Wrong};

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
    SaveNew {
        id: usize,
        value: Value,
    },
    Save {
        id: usize,
        value: Value,
        wish: Wish,
    },
    Delete {
        id: usize,
        wish: Wish,
    },
    Load {
        id: usize,
    },
    Repair {
        id: usize,
    },
    /// With a creation time, in milliseconds.
    Import {
        id: usize,
        value: Value,
        created: i64,
        replace: bool,
    },
    /// The scheduled repair of all months, and a recount.
    Maintain,
    List {
        limit: usize,
    },
    Stats,
}

impl Op {
    pub(crate) fn id(self) -> Option<usize> {
        match self {
            Self::SaveNew { id, .. }
            | Self::Save { id, .. }
            | Self::Delete { id, .. }
            | Self::Load { id }
            | Self::Import { id, .. }
            | Self::Repair { id } => Some(id),
            Self::List { .. } | Self::Stats | Self::Maintain => None,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Some time that goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jump {
    Seconds(i64),
    Minutes(i64),
    /// To so many minutes after the next midnight.
    Tomorrow(i64),
    /// To so many minutes after the next full hour.
    Hour(i64),
    /// Until what is saved now is past its retention.
    Retention,
}

const JUMPS: [Jump; 22] = [
    Jump::Seconds(3),
    Jump::Seconds(20),
    Jump::Seconds(50),
    Jump::Minutes(1),
    Jump::Minutes(2),
    Jump::Minutes(4),
    Jump::Minutes(6),
    Jump::Minutes(8),
    Jump::Minutes(10),
    Jump::Minutes(16),
    Jump::Minutes(31),
    Jump::Minutes(61),
    Jump::Minutes(24 * 60),
    Jump::Tomorrow(-5),
    Jump::Tomorrow(0),
    Jump::Tomorrow(29),
    Jump::Tomorrow(61),
    Jump::Hour(0),
    Jump::Hour(29),
    Jump::Hour(31),
    Jump::Hour(59),
    Jump::Retention,
];

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;

/// How wrong a clock is, or is set at once.
const AHEAD: [i64; 9] =
    [0, 0, SECOND / 2, -40 * SECOND, -HOUR, 31 * 60 * SECOND, -61 * 60 * SECOND, 8 * HOUR, -8 * HOUR];

/// The faults of a run.
#[derive(Debug, Clone)]
pub(crate) struct FaultProfile {
    pub(crate) processes: usize,
    /// How many operations run at once.
    pub(crate) concurrent: usize,
    pub(crate) retention: u32,
    /// How often a request succeeds, is refused, vanishes, has an effect without an answer, comes late.
    pub(crate) faults: [u32; 5],
    /// How often the bucket refuses everything for some minutes.
    pub(crate) storm: u32,
    /// How often an operation crashes.
    pub(crate) crash: u32,
    /// How often a process is suspended.
    pub(crate) suspend: u32,
    /// How often a clock is set.
    pub(crate) set: u32,
    /// Whether clocks are wrong from the first.
    pub(crate) wrong: bool,
    /// How often time goes by.
    pub(crate) jump: u32,
    /// How much time goes by at once.
    pub(crate) jumps: Vec<Jump>,
    /// The most keys of a listing.
    pub(crate) page: usize,
    pub(crate) start: Timestamp,
    pub(crate) ticks: Ticks,
    pub(crate) broken: Broken,
}

/// A run but for its schedule.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) faults: FaultProfile,
    pub(crate) ids: Vec<AnalysisId>,
    pub(crate) ops: Vec<Op>,
}

/// What is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Broken {
    pub(crate) rule: Option<Mutant>,
    pub(crate) lax: Option<Lax>,
    pub(crate) shared_saved_at: bool,
}

impl Broken {
    /// Whether only totals of past periods show it.
    fn is_of_totals(self) -> bool {
        let rules = [Mutant::NoMarker, Mutant::SnapshotBeforeMarkers, Mutant::AgeAtDeletion];
        self.rule.is_some_and(|rule| rules.contains(&rule))
            || matches!(self.lax, Some(Lax::Totals | Lax::Markers))
    }
}

impl Plan {
    pub(crate) fn from_seed(seed: u64, broken: Broken) -> Self {
        let mut random = Random::new(seed);
        let mut faults = FaultProfile::new(&mut random, broken);
        let count = random.one_of(&[1, 1, 1, 2, 3, 5]);
        let past = random.below(3) == 0 || broken.is_of_totals();
        if past {
            faults.hurry(&mut random);
        }
        let ids: Vec<AnalysisId> = (0..count).map(|n| id(n, past, &faults, &mut random)).collect();
        let repeats = random.below(4) == 0;
        // Few kinds of operation in one run meet each other more often than many.
        let mut mix = [(); 9].map(|()| random.one_of(&[0, 0, 1, 2, 6]));
        mix[0] = mix[0].max(2);
        mix[8] = random.one_of(&[0, 0, 1]);
        if past {
            let [deletes, imports, new] = [[0, 2], [0, 3], [0, 1]].map(|of| random.one_of(&of));
            mix = [4, deletes, 0, 0, new, 0, 6, imports, 0];
        }
        let length = if past { 2 + random.below(8) } else { 4 + random.below(20) };
        let ops = (0..length).map(|n| op(n, &ids, mix, repeats, faults.start, &mut random)).collect();
        Self { seed, faults, ids, ops }
    }
}

impl FaultProfile {
    fn new(random: &mut Random, broken: Broken) -> Self {
        let midnight: Timestamp = "2026-01-15T00:00:00Z".parse().unwrap();
        // Also at the end of a month.
        let day = random.one_of(&[0, 0, 0, 17]) * 24 * 60;
        let minutes = random.one_of(&[12 * 60 + 7, 20, 31, 55, 90, 11 * 60 + 58, 23 * 60 + 50, 23 * 60 + 58]);
        let retention = random.one_of(&[0, 0, 0, 1, 3]);
        let rough = retention == 0 && !broken.shared_saved_at;
        Self {
            processes: 1 + random.below(3),
            concurrent: 1 + random.below(5),
            retention,
            faults: random.one_of(&[
                [1, 0, 0, 0, 0],
                [1, 0, 0, 0, 0],
                [50, 1, 1, 1, 1],
                [10, 1, 1, 1, 2],
                [4, 0, 0, 1, 2],
                [4, 1, 0, 0, 0],
            ]),
            storm: random.one_of(&[0, 0, 0, 2]),
            crash: random.one_of(&[0, 0, 1, 5]),
            suspend: random.one_of(&[0, 0, 10, 40]),
            set: if rough { random.one_of(&[0, 0, 5, 20]) } else { 0 },
            wrong: rough && random.below(2) == 0,
            jump: random.one_of(&[0, 5, 20, 80]),
            jumps: (0..=random.below(4)).map(|_| random.one_of(&JUMPS)).collect(),
            page: random.one_of(&[3, 1000, 1000]),
            start: midnight + SignedDuration::from_mins(day + minutes),
            ticks: if broken.shared_saved_at { Ticks::Shared } else { Ticks::Unique },
            broken,
        }
    }

    /// Slow operations on past periods: what markers and sealed totals have to stand.
    fn hurry(&mut self, random: &mut Random) {
        let minutes = |random: &mut Random, of: &[i64]| Jump::Minutes(random.one_of(of));
        self.jumps = vec![minutes(random, &[6, 8, 61]), minutes(random, &[1, 8, 10, 16])];
        self.jump = 80;
        self.concurrent = 2 + random.below(2);
        self.retention = 0;
        if random.below(4) > 0 {
            self.faults = [1, 0, 0, 0, 0];
            (self.storm, self.set, self.wrong) = (0, 0, false);
            self.crash = random.one_of(&[0, 0, 5]);
            self.suspend = random.one_of(&[0, 0, 10]);
        }
    }

    /// Whether every process knows the time from the first.
    pub(crate) fn has_right_clocks(&self) -> bool {
        !self.wrong && self.set == 0
    }

    /// How wrong the clock of the process with this number is.
    pub(crate) fn wrong(&self, seed: u64, process: usize) -> Wrong {
        if !self.wrong {
            return Wrong { ahead: 0, drift: 0 };
        }
        let mut random = Random::new(seed ^ (process as u64) << 40);
        Wrong { ahead: random.one_of(&AHEAD), drift: random.one_of(&[0, 0, 200, -200, 10_000, -10_000]) }
    }

    /// By how much a clock is set.
    pub(crate) fn set_by(random: &mut Random) -> i64 {
        random.one_of(&AHEAD)
    }
}

/// How long ago something in the past was created, in minutes.
const PAST: [i64; 6] = [61, 100, 3 * 60, 24 * 60, 24 * 60, 4 * 24 * 60];

/// A named id, or a `UUIDv7` that its client has dated to some time.
fn id(n: usize, past: bool, faults: &FaultProfile, random: &mut Random) -> AnalysisId {
    if (!past || random.below(4) == 0) && random.below(2) == 0 {
        return AnalysisId::from_stored(&format!("study-{n}")).unwrap();
    }
    let age = if past { random.one_of(&PAST) } else { random.one_of(&[-4, 0, 60]) };
    let created_at = CreatedAt::clamped(faults.start - SignedDuration::from_mins(age));
    AnalysisId::generate(created_at, [random.next(), random.next()])
}

fn op(
    n: usize,
    ids: &[AnalysisId],
    mix: [u32; 9],
    repeats: bool,
    start: Timestamp,
    random: &mut Random,
) -> Op {
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
    let created = (start - SignedDuration::from_mins(random.one_of(&PAST))).as_millisecond();
    let pool = [
        Op::Save { id, value: value(id, number), wish },
        Op::Delete { id, wish: matching },
        Op::Load { id },
        Op::List { limit: 1 + random.below(3) },
        Op::SaveNew { id: ids.len() + n, value: value(ids.len() + n, 0) },
        Op::Repair { id },
        Op::Stats,
        Op::Import { id, value: value(id, number), created, replace: random.below(2) == 0 },
        Op::Maintain,
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

/// The value of a document, if it is one of ours.
pub(crate) fn value_of_document(body: &[u8]) -> Option<Value> {
    let json: serde_json::Value = serde_json::from_slice(body).ok()?;
    json["status"].as_str().and_then(value_of)
}
