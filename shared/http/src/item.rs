//! An analysis as the API shows it.

use analysis_storage::{Analyses, Entry, StorageType};
use serde::Serialize;

/// One row of the list, and the answer to a save.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    /// The analysis' id.
    pub request_id: String,
    /// Which pipeline made it.
    pub implementation: String,
    /// How the pipeline ended.
    pub status: String,
    /// The document's own `timestamp`, in UTC.
    pub timestamp: Option<String>,
    /// The document's own `execution_time`, in seconds.
    pub execution_time: Option<f64>,
    /// The document's size in bytes.
    pub file_size: u64,
    /// The content token, which tells the content from others: of the content's MD5 where that is the entity tag, else of the tag.
    pub content_token: String,
    /// When the id was first saved.
    pub created_at: String,
    /// When this content was saved.
    pub saved_at: String,
    /// The key of the document in the bucket.
    pub s3_key: String,
    /// Where the analysis is kept.
    pub storage_type: StorageType,
}

impl Item {
    /// What the index says of one analysis.
    #[must_use]
    pub fn new(analyses: &Analyses, entry: &Entry) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "at most 10^12, far below 2^53")]
        let seconds = |ms: u64| ms as f64 / 1000.0;
        Self {
            request_id: entry.id.to_string(),
            implementation: entry.summary.implementation.to_string(),
            status: entry.summary.status.to_string(),
            timestamp: entry.summary.timestamp.map(|at| format!("{at:.3}")),
            execution_time: entry.summary.execution_ms.map(seconds),
            file_size: entry.size,
            content_token: entry.token.to_string(),
            created_at: entry.created_at.to_string(),
            saved_at: entry.saved_at.to_string(),
            s3_key: analyses.document_key(entry).to_string(),
            storage_type: analyses.storage_type(),
        }
    }
}
