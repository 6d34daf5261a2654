//! Maintenance: index and documents compared and put right, documents taken in from elsewhere and copied out.

pub mod import;
pub(crate) mod position;
mod read;
pub mod rebuild;
mod repair;
