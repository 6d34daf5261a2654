//! The contents of documents that the listings agree on: read, and compared with what their entries say.

use super::verdict::{SavedBytes, Verdict};
use super::{Damage, Finding, ObservedDocument};
use crate::Analyses;
use crate::bucket::{GetOptions, Got, Key};
use crate::error::{Error, Result};
use crate::id::AnalysisId;

/// A document whose size and time are what its entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreedDocument {
    pub(super) id: AnalysisId,
    pub(super) key: Key,
    pub(super) saved: SavedBytes,
}

impl AgreedDocument {
    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.saved.size
    }
}

/// What the contents of one document have shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// So many bytes were read, and they are what was saved.
    Sound(u64),
    /// They are not, or could not be read.
    Found(Finding),
    /// The document lies in an archive.
    Archived,
    /// It was replaced or deleted after it was listed.
    Gone,
}

impl Analyses {
    /// Reads a document and compares its bytes with what its entry says. One request.
    ///
    /// Where entity tags are no digests, as those of S3 with keys of KMS, nothing tells but that it is JSON.
    ///
    /// # Errors
    /// Those of a storage that does not answer at all. What fails for this document only is a finding.
    pub async fn check_contents(&self, document: &AgreedDocument) -> Result<Contents> {
        let AgreedDocument { id, key, saved } = document;
        let object = match self.requests.get(key, &GetOptions::default()).await {
            Ok(Got::Found(object)) if object.meta.saved_at == saved.saved_at => object,
            Ok(_) => return Ok(Contents::Gone),
            Err(Error::Archived(_)) => return Ok(Contents::Archived),
            Err(error) => return self.unreadable(error, key.clone()).await.map(Contents::Found),
        };
        let size = object.meta.size;
        Ok(match ObservedDocument::from_content(object).verdict_on_contents(*saved) {
            Verdict::Sound => Contents::Sound(size),
            Verdict::Damaged(why) => Contents::Found(Finding::damaged(id, key.clone(), &why, true)),
            Verdict::Changed => Contents::Found(Finding::changed(id, key.clone(), false)),
        })
    }

    /// The finding that an error is, if the storage answers otherwise.
    pub(super) async fn unreadable(&self, error: Error, key: Key) -> Result<Finding> {
        if self.probe().await.is_err() {
            return Err(error);
        }
        let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let reason = chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        Ok(Finding::by_hand(Damage::Unreadable, key, reason))
    }
}
