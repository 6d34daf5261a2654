//! Reading the documents of a page, several at a time: within a budget of memory, and no faster than told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use analysis_storage::repair::{AgreedDocument, Contents};
use analysis_storage::{Analyses, Error};
use futures::{StreamExt, TryStreamExt, stream};

use crate::transfer::Budget;

/// How many documents are read together.
const PARALLEL: usize = 16;

/// What reading takes.
#[derive(Debug)]
pub(super) struct Reader {
    budget: Budget,
    /// In bytes a second.
    rate: Option<u64>,
    began: Instant,
    /// The bytes of what was begun.
    begun: AtomicU64,
}

impl Reader {
    /// Reads with the memory that the largest document takes, at most so many bytes a second.
    pub(super) fn new(max_document_bytes: u64, rate: Option<u64>) -> Self {
        Self {
            budget: Budget::new(max_document_bytes),
            rate,
            began: Instant::now(),
            begun: AtomicU64::new(0),
        }
    }

    /// Reads these documents.
    pub(super) async fn read(
        &self,
        analyses: &Analyses,
        documents: &[AgreedDocument],
    ) -> Result<Vec<Contents>, Error> {
        stream::iter(documents)
            .map(|document| async {
                let _reserved = self.budget.reserve(document.size()).await;
                self.wait(analyses, document.size()).await;
                analyses.check_contents(document).await
            })
            .buffered(PARALLEL)
            .try_collect()
            .await
    }

    /// Waits until what was begun before may have been read.
    async fn wait(&self, analyses: &Analyses, bytes: u64) {
        let before = self.begun.fetch_add(bytes, Ordering::Relaxed);
        let Some(rate) = self.rate else { return };
        let millis = u128::from(before) * 1000 / u128::from(rate.max(1));
        let due = Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
        let left = due.saturating_sub(self.began.elapsed());
        if !left.is_zero() {
            analyses.clock().sleep(left).await;
        }
    }
}
