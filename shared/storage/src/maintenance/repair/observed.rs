//! A document as one request saw it, and the index entry that follows from it.

use crate::Analyses;
use crate::bucket::{GetOptions, Got, Key, Object, ObjectMeta};
use crate::document::{Document, Summary};
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::index::Entry;
use crate::instant;
use crate::label::{Label, LabelKind};
use crate::time::{CreatedAt, SavedAt};
use crate::token::ContentToken;

/// A larger document is not read to be indexed: other programs may have put anything there, and a repair must
/// fit a small Lambda function.
const MAX_READ: u64 = 64 << 20;

/// The document as one request saw it: content and token belong together.
#[derive(Debug)]
pub(in crate::maintenance) struct ObservedDocument {
    pub(super) saved_at: SavedAt,
    token: ContentToken,
    pub(super) size: u64,
    pub(super) summary: Summary,
    /// Whether the summary is what the content says; otherwise it is what the object's metadata says.
    pub(super) is_read: bool,
}

impl Analyses {
    pub(super) async fn observe(&self, document: &Key) -> Result<Option<ObservedDocument>> {
        let Some(meta) = self.requests.head(document).await? else { return Ok(None) };
        if meta.archived || meta.size > MAX_READ {
            return Ok(Some(ObservedDocument::from_metadata(&meta)));
        }
        match self.requests.get(document, &GetOptions::default()).await {
            Ok(Got::Found(object)) => Ok(Some(ObservedDocument::from_content(object))),
            Ok(Got::Absent | Got::NotModified { .. }) => Ok(None),
            // Not every store tells in the answer to HEAD.
            Err(Error::Archived(_)) => Ok(Some(ObservedDocument::from_metadata(&meta))),
            Err(error) => Err(error),
        }
    }
}
impl ObservedDocument {
    pub(in crate::maintenance) fn from_content(Object { meta, body }: Object) -> Self {
        let token = meta.token.unwrap_or_else(|| ContentToken::of_content(&body));
        match Document::parse(body) {
            Ok(document) => Self {
                saved_at: meta.saved_at,
                token,
                size: document.size(),
                summary: document.summary().clone(),
                is_read: true,
            },
            Err(_) => Self { token, ..Self::from_metadata(&meta) },
        }
    }

    /// The entry that says so.
    pub(in crate::maintenance) fn into_entry(self, id: &AnalysisId, created_at: CreatedAt) -> Entry {
        let Self { saved_at, token, size, summary, .. } = self;
        Entry { id: id.clone(), created_at, saved_at, token, summary, size }
    }

    fn from_metadata(meta: &ObjectMeta) -> Self {
        let text = |name: &str| meta.metadata.get(name).map(String::as_str);
        let label = |kind: LabelKind| {
            let parsed = text(kind.name()).and_then(|text| Label::parse(kind, text).ok());
            parsed.unwrap_or_else(Label::unknown)
        };
        let summary = Summary {
            implementation: label(LabelKind::Implementation),
            status: label(LabelKind::Status),
            timestamp: text("timestamp").and_then(instant::parse),
            execution_ms: None,
        };
        let token = meta.token.unwrap_or_else(|| ContentToken::of_tag(&meta.etag));
        Self { saved_at: meta.saved_at, token, size: meta.size, summary, is_read: false }
    }
}
