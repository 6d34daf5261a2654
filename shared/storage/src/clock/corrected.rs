//! The one clock of the protocol: the bucket's.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Clock;
use crate::bucket::Bucket;

/// The host's clock, corrected by what the bucket's answers say of theirs. Before the first answer it is the host's.
#[derive(Debug)]
pub(crate) struct BucketClock {
    host: Arc<dyn Clock>,
    bucket: Arc<dyn Bucket>,
}

impl BucketClock {
    /// The clock of this bucket.
    pub(crate) fn new(host: Arc<dyn Clock>, bucket: Arc<dyn Bucket>) -> Self {
        Self { host, bucket }
    }
}

#[async_trait]
impl Clock for BucketClock {
    fn now(&self) -> Timestamp {
        let now = self.host.now();
        now.checked_add(self.bucket.clock_offset().unwrap_or_default()).unwrap_or(now)
    }

    fn monotonic(&self) -> Duration {
        self.host.monotonic()
    }

    fn random(&self) -> u64 {
        self.host.random()
    }

    async fn sleep(&self, duration: Duration) {
        self.host.sleep(duration).await;
    }
}
