//! Documents that other programs have put into a bucket in the layout of this crate: `analysis/YYYY/MM/{id}.json`
//! with user metadata `request_id`, `implementation`, `status` and `timestamp`.

use std::sync::Arc;

use jiff::Timestamp;

use crate::bucket::s3::{S3Bucket, S3Settings};
use crate::bucket::{Bucket, GetOptions, Got, Key, Listing, MAX_KEYS, Object, ObjectMeta};
use crate::clock::{Clock, SystemClock};
use crate::document::Document;
use crate::error::Result;
use crate::id::AnalysisId;
use crate::instant;
use crate::layout::Layout;
use crate::month::Month;
use crate::retrying::RetryingBucket;
use crate::time::CreatedAt;

/// The documents below one prefix of a bucket. Only reads.
#[derive(Debug)]
pub struct LegacyBucket {
    requests: RetryingBucket,
    layout: Layout,
}

impl LegacyBucket {
    /// The documents in `bucket`, whose keys follow `layout`.
    #[must_use]
    pub fn new(bucket: Arc<dyn Bucket>, layout: Layout, clock: Arc<dyn Clock>) -> Self {
        Self { requests: RetryingBucket::new(bucket, clock), layout }
    }

    /// The documents below `prefix` of a bucket on S3.
    pub async fn connect(settings: &S3Settings, prefix: &str) -> Self {
        Self::new(Arc::new(S3Bucket::connect(settings).await), Layout::new(prefix), Arc::new(SystemClock))
    }

    /// What the keys of all documents begin with.
    #[must_use]
    pub fn prefix(&self) -> String {
        self.layout.documents(None)
    }

    /// Lists up to 1000 keys behind this one, whatever they are, in one request.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn page(&self, start_after: Option<&str>) -> Result<Listing> {
        self.requests.list(&self.layout.documents(None), start_after, MAX_KEYS).await
    }

    /// The id and month in a key; `None` if it is not `analysis/YYYY/MM/{id}.json` with a valid id.
    #[must_use]
    pub fn parse(&self, key: &Key) -> Option<(AnalysisId, Month)> {
        self.layout.parse_document(key)
    }

    /// What the bucket knows of an object; `None` if there is none.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn describe(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.requests.head(key).await
    }

    /// Reads an object; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Archived`](crate::Error::Archived) if it must be restored first.
    pub async fn read(&self, key: &Key) -> Result<Option<Object>> {
        match self.requests.get(key, &GetOptions::default()).await? {
            Got::Found(object) => Ok(Some(object)),
            Got::Absent | Got::NotModified { .. } => Ok(None),
        }
    }
}

/// The user metadata `timestamp`, if it can be read.
#[must_use]
pub fn timestamp(meta: &ObjectMeta) -> Option<Timestamp> {
    meta.metadata.get("timestamp").and_then(|text| instant::parse(text))
}

/// When an analysis was created: at the document's `timestamp`, or that of its metadata, or, within the month of its
/// key, when the object was written.
#[must_use]
pub fn created_at(document: &Document, meta: &ObjectMeta, month: Month) -> CreatedAt {
    match document.summary().timestamp.or_else(|| timestamp(meta)) {
        Some(at) => CreatedAt::clamped(at),
        None => month.clamp(meta.last_modified),
    }
}

/// When a document that stays where it is was created: of these times, the first within the month of its key.
pub(crate) fn created_within(stated: Option<Timestamp>, meta: &ObjectMeta, month: Month) -> CreatedAt {
    let fitting = [stated, timestamp(meta)].into_iter().flatten().find(|at| month == Month::containing(*at));
    month.clamp(fitting.unwrap_or_else(|| meta.saved_at.timestamp()))
}

/// Which of the objects of one id is the newest: by the `timestamp` of their metadata if all have one, else by when
/// they were written; of equals, the last.
#[must_use]
pub fn newest(objects: &[ObjectMeta]) -> Option<usize> {
    let stated: Option<Vec<Timestamp>> = objects.iter().map(timestamp).collect();
    let times = stated.unwrap_or_else(|| objects.iter().map(|meta| meta.last_modified).collect());
    (0..times.len()).max_by_key(|n| times[*n])
}
