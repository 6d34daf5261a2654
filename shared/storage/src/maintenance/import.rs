//! Importing: saving a document that has a history duplicates, so that a second import of it changes nothing.

use md5::{Digest, Md5};

use super::repair::Adopt;
use crate::Analyses;
use crate::bucket::{ETag, GetOptions, Got, Key, ObjectMeta};
use crate::document::Document;
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::index::Entry;
use crate::protocol::Condition;
use crate::retrying::Rounds;
use crate::time::{CreatedAt, SavedAt};

/// What becomes of another document that is stored under the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// The other document stays, and the import has no effect.
    Keep,
    /// The other document is replaced.
    Replace,
}

/// A document to import.
#[derive(Debug, Clone, Copy)]
pub struct Import<'a> {
    /// The id that it is saved under.
    pub id: &'a AnalysisId,
    /// The document itself.
    pub document: &'a Document,
    /// When the analysis was created. It counts for a named id that was never saved; every other id has its own.
    pub created_at: CreatedAt,
    /// What becomes of another document under the id.
    pub existing: Existing,
    /// The entry of the id in a list of not long ago, if there was one: it saves looking for it.
    pub known: Option<&'a Entry>,
}

/// What an import has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportOutcome {
    /// The analysis is there, and was not before.
    Created,
    /// The document has taken the place of another.
    Replaced,
    /// The very document was there already.
    Unchanged,
    /// Another document is stored under the id, and was kept.
    Conflict,
}

/// The answer to an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// What the import has done, or would do.
    pub outcome: ImportOutcome,
    /// The creation time of the id: not the one that was asked for if the id has had one before, or carries one.
    pub created_at: CreatedAt,
}

/// What lies under the id so far.
enum Stored {
    Nothing,
    Same(SavedAt),
    Other(ETag),
}

impl Stored {
    fn outcome(&self, existing: Existing) -> ImportOutcome {
        match (self, existing) {
            (Self::Nothing, _) => ImportOutcome::Created,
            (Self::Same(_), _) => ImportOutcome::Unchanged,
            (Self::Other(_), Existing::Keep) => ImportOutcome::Conflict,
            (Self::Other(_), Existing::Replace) => ImportOutcome::Replaced,
        }
    }
}

impl Analyses {
    /// Saves a document with its creation time, unless the very same is stored already.
    ///
    /// 1. GET the id record of a named id, unless an entry is `known`.
    /// 2. HEAD the document that is stored, and GET it if its size and tag do not tell whether it is the same.
    /// 3. If it is, LIST its entries, unless the `known` one is of its save, and [`repair`](Self::repair) what a crashed
    ///    save has left behind. That is all.
    /// 4. Else [`save`](Self::save) under the condition that nothing has changed since step 2, with the commit point of a
    ///    save; if something has, go back to step 1.
    ///
    /// One request more than a save, two more for a replacement. If the document is there already: one with a `known`
    /// entry, else two, and one more for a named id; and one more if the bucket's entity tags are no MD5 digests.
    ///
    /// # Errors
    /// Those of [`save`](Self::save), and [`Error::Archived`] if what is stored cannot be compared.
    pub async fn import(&self, mut import: Import<'_>) -> Result<Imported> {
        let Import { id, document, existing, known, .. } = import;
        let mut rounds = Rounds::default();
        loop {
            let (created_at, stored) = self.compare(import).await?;
            let outcome = stored.outcome(existing);
            let condition = match (stored, outcome) {
                // An entry stays while its document does.
                (Stored::Same(saved_at), _) if known.is_some_and(|entry| entry.saved_at == saved_at) => {
                    return Ok(Imported { outcome, created_at });
                }
                (Stored::Same(saved_at), _) => {
                    self.ensure_indexed(id, created_at, saved_at).await?;
                    return Ok(Imported { outcome, created_at });
                }
                (_, ImportOutcome::Conflict) => return Ok(Imported { outcome, created_at }),
                (Stored::Other(tag), _) => Condition::Match(tag),
                (Stored::Nothing, _) => Condition::Absent,
            };
            match self.save_created(id, document, &condition, Some(created_at)).await {
                Ok(saved) => return Ok(Imported { outcome, created_at: saved.entry.created_at }),
                // Somebody else has saved or deleted it since it was looked at, or the entry led astray.
                Err(Error::PreconditionFailed(_)) => import.known = None,
                Err(error) => return Err(error),
            }
            self.requests.next_round(&mut rounds, "import", id).await?;
        }
    }

    /// What [`import`](Self::import) would do. Nothing is written.
    ///
    /// # Errors
    /// Those of [`import`](Self::import).
    pub async fn preview_import(&self, import: Import<'_>) -> Result<Imported> {
        let (created_at, stored) = self.compare(import).await?;
        Ok(Imported { outcome: stored.outcome(import.existing), created_at })
    }

    /// The creation time that the id has or would get, and what is stored under it.
    async fn compare(&self, import: Import<'_>) -> Result<(CreatedAt, Stored)> {
        let Import { id, document, created_at, existing, known } = import;
        let placed = match known {
            // The creation time of an id never changes.
            Some(entry) => Some(entry.created_at),
            None => self.created_at(id).await?,
        };
        let Some(created_at) = placed else { return Ok((created_at, Stored::Nothing)) };
        let key = self.layout.document(id, created_at);
        let mut rounds = Rounds::default();
        loop {
            let Some(meta) = self.requests.head(&key).await?.filter(|meta| self.is_kept(meta)) else {
                return Ok((created_at, Stored::Nothing));
            };
            let same = match self.holds(&key, &meta, document.bytes()).await {
                // What is to be replaced need not be read.
                Err(Error::Archived(_)) if existing == Existing::Replace => Some(false),
                result => result?,
            };
            match same {
                Some(true) => return Ok((created_at, Stored::Same(meta.saved_at))),
                Some(false) => return Ok((created_at, Stored::Other(meta.etag))),
                None => self.requests.next_round(&mut rounds, "import", id).await?,
            }
        }
    }

    /// Whether the object has this content; `None` if it is not there any more.
    async fn holds(&self, key: &Key, meta: &ObjectMeta, bytes: &[u8]) -> Result<Option<bool>> {
        if meta.size != bytes.len() as u64 {
            return Ok(Some(false));
        }
        if is_md5(&meta.etag, bytes) {
            return Ok(Some(true));
        }
        match self.requests.get(key, &GetOptions::default()).await? {
            Got::Found(object) if object.meta.saved_at == meta.saved_at => Ok(Some(object.body == bytes)),
            Got::Found(_) | Got::NotModified { .. } | Got::Absent => Ok(None),
        }
    }

    /// Sees to it that the document of this save has its entry, and no other: the save may have crashed.
    async fn ensure_indexed(&self, id: &AnalysisId, created_at: CreatedAt, saved_at: SavedAt) -> Result<()> {
        match &self.entries_of(id, created_at).await?[..] {
            [(_, entry)] if entry.saved_at == saved_at => Ok(()),
            // These very bytes are what the caller imports, whatever they are.
            _ => self.repair_at(id, created_at, Adopt::Everything).await,
        }
    }
}

/// Whether the tag is the MD5 digest of this content, as S3's are for objects that were put whole and encrypted
/// with AES256 (Amazon S3 API Reference, "Object").
fn is_md5(tag: &ETag, bytes: &[u8]) -> bool {
    let digest = Md5::digest(bytes).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    tag.as_str().trim_matches('"') == digest
}
