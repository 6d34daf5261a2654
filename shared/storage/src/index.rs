//! The index: empty objects whose keys are the summaries of all analyses, newest first.

mod cursor;
mod entry;
mod list;
mod scan;

pub use cursor::Cursor;
pub use entry::Entry;
pub(crate) use entry::{IndexKey, LegacyEntry};
pub use list::Page;
pub(crate) use scan::IndexPage;
