//! Damage told from change: whether the bytes of a document are those that were saved.

use super::observed::{ContentKind, ObservedDocument};
use crate::config::MOST_DOCUMENT_BYTES;
use crate::index::Entry;
use crate::time::SavedAt;
use crate::token::ContentToken;

/// What an index entry says of the bytes that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::maintenance) struct SavedBytes {
    pub(super) saved_at: SavedAt,
    pub(super) size: u64,
    pub(super) token: ContentToken,
}

impl From<&Entry> for SavedBytes {
    fn from(entry: &Entry) -> Self {
        Self { saved_at: entry.saved_at, size: entry.size, token: entry.token }
    }
}

/// What a document is to the entries of its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::maintenance) enum Verdict {
    /// What an entry says, what a save of ours has left behind, or the first document of its id.
    Sound,
    /// Its bytes are not what was saved, or no document at all: why that is known.
    Damaged(String),
    /// A document, but not the one that was saved.
    Changed,
}

impl ObservedDocument {
    /// Judges the document by the entries of its id, which were listed before it was looked at.
    ///
    /// An entry knows size and content token of what it stands for. A save that has not written its entry yet is known
    /// by its object: other programs do not write what marks it as ours.
    pub(in crate::maintenance) fn verdict(&self, saved: &[SavedBytes]) -> Verdict {
        let kind = self.content.map(|content| content.kind);
        if saved.iter().any(|saved| self.has_bytes_of(saved)) {
            return Verdict::Sound;
        }
        if self.size > MOST_DOCUMENT_BYTES {
            return Verdict::Damaged(format!("has {} bytes, more than any document may have", self.size));
        }
        let is_indexed = !saved.is_empty();
        match kind {
            Some(ContentKind::NoJson) => return Verdict::Damaged(self.no_object()),
            Some(ContentKind::OtherJson) if is_indexed => return Verdict::Damaged(self.no_object()),
            _ => {}
        }
        match saved.iter().find(|saved| saved.saved_at == self.saved_at) {
            Some(own) if own.size != self.size => {
                Verdict::Damaged(format!("has {} bytes, and {} were saved", self.size, own.size))
            }
            Some(_) => self.other_bytes(),
            None if is_indexed && !self.is_ours => Verdict::Changed,
            None => Verdict::Sound,
        }
    }

    /// As many bytes as its own entry says, but others.
    fn other_bytes(&self) -> Verdict {
        match self.content {
            // Nobody can tell: an entity tag that is no digest changes with the bucket that an object is copied to.
            None => Verdict::Sound,
            Some(content) if content.token != self.token => Verdict::Sound,
            // The entry's may have been such a tag.
            Some(_) if self.is_token_of_tag => Verdict::Changed,
            Some(_) => Verdict::Damaged("has other bytes than were saved".to_owned()),
        }
    }

    fn has_bytes_of(&self, saved: &SavedBytes) -> bool {
        let is_of = |token| token == saved.token;
        saved.size == self.size && (is_of(self.token) || self.content.is_some_and(|own| is_of(own.token)))
    }

    /// Judges a document that the listings agree on, by its bytes. That of no save is no JSON, whatever its entry says:
    /// it was taken in as it lay there.
    pub(super) fn verdict_on_contents(&self, saved: SavedBytes) -> Verdict {
        match self.content.map(|content| content.kind) {
            Some(ContentKind::NoJson) => Verdict::Damaged(self.no_object()),
            _ => self.verdict(&[saved]),
        }
    }

    fn no_object(&self) -> String {
        match self.size {
            0 => "is empty".to_owned(),
            size => format!("has {size} bytes, and they are no JSON object"),
        }
    }
}
