//! Every operation costs a fixed number of requests.

#![expect(clippy::unwrap_used, reason = "test code: a panic is how it reports")]

mod maintenance;
mod operations;
mod scale;
mod store;
