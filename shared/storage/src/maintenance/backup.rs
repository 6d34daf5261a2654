//! Reading what the index lists, for copies of the store.

use super::repair::{ObservedDocument, SavedBytes, Verdict};
use crate::Analyses;
use crate::bucket::{GetOptions, Got, Object};
use crate::error::Result;
use crate::index::Entry;
use crate::token::ContentToken;

/// Why what is stored is not to take the place of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// Its bytes are not what was saved: why that is known, to follow the id.
    Damaged(String),
    /// Another program has replaced it.
    Changed,
}

impl Doubt {
    /// What speaks against this object being the document that the entry, which was listed before, stands for. What a
    /// save has replaced since is no other than that.
    #[must_use]
    pub fn about(entry: &Entry, object: &Object) -> Option<Self> {
        let is_own = || {
            let token = object.meta.token.unwrap_or_else(|| ContentToken::of_content(&object.body));
            token == entry.token
        };
        if object.meta.saved_at == entry.saved_at && object.meta.size == entry.size && is_own() {
            return None;
        }
        match ObservedDocument::from_content(object.clone()).verdict(&[SavedBytes::from(entry)]) {
            Verdict::Sound => None,
            Verdict::Damaged(why) => Some(Self::Damaged(why)),
            Verdict::Changed => Some(Self::Changed),
        }
    }
}

impl Analyses {
    /// The document that an entry stands for, and what the index says of it, or will say if it has just been replaced.
    /// `None` if it has been deleted. One request.
    ///
    /// # Errors
    /// [`Error::Archived`](crate::Error::Archived) if it must be restored first.
    pub async fn read_for_backup(&self, entry: &Entry) -> Result<Option<(Entry, Object)>> {
        match self.requests.get(&self.document_key(entry), &GetOptions::default()).await? {
            Got::Found(object) if object.meta.saved_at == entry.saved_at => Ok(Some((entry.clone(), object))),
            Got::Found(object) => {
                let observed = ObservedDocument::from_content(object.clone());
                Ok(Some((observed.into_entry(&entry.id, entry.created_at), object)))
            }
            Got::Absent | Got::NotModified { .. } => Ok(None),
        }
    }
}
