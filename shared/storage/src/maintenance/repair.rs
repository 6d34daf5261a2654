//! Checking and repairing: index, id records and documents compared, month by month, by their listings alone.
//!
//! First the entries of a month are listed, and held in a few dozen bytes each; then its documents, in another order.
//! What agrees in size, content token and time costs nothing more. What does not is a suspect: it is looked at with
//! requests of its own, as every verdict needs an order of them that holds beside saves and deletes in flight. Every step
//! is safe while the store is in use and may be repeated.

mod analysis;
mod contents;
mod document;
mod duplicates;
mod entry;
mod finding;
mod heal;
mod in_flight;
mod legacy;
mod month;
mod month_index;
mod months;
mod observed;
mod position;
mod records;
mod suspects;
mod verdict;

use std::time::Duration;

pub use crate::totals::TotalsCheck;
pub(crate) use analysis::Adopt;
pub use contents::{AgreedDocument, Contents};
use finding::Inspection;
pub use finding::{Damage, Finding};
pub use heal::Wounded;
pub use month::MonthRepair;
pub(in crate::maintenance) use observed::ObservedDocument;
pub use position::RepairPosition;
pub(in crate::maintenance) use verdict::{SavedBytes, Verdict};

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
    /// Damage is mended where it can be. What only people can decide is found, and left.
    Repair {
        /// People have decided that a document which another program has replaced is the one to keep.
        adopt_changed: bool,
        /// People have decided that a document which is gone will not come back.
        forget_lost: bool,
    },
}

impl Mode {
    /// Checking, with a grace longer than any save takes.
    pub const CHECK: Self = Self::Check { grace: crate::durations::CRASHED_AFTER };
    /// Repairing, with nothing decided by people.
    pub const REPAIR: Self = Self::Repair { adopt_changed: false, forget_lost: false };

    /// Whether anything is written.
    #[must_use]
    pub fn is_repair(self) -> bool {
        matches!(self, Self::Repair { .. })
    }

    /// Whether the entries of documents that are gone are removed.
    #[must_use]
    pub fn forgets_lost(self) -> bool {
        matches!(self, Self::Repair { forget_lost: true, .. })
    }

    pub(super) fn adopts_changed(self) -> bool {
        matches!(self, Self::Repair { adopt_changed: true, .. })
    }
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
    /// The documents whose contents may be looked at, if that was asked for.
    pub agreed: Vec<AgreedDocument>,
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
        self.agreed.extend(other.agreed);
    }
}
