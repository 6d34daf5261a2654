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
    pub(super) is_ours: bool,
    pub(super) token: ContentToken,
    /// Whether the token is of the entity tag, and not of what was read.
    pub(super) is_token_of_tag: bool,
    pub(super) size: u64,
    pub(super) summary: Summary,
    /// Whether the summary is what the content says; otherwise it is what the object's metadata says.
    pub(super) is_read: bool,
    /// What the content is; `None` if it was not read.
    pub(super) content: Option<Content>,
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Content {
    /// The token of the bytes, which is not that of the object where entity tags are no digests.
    pub(super) token: ContentToken,
    pub(super) kind: ContentKind,
}

/// How far what was read is a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentKind {
    Object,
    /// JSON, but no object.
    OtherJson,
    NoJson,
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
    pub(in crate::maintenance) fn from_content(Object { meta, body, .. }: Object) -> Self {
        let own = ContentToken::of_content(&body);
        let token = meta.token.unwrap_or(own);
        let is_object = body.trim_ascii_start().starts_with(b"{");
        let content = |kind| Some(Content { token: own, kind });
        match Document::parse(body) {
            Ok(document) => Self {
                saved_at: meta.saved_at,
                is_ours: meta.is_ours,
                token,
                is_token_of_tag: meta.token.is_some(),
                size: document.size(),
                summary: document.summary().clone(),
                is_read: true,
                content: content(ContentKind::Object),
            },
            Err(error) => {
                let kind = match error {
                    Error::MalformedDocument(_) => ContentKind::NoJson,
                    _ if is_object => ContentKind::Object,
                    _ => ContentKind::OtherJson,
                };
                Self { token, content: content(kind), ..Self::from_metadata(&meta) }
            }
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
        let ObjectMeta { saved_at, is_ours, size, .. } = *meta;
        let is_token_of_tag = meta.token.is_some();
        Self { saved_at, is_ours, token, is_token_of_tag, size, summary, is_read: false, content: None }
    }
}
