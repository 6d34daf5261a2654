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

impl Analyses {
    /// Opens the configured store. An S3 bucket is not asked anything yet: [`Analyses::probe`] does that.
    ///
    /// # Errors
    /// [`Error::Misconfigured`](crate::Error::Misconfigured) if the local directory cannot be used.
    pub async fn open(config: &StorageConfig) -> Result<Self> {
        if let Storage::Local { directory } = &config.storage {
            LocalBucket::open(directory).await?;
        }
        Ok(Self::open_to_read(config).await)
    }

    /// Opens the configured store for those who only read: a local directory is neither made nor tried out.
    pub async fn open_to_read(config: &StorageConfig) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (bucket, storage_type, layout): (Arc<dyn Bucket>, _, _) = match &config.storage {
            Storage::Local { directory } => {
                (Arc::new(LocalBucket::to_read(directory)), StorageType::Local, Layout::new(""))
            }
            Storage::S3 { settings, prefix } => {
                (Arc::new(S3Bucket::connect(settings).await), StorageType::S3, Layout::new(prefix))
            }
        };
        Self::new(bucket, storage_type, layout, clock).with_retention(config.retention)
    }
}
