//! Opening the store that is configured.

use std::sync::Arc;

use super::{Analyses, StorageType};
use crate::bucket::Bucket;
use crate::bucket::local::LocalBucket;
use crate::bucket::s3::S3Bucket;
use crate::clock::{Clock, SystemClock};
use crate::config::{Storage, StorageConfig};
use crate::error::Result;
use crate::layout::Layout;

/// What a store is opened for, which decides what becomes of a local directory. An S3 bucket is not asked anything yet:
/// [`Analyses::probe`] does that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To save: the directory is made if it is missing, and tried out.
    Write,
    /// To change what is there: the directory must be there, and is tried out.
    WriteExisting,
    /// To read or delete what is there: the directory must be there, and nothing is written to open it.
    Existing,
    /// To say what a save would do: nothing is written, and a missing directory is an empty store.
    Preview,
}

impl Analyses {
    /// Opens the configured store to save, load and all else.
    ///
    /// # Errors
    /// [`Error::Misconfigured`](crate::Error::Misconfigured) if the local directory cannot be used.
    pub async fn open(config: &StorageConfig) -> Result<Self> {
        Self::open_for(Access::Write, config).await
    }

    /// Opens the configured store for this.
    ///
    /// # Errors
    /// [`Error::Misconfigured`](crate::Error::Misconfigured) if the local directory cannot be used for it.
    pub async fn open_for(access: Access, config: &StorageConfig) -> Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (bucket, storage_type, layout): (Arc<dyn Bucket>, _, _) = match &config.storage {
            Storage::Local { directory } => {
                let bucket = LocalBucket::to_read(directory)
                    .named_by(config.named_by)
                    .reading_at_most(config.max_read_bytes());
                if matches!(access, Access::WriteExisting | Access::Existing) {
                    bucket.check_that_it_exists().await?;
                }
                if matches!(access, Access::Write | Access::WriteExisting) {
                    bucket.make_and_try_out().await?;
                }
                (Arc::new(bucket), StorageType::Local, Layout::new(""))
            }
            Storage::S3 { settings, prefix } => {
                let bucket = S3Bucket::connect(settings).await.reading_at_most(config.max_read_bytes());
                (Arc::new(bucket), StorageType::S3, Layout::new(prefix))
            }
        };
        Ok(Self::new(bucket, storage_type, layout, clock).with_retention(config.retention))
    }
}
