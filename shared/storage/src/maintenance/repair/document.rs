//! One object among the documents: whether an id leads to it, and whether the index knows it.

use super::month_index::Claims;
use super::observed::ObservedDocument;
use super::suspects::Page;
use super::verdict::{SavedBytes, Verdict};
use super::{Adopt, Damage, Finding, Inspection, Mode};
use crate::Analyses;
use crate::bucket::{Key, ObjectMeta};
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::index::Entry;
use crate::legacy_bucket;
use crate::month::Month;
use crate::time::CreatedAt;

impl Analyses {
    pub(super) async fn examine_document(
        &self,
        key: &Key,
        claims: &Claims,
        page: &Page,
        mode: Mode,
    ) -> Result<Inspection> {
        let Some((id, month)) = self.layout.parse_document(key) else {
            return Ok(Inspection::default());
        };
        let created_at = match self.created_at(&id).await {
            Ok(Some(created_at)) => created_at,
            Ok(None) => return self.examine_unrecorded(&id, month, key, claims, page, mode).await,
            Err(Error::Corrupt { key, reason }) => {
                let record = Key::new(key);
                return match &claims.created[..] {
                    // All entries of the id say so, and it is where the document lies.
                    [created_at] if Month::from(*created_at) == month => {
                        if mode.is_repair() {
                            self.replace_id_record(&id, *created_at).await?;
                        }
                        Ok(Finding::new(Damage::BadIdRecord, record, mode.is_repair()).into())
                    }
                    _ => Ok(Finding::by_hand(Damage::BadIdRecord, record, reason).into()),
                };
            }
            Err(error) => return Err(error),
        };
        let look = if Month::from(created_at) != month {
            let place = self.layout.document(&id, created_at);
            Finding::by_hand(Damage::Misplaced, key.clone(), format!("its id belongs to {place}")).into()
        } else if claims.agreed() == Some(created_at) {
            Inspection::default()
        } else {
            self.examine_indexed(&id, created_at, mode).await?
        };
        Ok(look.and(self.remove_all_strays(&id, created_at, claims, mode).await?))
    }

    /// The entries of other creation times than the id's.
    async fn remove_all_strays(
        &self,
        id: &AnalysisId,
        created_at: CreatedAt,
        claims: &Claims,
        mode: Mode,
    ) -> Result<Inspection> {
        let mut look = Inspection::default();
        for stray in claims.created.iter().filter(|other| **other != created_at) {
            look = look.and(self.remove_strays(id, *stray, mode).await?);
        }
        Ok(look)
    }

    /// A document whose id record is lost, or that another program put there.
    async fn examine_unrecorded(
        &self,
        id: &AnalysisId,
        month: Month,
        key: &Key,
        claims: &Claims,
        page: &Page,
        mode: Mode,
    ) -> Result<Inspection> {
        let Some(meta) = self.requests.head(key).await?.filter(|meta| self.is_kept(meta)) else {
            return Ok(Inspection::default());
        };
        if let Some(newer) = self.newer_than(id, key, self.duplicates(page).await?).await? {
            let advice = format!("a newer document with its id is {newer}");
            return Ok(Finding::by_hand(Damage::Misplaced, key.clone(), advice).into());
        }
        let look = Inspection::from(Finding::new(Damage::NoIdRecord, key.clone(), mode.is_repair()));
        let stated = match claims.created.first() {
            Some(first) => *first,
            None => match self.observe(key).await? {
                Some(observed) => match observed.verdict(&[]) {
                    Verdict::Damaged(why) => return Ok(Finding::damaged(id, key.clone(), &why, false).into()),
                    // A time within its month, so that the id leads to the document where it lies.
                    _ => legacy_bucket::created_within(observed.summary.timestamp, &meta, month),
                },
                None => return Ok(Inspection::default()),
            },
        };
        if !mode.is_repair() {
            return Ok(look);
        }
        let (created_at, _) = self.ensure_id_record(id, stated).await?;
        if Month::from(created_at) != month {
            return Ok(look);
        }
        let look = look.and(self.examine_indexed(id, created_at, mode).await?);
        Ok(look.and(self.remove_all_strays(id, created_at, claims, mode).await?))
    }

    /// A document at its place. The entries are listed before it is looked at, as for every verdict on them.
    pub(super) async fn examine_indexed(
        &self,
        id: &AnalysisId,
        created_at: CreatedAt,
        mode: Mode,
    ) -> Result<Inspection> {
        let entries = self.entries_of(id, created_at).await?;
        let key = self.layout.document(id, created_at);
        let Some(meta) = self.requests.head(&key).await?.filter(|meta| self.is_kept(meta)) else {
            return Ok(Inspection::default());
        };
        let own: Vec<bool> = entries
            .iter()
            .filter(|(_, entry)| entry.saved_at == meta.saved_at)
            .map(|(_, entry)| is_like(entry, &meta))
            .collect();
        let has_others = own.len() < entries.len();
        if own.contains(&true) && !has_others {
            return Ok(Inspection::default());
        }
        let in_flight = Inspection { in_flight: true, findings: Vec::new() };
        let is_young = self.may_be_in_flight(&meta, mode);
        // A save that has written its entry has ended, but for stale ones, and none is of another program's document.
        if is_young && meta.is_ours && !own.contains(&false) {
            return Ok(in_flight);
        }
        let Some(observed) = self.observe(&key).await? else { return Ok(Inspection::default()) };
        let entries: Vec<Entry> = entries.into_iter().map(|(_, entry)| entry).collect();
        Ok(match self.judge(id, created_at, &observed, &entries, mode).await? {
            None => Inspection::default(),
            Some(finding) if is_young && !finding.damage.is_of_content() => in_flight,
            Some(finding) => finding.into(),
        })
    }

    /// Repairs what a crashed save has left behind, and what another program has put there if that is decided.
    async fn judge(
        &self,
        id: &AnalysisId,
        created_at: CreatedAt,
        observed: &ObservedDocument,
        entries: &[Entry],
        mode: Mode,
    ) -> Result<Option<Finding>> {
        let key = self.layout.document(id, created_at);
        let saved: Vec<SavedBytes> = entries.iter().map(SavedBytes::from).collect();
        let finding = match observed.verdict(&saved) {
            Verdict::Damaged(why) => return Ok(Some(Finding::damaged(id, key, &why, !entries.is_empty()))),
            Verdict::Changed if !mode.adopts_changed() => return Ok(Some(Finding::changed(id, key, false))),
            Verdict::Changed => Finding::changed(id, key, true),
            Verdict::Sound => {
                match entries.iter().partition::<Vec<_>, _>(|e| e.saved_at == observed.saved_at) {
                    (own, others) if !own.is_empty() && others.is_empty() => return Ok(None),
                    (own, _) => {
                        let damage = if own.is_empty() { Damage::Orphan } else { Damage::Stale };
                        Finding::new(damage, key, mode.is_repair())
                    }
                }
            }
        };
        if mode.is_repair() {
            self.repair_at(id, created_at, Adopt::Documents).await?;
        }
        Ok(Some(finding))
    }
}

/// Whether the entry of this document says what the bucket says of it, as far as it does without reading.
fn is_like(entry: &Entry, meta: &ObjectMeta) -> bool {
    entry.size == meta.size && meta.token.is_none_or(|token| token == entry.token)
}
