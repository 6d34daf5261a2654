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

mod id;
mod index;
mod instant;
mod label;
mod layout;
pub mod legacy;
mod maintenance;
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
pub mod windows;

pub use analyses::{Analyses, StorageType};
pub use bucket::{Bucket, ETag, Key};
pub use clock::{Clock, ClockOffset, SystemClock};
pub use config::Config;
pub use document::{Document, Summary};
pub use error::{Cause, Error, Result};
pub use id::AnalysisId;
pub use index::{Entry, Page};
pub use label::{Label, LabelKind};
pub use layout::Layout;

pub use maintenance::{import, repair};
pub use month::Month;
pub use protocol::{Condition, Loaded, Saved};
pub use retention::Retention;
pub use time::{CreatedAt, SavedAt, SavedAtSource};
pub use token::ContentToken;
pub use totals::Stats;
