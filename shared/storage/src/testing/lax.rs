//! A bucket that forgets conditions: what shows that the protocol needs them.

use std::sync::Arc;

use async_trait::async_trait;

use super::Around;
use crate::bucket::{Bucket, ETag, Key, Precondition, Put, Result};
use crate::layout::Layout;

/// Which condition is dropped before a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lax {
    /// `If-None-Match` of documents.
    Creates,
    /// `If-Match` of documents that are replaced.
    Replaces,
    /// `If-Match` of documents that are deleted.
    Deletes,
    /// The conditions of the stored totals.
    Totals,
    /// `If-Match` of markers that are removed.
    Markers,
}

/// A bucket without one of the conditions that are asked of it.
#[derive(Debug)]
pub struct LaxBucket {
    inner: Arc<dyn Bucket>,
    lax: Lax,
    layout: Layout,
}

impl LaxBucket {
    /// A lax bucket in front of this one, whose keys follow this layout.
    #[must_use]
    pub fn new(inner: Arc<dyn Bucket>, lax: Lax, layout: Layout) -> Self {
        Self { inner, lax, layout }
    }

    fn forgets_write(&self, put: &Put) -> bool {
        let is_document = put.key.as_str().starts_with(&self.layout.documents(None));
        match (self.lax, &put.precondition) {
            (Lax::Creates, Precondition::Absent) | (Lax::Replaces, Precondition::Match(_)) => is_document,
            (Lax::Totals, _) => put.key == self.layout.totals(),
            _ => false,
        }
    }

    fn forgets_delete(&self, key: &Key) -> bool {
        match self.lax {
            Lax::Deletes => key.as_str().starts_with(&self.layout.documents(None)),
            Lax::Markers => key.as_str().starts_with(&self.layout.markers()),
            Lax::Creates | Lax::Replaces | Lax::Totals => false,
        }
    }
}

#[async_trait]
impl Around for LaxBucket {
    fn inner(&self) -> &dyn Bucket {
        &*self.inner
    }

    async fn put(&self, mut put: Put) -> Result<ETag> {
        if self.forgets_write(&put) {
            put.precondition = Precondition::None;
        }
        self.inner.put(put).await
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        self.inner.delete(key, if_match.filter(|_| !self.forgets_delete(key))).await
    }
}
