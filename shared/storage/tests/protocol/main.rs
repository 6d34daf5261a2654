//! What save, load, list and delete promise, on a bucket in memory: one test a promise.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: a panic is how it reports")]

mod crashes;
mod deleting;
mod late;
mod listing;
mod refusals;
mod retention;
mod saving;
mod store;
mod unrelated;
