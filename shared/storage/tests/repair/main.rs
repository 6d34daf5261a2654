//! Check and repair: every kind of damage is found, told apart from saves in flight, and healed.

#![expect(clippy::unwrap_used, reason = "test code: a panic is how it reports")]

mod concurrent;
mod damage;
mod in_flight;
mod legacy_documents;
mod legacy_entries;
mod lost_and_damaged;
mod paging;
mod requests;
mod store;
mod strays;
mod totals;
mod unreadable;
