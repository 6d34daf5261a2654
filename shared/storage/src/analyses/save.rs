//! Saving: the document first, then the entry that makes it known.

use bytes::Bytes;

use super::Analyses;
use super::settle::IdRecord;
use crate::bucket::{ETag, Precondition, Put};
use crate::document::Document;
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::index::Entry;
use crate::requests::{Outcome, Written};
use crate::time::{CreatedAt, SavedAt};

/// How often a replacement is tried while others replace the same analysis.
const REPLACE_ATTEMPTS: usize = 5;

/// What the caller demands of what is stored under the id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Condition {
    /// Nothing: create or replace.
    #[default]
    None,
    /// There is no such analysis (`If-None-Match: *`).
    Absent,
    /// There is such an analysis, whatever it holds (`If-Match: *`).
    Present,
    /// The analysis has this entity tag (`If-Match: "..."`).
    Match(ETag),
}

/// An acknowledged save.
#[derive(Debug, Clone)]
pub struct Saved {
    /// What list now says of the analysis.
    pub entry: Entry,
    /// The entity tag of the stored document.
    pub etag: ETag,
    /// Whether the id was free before.
    pub created: bool,
}

impl Analyses {
    /// Saves a document under a new `UUIDv7`. Two requests.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the bucket does not answer; the analysis may then be stored or not.
    pub async fn save_new(&self, document: &Document) -> Result<Saved> {
        let created_at = CreatedAt::clamped(self.clock.now());
        let id = AnalysisId::generate(created_at, [self.clock.random(), self.clock.random()]);
        match self.put_document(&id, created_at, document, &Precondition::Absent).await? {
            // Nobody else can know the id yet, so there is nothing to settle.
            Outcome::Written(written) => self.put_entry(&id, created_at, document, written, true).await,
            Outcome::Refused { .. } => Err(Error::unavailable("save", format!("the new id {id} is taken"))),
        }
    }

    /// Saves a document under an id of the caller's, creating it or replacing what is there.
    ///
    /// Four requests to create a `UUIDv7`, five for a named id; five or seven to replace. One more for each stale
    /// entry, and one if the day of its creation is over. A save that is refused because of what is stored takes two
    /// more than it had sent by then.
    ///
    /// # Errors
    /// [`Error::PreconditionFailed`] if `condition` does not hold; the analysis has not changed then, and is listed.
    /// [`Error::Unavailable`] if the bucket does not answer; the document may then be stored or not.
    pub async fn save(&self, id: &AnalysisId, document: &Document, condition: &Condition) -> Result<Saved> {
        self.save_created(id, document, condition, CreatedAt::clamped(self.clock.now())).await
    }

    /// The same; a named id that was never saved gets this creation time.
    pub(super) async fn save_created(
        &self,
        id: &AnalysisId,
        document: &Document,
        condition: &Condition,
        created_at: CreatedAt,
    ) -> Result<Saved> {
        let created_at = match condition {
            Condition::None | Condition::Absent => self.claim(id, created_at).await?,
            // A condition that cannot hold must not leave an id record behind.
            Condition::Present | Condition::Match(_) => {
                self.created_at(id).await?.ok_or_else(|| does_not_exist(id))?
            }
        };
        self.mark(created_at).await?;
        let outcome = self.write_document(id, created_at, document, condition).await;
        if let Err(Error::PreconditionFailed(_)) = outcome {
            self.mend(id, created_at).await?;
        }
        let (written, created) = outcome?;
        let saved = self.put_entry(id, created_at, document, written, created).await?;
        self.settle(id, created_at).await?;
        Ok(saved)
    }

    /// The id's creation time, fixed if it has none.
    async fn claim(&self, id: &AnalysisId, created_at: CreatedAt) -> Result<CreatedAt> {
        match id.created_at() {
            Some(created_at) => Ok(created_at),
            None => self.fix(id, created_at).await,
        }
    }

    /// Fixes the creation time of a named id, unless it has one; the one it then has.
    pub(super) async fn fix(&self, id: &AnalysisId, created_at: CreatedAt) -> Result<CreatedAt> {
        let record = serde_json::to_vec(&IdRecord { created_at: created_at.timestamp() })
            .map_err(|e| Error::corrupt(id, e.to_string()))?;
        let body = Bytes::from(record);
        let put = |saved_at| Put {
            key: self.layout.id_record(id),
            body: body.clone(),
            saved_at,
            metadata: Vec::new(),
            precondition: Precondition::Absent,
        };
        match self.requests.put(put).await? {
            Outcome::Written(_) => Ok(created_at),
            Outcome::Refused { .. } => self
                .created_at(id)
                .await?
                .ok_or_else(|| Error::corrupt(&self.layout.id_record(id), "it exists, and cannot be read")),
        }
    }

