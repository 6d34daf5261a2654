//! What tests of this crate and of its users share: the bucket contract, buckets that count, fail, are late or have a
//! time of their own, clocks to set by hand, chance from a seed, and a local S3.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "test code: a panic is how it reports"
)]

mod around;
mod clock;
pub mod contract;
mod dated;
mod late;
mod lax;
pub mod ministack;
mod observed;
mod random;

pub use self::around::Around;
pub use crate::mutants::Mutant;
pub use clock::{ManualClock, ShiftedClock};
pub use dated::DatedBucket;
pub use late::{LateBucket, Pick};
pub use lax::{Lax, LaxBucket};
pub use observed::{CountingBucket, Decide, Fault, FaultyBucket, Operation};
pub use random::SplitMix64;
