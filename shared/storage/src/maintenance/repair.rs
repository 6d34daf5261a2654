//! Checking and repairing: index, id records and documents compared, month by month, by their listings alone.
//!
//! First the entries of a month are listed, and held in a few dozen bytes each; then its documents, in another order.
//! What agrees in size, content token and time costs nothing more. What does not is a suspect: it is looked at with
//! requests of its own, as every verdict needs an order of them that holds beside saves and deletes in flight. Every step
//! is safe while the store is in use and may be repeated.

mod analysis;
mod document;
mod duplicates;
mod entry;
mod legacy;
mod month;
mod month_index;
mod months;
mod observed;
mod position;
mod records;
mod suspects;

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::bucket::Key;

pub use crate::totals::TotalsCheck;
pub use month::MonthRepair;
pub(in crate::maintenance) use observed::ObservedDocument;
pub use position::RepairPosition;

/// How many suspects are looked at together.
const PARALLEL: usize = 16;

/// Whether damage is mended or only found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Damage is only found, and nothing is written.
    Check {
        /// A document younger than this may belong to a save in flight, and is not judged.
        grace: Duration,
    },
    /// Damage is mended where it can be.
    Repair,
}

impl Mode {
    /// Checking, with a grace longer than any save takes.
    pub const CHECK: Self = Self::Check { grace: crate::windows::CRASHED_AFTER };
}

/// The kinds of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Damage {
    /// A document without a current index entry.
    Orphan,
    /// An index entry without a document.
    DanglingEntry,
    /// Index entries beside the current one, or strays where their id does not belong.
    Stale,
    /// An index entry in the format of an earlier version of this software.
    Legacy,
    /// A document with a named id that has no id record.
    NoIdRecord,
    /// An object among the documents that no id leads to. It has to be moved or removed by hand.
    Misplaced,
    /// An id record that cannot be read. It has to be mended or removed by hand.
    BadIdRecord,
    /// An object that the storage does not give out. The advice says why not.
    Unreadable,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Orphan => "document without a current index entry",
            Self::DanglingEntry => "index entry without a document",
            Self::Stale => "stale index entry",
            Self::Legacy => "index entry of an earlier version",
            Self::NoIdRecord => "document without an id record",
            Self::Misplaced => "misplaced object",
            Self::BadIdRecord => "unreadable id record",
            Self::Unreadable => "unreadable object",
        })
    }
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub damage: Damage,
    /// The object that is not as it should be: for dangling entries and strays the index entry, else the document or
    /// id record.
    pub key: Key,
    /// Whether it has been mended.
    pub repaired: bool,
    /// What to do about it by hand, where nothing else helps.
    pub advice: Option<String>,
}

/// What one step of a check or repair has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepairStep {
    /// How many entries of the index were looked at.
    pub entries: u64,
    /// How many documents were looked at.
    pub documents: u64,
    /// How many of the documents are so young that their save may still be in flight, and were not judged.
    pub in_flight: u64,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl RepairStep {
    fn add(&mut self, look: Inspection) {
        self.in_flight += u64::from(look.in_flight);
        self.findings.extend(look.findings);
    }

    fn join(&mut self, other: Self) {
        self.entries += other.entries;
        self.documents += other.documents;
        self.in_flight += other.in_flight;
        self.findings.extend(other.findings);
    }
}

/// What the inspection of one object has found.
#[derive(Debug, Default)]
struct Inspection {
    findings: Vec<Finding>,
    in_flight: bool,
}

impl Inspection {
    fn found(damage: Damage, key: Key, repaired: bool) -> Self {
        Self { findings: vec![Finding { damage, key, repaired, advice: None }], in_flight: false }
    }

    fn and(mut self, other: Self) -> Self {
        self.findings.extend(other.findings);
        Self { in_flight: self.in_flight || other.in_flight, ..self }
    }

    fn by_hand(damage: Damage, key: Key, advice: String) -> Self {
        let finding = Finding { damage, key, repaired: false, advice: Some(advice) };
        Self { findings: vec![finding], in_flight: false }
    }
}
