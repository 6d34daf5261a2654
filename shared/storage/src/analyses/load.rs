//! Loading: the very bytes that were saved.

use super::Analyses;
use crate::bucket::{ETag, GetOptions, Got, Object, ObjectMeta, Version};
use crate::error::{Error, Result};
use crate::id::AnalysisId;

/// The answer to a load.
#[derive(Debug, Clone)]
pub enum Loaded {
    /// The document.
    Document(Object),
    /// It still has the tag that the caller holds.
    NotModified,
}

impl Analyses {
    /// The document of an analysis. One request for a `UUIDv7`, two for a named id.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Archived`] if it must be restored first.
    pub async fn load(&self, id: &AnalysisId, options: &GetOptions) -> Result<Loaded> {
        let created_at = self.created_at(id).await?.ok_or_else(|| not_found(id))?;
        match self.requests.get(&self.layout.document(id, created_at), options).await? {
            Got::NotModified => Ok(Loaded::NotModified),
            Got::Found(object) if self.is_kept(&object.meta) => Ok(Loaded::Document(object)),
            Got::Found(_) | Got::Absent => Err(match &options.version_id {
                Some(version) => Error::NotFound(format!("version {version:?} of analysis `{id}`")),
                None => not_found(id),
            }),
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

    pub(super) fn is_kept(&self, meta: &ObjectMeta) -> bool {
        !self.retention.is_over(meta.saved_at, self.clock.now())
    }

    /// The tag of the current document, for callers that compare it themselves.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn etag(&self, id: &AnalysisId) -> Result<ETag> {
        self.describe(id).await.map(|meta| meta.etag)
    }
}

pub(super) fn not_found(id: &AnalysisId) -> Error {
    Error::NotFound(format!("analysis `{id}`"))
}
