//! Maintenance: index and documents compared and put right, documents taken in from elsewhere and copied out.

mod archive;
mod backup;
pub mod import;
pub mod repair;

pub use backup::Doubt;
