//! What is special about S3, against an emulator and against servers that say and do what S3 may. What every
//! bucket does is in the contract suite.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: a panic is how it reports")]

mod answers;
mod clock;
mod emulator;
mod requests;
mod server;
mod settings;
mod timeouts;
