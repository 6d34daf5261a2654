//! Design analyses in one S3 bucket: save, load, list, totals and delete with a fixed number of requests each,
//! however many are stored, and without a database.
//!
//! [`Analyses`] is the whole service; it runs over any [`Bucket`]. The protocol that makes its answers exact is
//! described in `docs/decisions/`, its promises and their tests in `docs/semantics.md`.

mod analyses;
pub mod bucket;
mod clock;
pub mod config;
mod document;
mod error;
pub mod foreign;
mod id;
mod index;
mod instant;
mod label;
mod layout;
mod month;
pub mod query;
mod requests;
mod retention;
mod stats;
#[cfg(feature = "testing")]
pub mod testing;
mod time;

pub use analyses::{Analyses, Condition, Loaded, Page, Saved, StorageType};
pub use analyses::{import, rebuild};
pub use bucket::{Bucket, ETag, Key};
pub use clock::{Clock, SystemClock};
pub use config::Config;
pub use document::{Document, Summary};
pub use error::{Cause, Error, Result};
pub use id::AnalysisId;
pub use index::Entry;
pub use label::{Label, LabelKind};
pub use layout::Layout;
pub use month::Month;
pub use requests::LONGEST_REQUEST;
pub use retention::Retention;
pub use stats::Stats;
pub use time::{CreatedAt, SavedAt, SavedAtSource};
