//! Repairing one analysis: its index entry is derived anew from its document.

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
pub(super) struct Sight {
    pub(super) saved_at: SavedAt,
    token: ContentToken,
    pub(super) size: u64,
    pub(super) summary: Summary,
    /// Whether the summary is what the content says; otherwise it is what the object's metadata says.
    is_read: bool,
}

impl Analyses {
    /// Makes the index agree with the document of this id, whatever a crashed save or delete, or another
    /// program, has left behind. An id without a document ends up without entries.
    ///
    /// The entry says what the document says of itself. If that cannot be read, because it is archived or no
    /// analysis at all, it says what the object's user metadata says, and `unknown` where those are silent.
    /// Safe at any time, beside any number of saves, deletes and other repairs of the id.
    ///
    /// # Errors
    /// Only those of every request, and [`Error::Corrupt`] for an id record that cannot be read.
    pub async fn repair(&self, id: &AnalysisId) -> Result<()> {
        match self.created_at(id).await? {
            Some(created_at) => self.repair_at(id, created_at).await,
            None => Ok(()),
        }
    }

    /// The same for an id whose creation time is known.
    ///
    /// The order is that of a save: the document is looked at, its entry written, and only then are the
    /// entries listed that may have to go.
    pub(crate) async fn repair_at(&self, id: &AnalysisId, created_at: CreatedAt) -> Result<()> {
        let mut has_changed = false;
        if let Some(sight) = self.look(&self.layout.document(id, created_at)).await? {
            // Metadata know less than the entry that the save wrote, and theirs would stand beside it.
            if sight.is_read || !self.has_entry(id, created_at, sight.saved_at).await? {
                let entry = sight.into_entry(id, created_at);
                self.mark(created_at).await?;
                self.requests.put_empty(&self.layout.entry(&entry)).await?;
                has_changed = true;
            }
        }
        has_changed |= self.settle(id, created_at).await?;
        if has_changed { self.confirm(created_at).await } else { Ok(()) }
    }

    /// Repairs the id if its index and document disagree, before the caller learns that a condition does not hold.
    ///
    /// The condition may fail because the caller's own earlier try, whose outcome is unknown, was cut off between
    /// document and entry. A caller who is refused does not come back, so that nobody else would finish the work.
    pub(crate) async fn mend(&self, id: &AnalysisId, created_at: CreatedAt) -> Result<()> {
        let entries = self.entries_of(id, created_at).await?;
        let agree = match self.requests.head(&self.layout.document(id, created_at)).await? {
            Some(meta) => entries.iter().any(|(_, entry)| entry.saved_at == meta.saved_at),
            None => entries.is_empty(),
        };
        if agree { Ok(()) } else { self.repair_at(id, created_at).await }
    }

    async fn has_entry(&self, id: &AnalysisId, created_at: CreatedAt, saved_at: SavedAt) -> Result<bool> {
        let entries = self.entries_of(id, created_at).await?;
        Ok(entries.iter().any(|(_, entry)| entry.saved_at == saved_at))
    }

    pub(super) async fn look(&self, document: &Key) -> Result<Option<Sight>> {
        let Some(meta) = self.requests.head(document).await? else { return Ok(None) };
        if meta.archived || meta.size > MAX_READ {
            return Ok(Some(Sight::from_metadata(&meta)));
        }
        match self.requests.get(document, &GetOptions::default()).await {
            Ok(Got::Found(object)) => Ok(Some(Sight::from_content(object))),
            Ok(Got::Absent | Got::NotModified { .. }) => Ok(None),
            // Not every store tells in the answer to HEAD.
            Err(Error::Archived(_)) => Ok(Some(Sight::from_metadata(&meta))),
            Err(error) => Err(error),
        }
    }
}

impl Sight {
    pub(super) fn from_content(Object { meta, body }: Object) -> Self {
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
    pub(super) fn into_entry(self, id: &AnalysisId, created_at: CreatedAt) -> Entry {
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
