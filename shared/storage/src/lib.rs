//! Design analyses in one S3 bucket: save, load, list, totals and delete with a fixed number of requests each,
//! however many are stored, and without a database.
//!
//! [`Analyses`] is the whole service; it runs over any [`Bucket`]. `docs/architecture.md` is the map of the repository,
//! with all words and checklists of common changes; `docs/decisions/` argues for the protocol, and `docs/semantics.md`
//! has every promise and its test.
//!
//! # What is stored
//!
//! - The *document*, the very bytes of an analysis, under a key that follows from its id and `created_at`.
//! - Its *index entry*, an empty object whose key is the summary, so that one LIST answers for a thousand analyses. It
//!   is *current* when it has the `saved_at` of its document, else *stale*.
//! - The *id record*, for an id that does not carry its creation time as a `UUIDv7` does.
//! - The *snapshot*, sums of the periods that are over, and *markers* of those that have changed since.
//!
//! # The rooms
//!
//! | Module | What it does |
//! |---|---|
//! | `protocol` | saves, loads and deletes: keeps a document and its entry together |
//! | `index` | writes and reads entries, lists |
//! | `totals` | counts, seals periods, marks those that change |
//! | `maintenance` | checks, repairs, imports; reads for backups |
//! | `retrying` | sends each request until the deadline, and finds out what one without an answer has done |
//! | [`conformance`] | tries out whether a store that calls itself S3 can be used |
//! | [`diagnosis`] | looks for what may stand in the way of a store |
//! | [`bucket`] | the trait, and the buckets: S3, files, memory |
//! | `layout`, [`durations`], `clock` | spell every key, every span of time, every instant |
//!
//! # What always holds
//!
//! - The document is written before its entry, and the entry before the answer: after it, every reader sees the save.
//! - Every write and delete of a document is conditional on what the operation saw there.
//! - Entries are listed before the document is looked at that judges them.
//! - A change of a period that may be sealed is marked before it, and the mark confirmed before the answer.

mod analyses;
pub mod bucket;
mod buffer;
mod clock;
pub mod config;
pub mod conformance;
pub mod diagnosis;
mod document;
pub mod durations;
mod error;
mod id;
mod index;
mod instant;
mod label;
mod layout;
pub mod legacy_bucket;
mod maintenance;
mod memory_budget;
mod month;
#[cfg(feature = "testing")]
mod mutants;
mod protocol;
pub mod query;
mod retention;
mod retrying;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod token;
mod totals;

mod words;

pub use analyses::{Access, Analyses, StorageType};
pub use bucket::{Bucket, BucketError, ETag, Key};
pub use buffer::Buffer;
pub use clock::{Clock, ClockOffset, SystemClock};
pub use config::StorageConfig;
pub use document::{Document, Summary};
pub use error::{Cause, Error, ErrorCode, Result};
pub use id::AnalysisId;
pub use index::{Entry, Page};
pub use label::{Label, LabelKind};
pub use layout::Layout;
pub use maintenance::{Doubt, import, repair};
pub use memory_budget::{MemoryBudget, Share};
pub use month::Month;
pub use protocol::{Condition, Loaded, Saved};
pub use retention::Retention;
pub use time::{CreatedAt, SavedAt, SavedAtSource};
pub use token::ContentToken;
pub use totals::Stats;
