//! Saving: the document first, then the entry that makes it known.

use crate::Analyses;
use crate::bucket::{ETag, ObjectMeta, Precondition, Put};
use crate::document::Document;
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::index::Entry;
use crate::retrying::{PutOutcome, Rounds, Written};
use crate::time::{CreatedAt, SavedAt};

/// A larger body is not sent on the chance that nothing is there yet: a look comes first.
const LARGE: u64 = 1 << 20;

/// What the caller demands of what is stored under the id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Condition {
    /// No condition: create or replace.
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

/// Where a document goes: the id, and its creation time.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    id: &'a AnalysisId,
    created_at: CreatedAt,
}

impl Analyses {
    /// Saves a document under a new `UUIDv7`.
    ///
    /// 1. PUT the document, where nothing is.
    /// 2. PUT its index entry. This is the commit point: list and totals show the analysis.
    ///
    /// Two requests; one before them if it is the first of this process, and no [`probe`](Self::probe) has asked the
    /// bucket for its time.
    ///
    /// # Errors
    /// [`Error::NoAnswer`] if the analysis may be stored or not; [`Error::Refused`], or [`Error::Contended`] should others
    /// use the new id, if it is not.
    pub async fn save_new(&self, document: &Document) -> Result<Saved> {
        if !self.requests.knows_time() {
            self.probe().await?;
        }
        let created_at = CreatedAt::clamped(self.clock().now());
        let id = AnalysisId::generate(created_at, [self.clock().random(), self.clock().random()]);
        let place = Place { id: &id, created_at };
        match self.put_document(place, document, None).await? {
            // Nobody else can know the id yet, so that no entry can be stale.
            PutOutcome::Written(written) => {
                let saved = self.put_entry(place, document, written, true).await.map_err(Error::half_done)?;
                self.confirm(created_at).await.map_err(Error::half_done)?;
                Ok(saved)
            }
            PutOutcome::Failed => Err(Error::contended("save", &id)),
        }
    }

    /// Saves a document under an id of the caller's, creating it or replacing what is there.
    ///
    /// 1. For a named id, PUT its id record, where none is; if there is one, GET it. With a condition on what is there
    ///    only the latter, so that no record is left behind.
    /// 2. PUT a marker, if the period of its creation is over and this process has not written one just before.
    /// 3. HEAD the document, if the id is known, the document large, or a condition set on what is there.
    /// 4. PUT the document, where nothing is or over just what step 3 saw. If others were faster, go back to step 3.
    ///    Load shows it.
    /// 5. PUT its index entry. This is the commit point: list and totals show it, too.
    /// 6. Prune: LIST the entries of the id, *then* HEAD the document, then DELETE every entry that is stale.
    /// 7. PUT the marker again, if it has aged. The save is acknowledged.
    ///
    /// If the condition does not hold, steps 5 to 7 give way to a LIST and a HEAD, and to a [`repair`](Self::repair) if
    /// these disagree.
    ///
    /// Four requests to create a `UUIDv7`, five for a named id; to replace, seven (with a condition on what is there
    /// six) and one more for a named id, the entry of the replaced document included. One more for each further stale
    /// entry, for a marker if the period of its creation is over, and for a look before a document of more than 1 MiB
    /// is created. A save that is refused because of what is stored takes two more than it had sent by then.
    ///
    /// # Errors
    /// [`Error::PreconditionFailed`] if `condition` does not hold; the analysis has not changed then, and is listed.
    /// [`Error::NoAnswer`] if the document may be stored or not; [`Error::Refused`], or [`Error::Contended`] if others
    /// were faster each time, if it is not.
    pub async fn save(&self, id: &AnalysisId, document: &Document, condition: &Condition) -> Result<Saved> {
        self.save_created(id, document, condition, None).await
    }

    /// Saves as [`save`](Self::save) does; a named id that was never saved gets this creation time, or the present.
    ///
    /// # Errors
    /// Those of [`save`](Self::save).
    pub async fn save_created(
        &self,
        id: &AnalysisId,
        document: &Document,
        condition: &Condition,
        created_at: Option<CreatedAt>,
    ) -> Result<Saved> {
        let (created_at, is_known) = match condition {
            Condition::None | Condition::Absent => self.claim(id, created_at).await?,
            // A condition that cannot hold must not leave an id record behind.
            Condition::Present | Condition::Match(_) => {
                (self.created_at(id).await?.ok_or_else(|| does_not_exist(id))?, true)
            }
        };
        let place = Place { id, created_at };
        self.mark(created_at).await?;
        let look_first = is_known || document.size() > LARGE;
        let (written, created) = match self.write_document(place, document, condition, look_first).await {
            Err(refused @ Error::PreconditionFailed(_)) => {
                self.repair_if_inconsistent(id, created_at, false).await?;
                self.confirm(created_at).await?;
                return Err(refused);
            }
            result => result?,
        };
        self.finish(place, document, written, created).await.map_err(Error::half_done)
    }

