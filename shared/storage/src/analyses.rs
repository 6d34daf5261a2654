//! The service: what can be done with analyses, over any bucket.

mod delete;
pub mod import;
mod list;
mod load;
mod markers;
#[cfg(feature = "testing")]
pub(crate) mod mutants;
mod read;
pub mod rebuild;
mod repair;
mod save;
mod scan;
mod settle;
mod totals;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::bucket::{Bucket, BucketInfo, Key};
use crate::clock::Clock;
use crate::error::Result;
use crate::index::Entry;
use crate::layout::Layout;
use crate::requests::Requests;
use crate::retention::Retention;

use markers::Markers;

pub use list::Page;
pub use load::Loaded;
pub use save::{Condition, Saved};

/// Where analyses are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StorageType {
    /// Files in a directory.
    Local,
    /// An S3 bucket.
    S3,
    /// This process, for tests.
    Memory,
}

impl fmt::Display for StorageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::S3 => "s3",
            Self::Memory => "memory",
        })
    }
}

/// The analyses in one bucket.
///
/// Any number of these may work on one bucket at once, in any number of processes.
#[derive(Debug)]
pub struct Analyses {
    requests: Requests,
    layout: Layout,
    clock: Arc<dyn Clock>,
    retention: Retention,
    storage_type: StorageType,
    markers: Markers,
    #[cfg(feature = "testing")]
    mutant: Option<mutants::Mutant>,
}

impl Analyses {
    /// The analyses in `bucket`, whose keys follow `layout`, kept forever.
    #[must_use]
    pub fn new(
        bucket: Arc<dyn Bucket>,
        storage_type: StorageType,
        layout: Layout,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let requests = Requests::new(bucket, Arc::clone(&clock));
        let (retention, markers) = (Retention::default(), Markers::default());
        Self {
            requests,
            layout,
            clock,
            retention,
            storage_type,
            markers,
            #[cfg(feature = "testing")]
            mutant: None,
        }
    }

    /// The same, kept as long as the bucket's lifecycle rules keep them.
    #[must_use]
    pub fn with_retention(self, retention: Retention) -> Self {
        Self { retention, ..self }
    }

    /// The clock that ids and times are judged by.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Where analyses are kept.
    #[must_use]
    pub fn storage_type(&self) -> StorageType {
        self.storage_type
    }

    /// The key of the document that this entry stands for.
    #[must_use]
    pub fn document_key(&self, entry: &Entry) -> Key {
        self.layout.document(&entry.id, entry.created_at)
    }

    /// One cheap request: whether the bucket can be reached and its index read.
    ///
    /// # Errors
    /// Whatever stands in the way.
    pub async fn probe(&self) -> Result<()> {
        self.requests.list(&self.layout.index(), None, 1).await.map(drop)
    }

    /// How the bucket is set up.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn bucket_info(&self) -> Result<BucketInfo> {
        self.requests.info().await
    }
}