    async fn write_document(
        &self,
        id: &AnalysisId,
        created_at: CreatedAt,
        document: &Document,
        condition: &Condition,
    ) -> Result<(Written, bool)> {
        let put = |precondition| self.put_document(id, created_at, document, precondition);
        let (outcome, created) = match condition {
            Condition::Absent => (self.create(id, created_at, document).await?, true),
            Condition::Match(tag) => (put(&Precondition::Match(tag.clone())).await?, false),
            Condition::Present => (self.replace_present(id, created_at, document).await?, false),
            Condition::None => match put(&Precondition::Absent).await? {
                Outcome::Refused { .. } => (put(&Precondition::None).await?, false),
                written @ Outcome::Written(_) => (written, true),
            },
        };
        match outcome {
            Outcome::Written(written) => Ok((written, created)),
            Outcome::Refused { certain: true } => Err(refused(id, condition)),
            Outcome::Refused { certain: false } => {
                Err(Error::unavailable("save", "an answer was lost, and the analysis has changed since"))
            }
        }
    }

    /// Replaces whatever is there: S3 has no condition for that but the tag of the moment.
    async fn replace_present(
        &self,
        id: &AnalysisId,
        created_at: CreatedAt,
        document: &Document,
    ) -> Result<Outcome> {
        for _ in 0..REPLACE_ATTEMPTS {
            let existing = self.requests.head(&self.layout.document(id, created_at)).await?;
            let existing = existing.filter(|meta| self.is_kept(meta)).ok_or_else(|| does_not_exist(id))?;
            let precondition = Precondition::Match(existing.etag);
            match self.put_document(id, created_at, document, &precondition).await? {
                Outcome::Refused { certain: true } => {}
                outcome => return Ok(outcome),
            }
        }
        Err(Error::unavailable("save", "others replaced the analysis again and again"))
    }

    /// Creates where nothing is, or only an analysis past its retention, which readers no longer see and which the
    /// bucket may remove at any moment.
    async fn create(&self, id: &AnalysisId, created_at: CreatedAt, document: &Document) -> Result<Outcome> {
        for _ in 0..REPLACE_ATTEMPTS {
            let outcome = self.put_document(id, created_at, document, &Precondition::Absent).await?;
            if !matches!(outcome, Outcome::Refused { certain: true }) || self.retention.is_forever() {
                return Ok(outcome);
            }
            match self.requests.head(&self.layout.document(id, created_at)).await? {
                Some(meta) if self.is_kept(&meta) => return Ok(outcome),
                Some(expired) => {
                    let precondition = Precondition::Match(expired.etag);
                    match self.put_document(id, created_at, document, &precondition).await? {
                        Outcome::Refused { certain: true } => {}
                        outcome => return Ok(outcome),
                    }
                }
                None => {}
            }
        }
        Err(Error::unavailable("save", "others save and remove the analysis again and again"))
    }

    async fn put_document(
        &self,
        id: &AnalysisId,
        created_at: CreatedAt,
        document: &Document,
        precondition: &Precondition,
    ) -> Result<Outcome> {
        let key = self.layout.document(id, created_at);
        let put = |saved_at| Put {
            key: key.clone(),
            body: document.bytes().clone(),
            saved_at,
            metadata: metadata(id, document, saved_at),
            precondition: precondition.clone(),
        };
        self.requests.put(put).await
    }

    async fn put_entry(
        &self,
        id: &AnalysisId,
        created_at: CreatedAt,
        document: &Document,
        written: Written,
        created: bool,
    ) -> Result<Saved> {
        let Written { saved_at, etag } = written;
        let (summary, size) = (document.summary().clone(), document.size());
        let entry = Entry { id: id.clone(), created_at, saved_at, summary, size };
        self.requests.put_empty(&self.layout.entry(&entry)).await?;
        Ok(Saved { entry, etag, created })
    }
}

/// What other programs and people may read off the object itself.
fn metadata(id: &AnalysisId, document: &Document, saved_at: SavedAt) -> Vec<(&'static str, String)> {
    let summary = document.summary();
    let timestamp = summary.timestamp.unwrap_or_else(|| saved_at.timestamp());
    vec![
        ("request_id", id.to_string()),
        ("implementation", summary.implementation.to_string()),
        ("status", summary.status.to_string()),
        ("timestamp", timestamp.to_string()),
        ("file_type", "analysis".to_owned()),
    ]
}

fn does_not_exist(id: &AnalysisId) -> Error {
    Error::PreconditionFailed(format!("analysis `{id}` does not exist"))
}

fn refused(id: &AnalysisId, condition: &Condition) -> Error {
    match condition {
        Condition::Absent => Error::PreconditionFailed(format!("analysis `{id}` exists already")),
        Condition::None | Condition::Present | Condition::Match(_) => Error::PreconditionFailed(format!(
            "analysis `{id}` has changed: it does not have the tag of If-Match"
        )),
    }
}
