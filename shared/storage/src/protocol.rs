//! The protocol: what keeps each document and its index entry together. `docs/decisions/0002-save-protocol.md` argues
//! for the order of its requests.

mod delete;
mod id_record;
mod load;
mod save;
mod stale_entries;

pub(crate) use id_record::IdRecord;
pub use load::Loaded;
pub(crate) use load::not_found;
pub use save::{Condition, Saved};
#[cfg(feature = "testing")]
pub(crate) use stale_entries::stale;
