//! Bringing archived documents back.

use crate::Analyses;
use crate::bucket::{RestoreTier, Restoring};
use crate::error::Result;
use crate::id::AnalysisId;
use crate::protocol::not_found;

impl Analyses {
    /// Asks for a copy of an archived document that can be read for this many days. One request for a `UUIDv7`, two
    /// for a named id.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound), and [`Error::Unsupported`](crate::Error::Unsupported) if the bucket
    /// has no archive.
    pub async fn restore_archived(&self, id: &AnalysisId, days: u32, tier: RestoreTier) -> Result<Restoring> {
        let created_at = self.created_at(id).await?.ok_or_else(|| not_found(id))?;
        match self.requests.restore(&self.layout.document(id, created_at), days, tier).await? {
            Restoring::Absent => Err(not_found(id)),
            restoring => Ok(restoring),
        }
    }
}
