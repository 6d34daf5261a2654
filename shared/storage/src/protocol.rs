//! The protocol: what keeps each document and its index entry together. `docs/decisions/0002-save-protocol.md` argues
//! for the order of its requests.

mod delete;
mod load;
mod save;
mod settle;

pub use load::Loaded;
pub(crate) use load::not_found;
pub use save::{Condition, Saved};
pub(crate) use settle::IdRecord;
#[cfg(feature = "testing")]
pub(crate) use settle::stale;
