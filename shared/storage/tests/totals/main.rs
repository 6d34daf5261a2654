//! The totals of sealed periods, kept in a snapshot: always exact, whoever reads and whatever changes.

#![expect(clippy::unwrap_used, reason = "test code: a panic is how it reports")]

mod clocks;
mod markers;
mod scale;
mod sealing;
mod store;
mod suspended;
