//! The service: what can be done with analyses, over any bucket. What each operation does stands in the modules
//! `protocol`, `index`, `totals` and `maintenance`.

mod access;

pub use access::Access;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::bucket::{Bucket, BucketInfo, Key};
use crate::clock::Clock;
use crate::error::Result;
use crate::index::Entry;
use crate::layout::Layout;
use crate::retention::Retention;
use crate::retrying::RetryingBucket;
use crate::totals::Markers;

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

/// The analyses in one bucket: the whole service.
///
/// Any number of these may work on one bucket at once, in any number of processes. A clone is the same service.
///
/// ```
/// use std::sync::Arc;
///
/// use analysis_storage::bucket::memory::MemoryBucket;
/// use analysis_storage::query::ListQuery;
/// use analysis_storage::{Analyses, Document, Layout, Result, StorageType, SystemClock};
///
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// let bucket = Arc::new(MemoryBucket::default());
/// let analyses = Analyses::new(bucket, StorageType::Memory, Layout::new(""), Arc::new(SystemClock));
///
/// let document = Document::parse(r#"{"implementation": "hybrid", "status": "success"}"#.into())?;
/// let saved = analyses.save_new(&document).await?;
///
/// let page = analyses.list(&ListQuery::default()).await?;
/// assert_eq!(page.entries, [saved.entry]);
/// assert_eq!(analyses.stats().await?.total_analyses, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Analyses {
    pub(crate) requests: RetryingBucket,
    pub(crate) layout: Layout,
    pub(crate) retention: Retention,
    pub(crate) storage_type: StorageType,
    pub(crate) markers: Arc<Markers>,
    #[cfg(feature = "testing")]
    pub(crate) mutant: Option<crate::mutants::Mutant>,
}

impl Analyses {
    /// The service over `bucket`, whose keys follow `layout`, on a host with this clock. It keeps everything forever.
    #[must_use]
    pub fn new(
        bucket: Arc<dyn Bucket>,
        storage_type: StorageType,
        layout: Layout,
        host: Arc<dyn Clock>,
    ) -> Self {
        Self {
            requests: RetryingBucket::new(bucket, host),
            layout,
            retention: Retention::default(),
            storage_type,
            markers: Arc::default(),
            #[cfg(feature = "testing")]
            mutant: None,
        }
    }

    /// This service for one operation that begins now, and whose caller waits no longer than `time`.
    ///
    /// Requests that fail for the moment are repeated as long as an answer can still come in time.
    #[must_use]
    pub fn within(&self, time: Duration) -> Self {
        Self { requests: self.requests.within(time), ..self.clone() }
    }

    /// This service with a retention: what is past it is hidden, as the bucket's lifecycle rules remove it.
    #[must_use]
    pub fn with_retention(self, retention: Retention) -> Self {
        Self { retention, ..self }
    }

    /// The clock that ids and times are judged by: the bucket's.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &**self.requests.clock()
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

    /// Checks with one cheap request that the bucket can be reached and its index read.
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
