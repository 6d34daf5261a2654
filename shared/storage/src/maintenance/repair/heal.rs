//! Healing: a document that is damaged or gone, brought back as the very bytes that its own save recorded.

use super::verdict::{SavedBytes, Verdict};
use super::{Damage, Finding};
use crate::Analyses;
use crate::bucket::{ETag, MAX_KEYS};
use crate::document::Document;
use crate::error::{Error, Result};
use crate::index::Entry;
use crate::protocol::Condition;
use crate::time::{CreatedAt, SavedAt};
use crate::token::ContentToken;

/// An analysis whose document is damaged or gone, and what the index knows of the document that was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wounded {
    entry: Entry,
    /// The tag of what lies there instead, if anything does.
    there: Option<ETag>,
    /// Whether the entry's token is of the content: so it is wherever entity tags are digests of it.
    is_token_of_content: bool,
}

impl Wounded {
    /// The newest entry of the analysis.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Whether there is no document at all.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.there.is_none()
    }

    /// Whether these bytes, of a copy that was made of this save, are those that were saved: by size and content token,
    /// or, where tokens do not tell, by size and save.
    #[must_use]
    pub fn is_healed_by(&self, bytes: &[u8], saved_at: Option<SavedAt>) -> bool {
        let Entry { size, token, saved_at: own, .. } = &self.entry;
        let is_same_save = || !self.is_token_of_content && saved_at == Some(*own);
        bytes.len() as u64 == *size && (ContentToken::of_content(bytes) == *token || is_same_save())
    }
}

impl Analyses {
    /// What is to be brought back where a repair has left this finding; `None` if it is nothing that a copy could heal:
    /// the document is neither damaged nor gone, or has never had an entry.
    ///
    /// 1. GET the id record of a named id.
    /// 2. LIST the entries of the id, *then* HEAD the document, and GET it if there is one.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn find_wound(&self, finding: &Finding) -> Result<Option<Wounded>> {
        let is_wound = matches!(finding.damage, Damage::DamagedDocument | Damage::DanglingEntry);
        let Some(created_at) = self.created_at_of(finding).await?.filter(|_| is_wound && !finding.repaired)
        else {
            return Ok(None);
        };
        let Some(id) = &finding.id else { return Ok(None) };
        let listing = self.requests.list(&self.layout.entries_of(id, created_at), None, MAX_KEYS).await?;
        let entry =
            |object: &crate::bucket::Listed| Some((self.layout.parse_entry(&object.key)?, object.token));
        let newest = listing.objects.iter().filter_map(entry).max_by_key(|(entry, _)| entry.saved_at);
        let Some((entry, own_token)) = newest else { return Ok(None) };
        // Entries are empty, so that their own tags show what tags are made of here.
        let is_token_of_content = own_token.is_none_or(|token| token == ContentToken::of_content(b""));
        let wounded = |there| Wounded { entry: entry.clone(), there, is_token_of_content };
        let document = self.layout.document(id, created_at);
        let Some(meta) = self.requests.head(&document).await? else { return Ok(Some(wounded(None))) };
        let Some(observed) = self.observe(&document).await? else { return Ok(None) };
        Ok(match observed.verdict(&[SavedBytes::from(&entry)]) {
            Verdict::Damaged(_) => Some(wounded(Some(meta.etag))),
            Verdict::Sound | Verdict::Changed => None,
        })
    }

    /// Saves what was saved before in the place of what is damaged or gone, unless somebody else has saved meanwhile:
    /// whether it did. The creation time stays.
    ///
    /// As [`save`](Analyses::save), under the condition that nothing has changed since the wound was found.
    ///
    /// # Errors
    /// Those of [`save`](Analyses::save).
    pub async fn heal(&self, wounded: &Wounded, document: &Document) -> Result<bool> {
        let Wounded { entry: Entry { id, created_at, .. }, there, .. } = wounded;
        let condition = there.clone().map_or(Condition::Absent, Condition::Match);
        match self.save_created(id, document, &condition, Some(*created_at)).await {
            Ok(_) => Ok(true),
            Err(Error::PreconditionFailed(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// When the analysis of a finding was created. What is lost may have lost its id record, too.
    async fn created_at_of(&self, finding: &Finding) -> Result<Option<CreatedAt>> {
        let Some(id) = &finding.id else { return Ok(None) };
        match self.created_at(id).await {
            Ok(None) | Err(Error::Corrupt { .. }) => {
                Ok(self.layout.parse_entry(&finding.key).map(|entry| entry.created_at))
            }
            known => known,
        }
    }
}
