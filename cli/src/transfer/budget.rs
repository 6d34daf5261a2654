//! How much of documents may be in memory at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What one permit stands for.
const UNIT: u64 = 1024;
/// What there is at least, so that small documents are worked on together.
const LEAST: u64 = 16 << 20;

/// Bytes to reserve before a document is read.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    permits: Arc<Semaphore>,
    total: u32,
}

impl Budget {
    /// As much as the largest document takes.
    pub(crate) fn new(max_document_bytes: u64) -> Self {
        let total = units(max_document_bytes.max(LEAST));
        Self { permits: Arc::new(Semaphore::new(total as usize)), total }
    }

    /// Waits for so many bytes, or for all there are; they are free again when the permit is dropped.
    pub(crate) async fn reserve(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        // Never closed.
        Arc::clone(&self.permits).acquire_many_owned(units(bytes).min(self.total)).await.ok()
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}
