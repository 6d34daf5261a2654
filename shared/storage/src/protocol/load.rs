//! Loading: the very bytes that were saved.

use crate::Analyses;
use crate::bucket::{GetOptions, Got, Object, ObjectMeta, Version};
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::time::SavedAt;

/// The answer to a load.
#[derive(Debug, Clone)]
pub enum Loaded {
    /// The document.
    Document(Object),
    /// The document still has the tag that the caller holds.
    NotModified,
}

impl Analyses {
    /// The document of an analysis. One request for a `UUIDv7`, two for a named id.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Archived`] if it must be restored first, or [`Error::RangeNotSatisfiable`] if it has
    /// none of the bytes that `options` ask for.
    pub async fn load(&self, id: &AnalysisId, options: &GetOptions) -> Result<Loaded> {
        let created_at = self.created_at(id).await?.ok_or_else(|| not_found(id))?;
        match self.requests.get(&self.layout.document(id, created_at), options).await? {
            Got::NotModified { last_modified } if last_modified.is_none_or(|at| !self.is_over(at.into())) => {
                Ok(Loaded::NotModified)
            }
            Got::Found(object) if self.is_kept(&object.meta) => Ok(Loaded::Document(object)),
            Got::Found(_) | Got::NotModified { .. } | Got::Absent => {
                Err(Error::NotFound { id: id.clone(), version: options.version_id.clone() })
            }
        }
    }

    /// What is known of an analysis without its content. As many requests as [`load`](Self::load).
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn describe(&self, id: &AnalysisId) -> Result<ObjectMeta> {
        let created_at = self.created_at(id).await?.ok_or_else(|| not_found(id))?;
        let meta = self.requests.head(&self.layout.document(id, created_at)).await?;
        meta.filter(|meta| self.is_kept(meta)).ok_or_else(|| not_found(id))
    }

    /// The stored versions of an analysis, newest first, deletions included.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Unsupported`] if the bucket keeps none.
    pub async fn versions(&self, id: &AnalysisId) -> Result<Vec<Version>> {
        let created_at = self.created_at(id).await?.ok_or_else(|| not_found(id))?;
        let versions = self.requests.versions(&self.layout.document(id, created_at)).await?;
        if versions.is_empty() { Err(not_found(id)) } else { Ok(versions) }
    }

    /// Whether readers still see a document.
    pub(crate) fn is_kept(&self, meta: &ObjectMeta) -> bool {
        !self.is_over(meta.saved_at)
    }

    fn is_over(&self, saved_at: SavedAt) -> bool {
        self.retention.is_over(saved_at, self.clock().now())
    }
}

pub(crate) fn not_found(id: &AnalysisId) -> Error {
    Error::NotFound { id: id.clone(), version: None }
}