    /// What is left to do once the document is written.
    async fn finish(
        &self,
        place: Place<'_>,
        document: &Document,
        written: Written,
        created: bool,
    ) -> Result<Saved> {
        let saved = self.put_entry(place, document, written, created).await?;
        self.prune_stale_entries(place.id, place.created_at).await?;
        self.confirm(place.created_at).await?;
        Ok(saved)
    }

    /// The id's creation time, fixed if it has none, and whether the id was known before.
    async fn claim(&self, id: &AnalysisId, created_at: Option<CreatedAt>) -> Result<(CreatedAt, bool)> {
        if let Some(created_at) = id.created_at() {
            return Ok((created_at, false));
        }
        if created_at.is_none() && !self.requests.knows_time() {
            self.probe().await?;
        }
        let created_at = created_at.unwrap_or_else(|| CreatedAt::clamped(self.clock().now()));
        self.ensure_id_record(id, created_at).await
    }

    /// Writes the document over what is there, if the condition allows it, and only over that: whether it is new.
    async fn write_document(
        &self,
        place: Place<'_>,
        document: &Document,
        condition: &Condition,
        look_first: bool,
    ) -> Result<(Written, bool)> {
        let mut rounds = Rounds::default();
        let must_look = look_first || matches!(condition, Condition::Present | Condition::Match(_));
        let mut seen = if must_look { self.head_document(place).await? } else { None };
        self.check(place.id, condition, seen.as_ref())?;
        loop {
            // What readers no longer saw was not there.
            let created = !seen.as_ref().is_some_and(|meta| self.is_kept(meta));
            if let PutOutcome::Written(written) = self.put_document(place, document, seen.as_ref()).await? {
                return Ok((written, created));
            }
            if *condition == Condition::Absent && seen.is_none() && self.retention.is_forever() {
                return Err(exists_already(place.id));
            }
            seen = self.head_document(place).await?;
            self.check(place.id, condition, seen.as_ref())?;
            self.requests.next_round(&mut rounds, "save", place.id).await?;
        }
    }

    async fn head_document(&self, place: Place<'_>) -> Result<Option<ObjectMeta>> {
        self.requests.head(&self.layout.document(place.id, place.created_at)).await
    }

    /// Whether what is there meets the condition. What is past its retention is not there: readers no longer see it, and
    /// the bucket may remove it at any moment.
    fn check(&self, id: &AnalysisId, condition: &Condition, seen: Option<&ObjectMeta>) -> Result<()> {
        match (condition, seen.filter(|meta| self.is_kept(meta))) {
            (Condition::None, _) | (Condition::Absent, None) | (Condition::Present, Some(_)) => Ok(()),
            (Condition::Absent, Some(_)) => Err(exists_already(id)),
            (Condition::Match(tag), Some(meta)) if meta.etag == *tag => Ok(()),
            (Condition::Match(_), Some(_)) => Err(Error::PreconditionFailed(format!(
                "analysis `{id}` has changed: it does not have the tag of If-Match"
            ))),
            (Condition::Present | Condition::Match(_), None) => Err(does_not_exist(id)),
        }
    }

    /// Writes the document where nothing is, or over just what was seen.
    async fn put_document(
        &self,
        place: Place<'_>,
        document: &Document,
        seen: Option<&ObjectMeta>,
    ) -> Result<PutOutcome> {
        let key = self.layout.document(place.id, place.created_at);
        let precondition = seen.map_or(Precondition::Absent, |meta| Precondition::Match(meta.etag.clone()));
        let put = |saved_at| Put {
            key: key.clone(),
            body: document.bytes().clone(),
            saved_at,
            metadata: metadata(place.id, document, saved_at),
            precondition: precondition.clone(),
        };
        self.requests.put(seen.map(|meta| meta.saved_at), put).await
    }

    async fn put_entry(
        &self,
        place: Place<'_>,
        document: &Document,
        written: Written,
        created: bool,
    ) -> Result<Saved> {
        let Written { saved_at, etag, token } = written;
        let Place { id, created_at } = place;
        let (summary, size) = (document.summary().clone(), document.size());
        let entry = Entry { id: id.clone(), created_at, saved_at, token, summary, size };
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

fn exists_already(id: &AnalysisId) -> Error {
    Error::PreconditionFailed(format!("analysis `{id}` exists already"))
}
