//! Totals in constant cost: those of periods that are over come from a snapshot, the others from the index.
//!
//! `docs/decisions/0008-totals-from-sealed-periods.md` argues why they are exact.

mod count;
mod markers;
mod period;
mod recount;
mod sealing;
mod snapshot;
mod stats;
mod sums;
mod view;

pub(crate) use markers::Markers;
#[cfg(feature = "testing")]
pub(crate) use markers::{Marker, is_accounted};
pub(crate) use period::Period;
pub use recount::TotalsCheck;
#[cfg(feature = "testing")]
pub(crate) use snapshot::Snapshot;
pub use stats::Stats;

/// How many requests of one reader are under way at once.
const PARALLEL: usize = 16;
