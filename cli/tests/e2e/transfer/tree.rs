//! A directory of thousands of documents, the same for the same seed.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use analysis_storage::{AnalysisId, CreatedAt};

use crate::harness::random::Random;

/// One document of the tree.
#[derive(Debug, Clone)]
pub(crate) struct Planted {
    pub(crate) id: String,
    /// Below the root.
    pub(crate) path: String,
    pub(crate) created_at: String,
}

const TEXTS: [&str; 5] =
    ["Grüße aus Zürich ", "設計原則を分析する ", "plain words \\\"quoted\\\" ", "🚲🚌 ", "а\\u0301нализ "];
/// The time of files whose document has none.
const MODIFIED: u64 = 1_700_000_000;

/// Writes `count` documents of 0.5 KB to 5 MB below `root`, most of them small, some nested deeply.
pub(crate) fn plant(root: &Path, count: u64, seed: u64) -> Vec<Planted> {
    let mut random = Random::new(seed);
    (0..count).map(|n| plant_one(root, n, &mut random)).collect()
}

fn plant_one(root: &Path, n: u64, random: &mut Random) -> Planted {
    let id = id(n, random);
    let (timestamp, created_at) = times(n, random);
    let folder = ["", "2023/", "2023/archive/", "team b/"][usize::try_from(n % 4).unwrap()];
    let path = format!("{folder}{id}.json");
    let place = root.join(&path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(&place, document(n, &id, timestamp.as_deref(), random)).unwrap();
    let modified = UNIX_EPOCH + Duration::from_secs(MODIFIED + n);
    File::options().write(true).open(&place).unwrap().set_modified(modified).unwrap();
    let carried = AnalysisId::from_stored(&id).unwrap().created_at().map(|at| at.to_string());
    Planted { id, path, created_at: carried.unwrap_or(created_at) }
}

fn id(n: u64, random: &mut Random) -> String {
    match n % 9 {
        0 => format!(".hidden-{n}"),
        1 => format!("...{n}"),
        2 => format!("{n}-{}", "x".repeat(120)),
        3 => format!("Study.{n}.json"),
        4 => format!("study.{}.json", n - 1),
        5 => format!("-{n}_"),
        6 => format!("6f9619ff-8b86-4d01-b42d-{n:012x}"),
        7 => {
            let created_at =
                CreatedAt::from_millis(1_600_000_000_000 + i64::try_from(n).unwrap() * 7_919_000);
            AnalysisId::generate(created_at.unwrap(), [random.next(), random.next()]).to_string()
        }
        _ => format!("{n}"),
    }
}

/// What the document says of its time, and when it was created then.
fn times(n: u64, random: &mut Random) -> (Option<String>, String) {
    let (month, day, minute) = (1 + random.below(12), 1 + random.below(3), random.below(60));
    let date = format!("{}-{month:02}-{day:02}", 2019 + n % 6);
    match n % 4 {
        0 => (Some(format!("{date}T10:{minute:02}:00")), format!("{date}T10:{minute:02}:00.000Z")),
        1 => (Some(format!("{date}T12:{minute:02}:00.25+02:00")), format!("{date}T10:{minute:02}:00.250Z")),
        2 => (Some(date.clone()), format!("{date}T00:00:00.000Z")),
        _ => {
            let written = CreatedAt::from_millis(i64::try_from((MODIFIED + n) * 1000).unwrap()).unwrap();
            (None, written.to_string())
        }
    }
}

fn document(n: u64, id: &str, timestamp: Option<&str>, random: &mut Random) -> Vec<u8> {
    let size = match n % 1000 {
        0 => 5_000_000 + random.below(100_000),
        1..=9 => 200_000 + random.below(800_000),
        10..=99 => 20_000 + random.below(180_000),
        _ => 500 + random.below(20_000),
    };
    let id = if n.is_multiple_of(2) { format!("\"request_id\": \"{id}\",\r\n") } else { String::new() };
    let timestamp = timestamp.map(|at| format!("\"timestamp\": \"{at}\", ")).unwrap_or_default();
    let implementation = format!("pipeline-{}", n % 7);
    let mut text = format!("{{ {id}{timestamp}\"implementation\": \"{implementation}\", \"insights\": \"");
    let part = random.one_of(&TEXTS).unwrap();
    while (text.len() as u64) < size {
        text += part;
    }
    (text + "\"}\n").into_bytes()
}
