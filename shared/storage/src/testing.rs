//! What tests of this crate and of its users share: the bucket contract, buckets that count or fail, a clock
//! to set by hand, and a local S3.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "test code: a panic is how it reports"
)]

mod clock;
pub mod contract;
pub mod ministack;
mod observed;

pub use crate::mutants::Mutant;
pub use clock::ManualClock;
pub use observed::{CountingBucket, Decide, Fault, FaultyBucket, Operation};
