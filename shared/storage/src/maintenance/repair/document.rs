//! One object among the documents: whether an id leads to it, and whether the index knows it.

use std::time::Duration;

use super::month_index::Claims;
use super::suspects::Page;
use super::{Damage, Inspection, Mode};
use crate::Analyses;
use crate::bucket::{Key, ObjectMeta};
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::legacy;
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
                return Ok(Inspection::by_hand(Damage::BadIdRecord, Key::new(key), reason));
            }
            Err(error) => return Err(error),
        };
        let look = if Month::from(created_at) != month {
            let place = self.layout.document(&id, created_at);
            Inspection::by_hand(Damage::Misplaced, key.clone(), format!("its id belongs to {place}"))
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
            return Ok(Inspection::by_hand(Damage::Misplaced, key.clone(), advice));
        }
        let look = Inspection::found(Damage::NoIdRecord, key.clone(), mode == Mode::Repair);
        if mode != Mode::Repair {
            return Ok(look);
        }
        let stated = match claims.created.first() {
            Some(first) => *first,
            // A time within its month, so that the id leads to the document where it lies.
            None => match self.observe(key).await? {
                Some(observed) => legacy::created_within(observed.summary.timestamp, &meta, month),
                None => return Ok(Inspection::default()),
            },
        };
        let (created_at, _) = self.ensure_id_record(id, stated).await?;
        if Month::from(created_at) != month {
            return Ok(look);
        }
        let look = look.and(self.examine_indexed(id, created_at, mode).await?);
        Ok(look.and(self.remove_all_strays(id, created_at, claims, mode).await?))
    }

    /// A document at its place. The entries are listed before it is looked at, as for every verdict on them.
    async fn examine_indexed(
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
        let is_known = entries.iter().any(|(_, entry)| entry.saved_at == meta.saved_at);
        let damage = match (is_known, entries.iter().any(|(_, entry)| entry.saved_at != meta.saved_at)) {
            (true, false) => return Ok(Inspection::default()),
            (true, true) => Damage::Stale,
            (false, _) => Damage::Orphan,
        };
        match mode {
            Mode::Check { grace } if self.is_younger(&meta, grace) => {
                return Ok(Inspection { in_flight: true, findings: Vec::new() });
            }
            Mode::Check { .. } => {}
            Mode::Repair => self.repair_at(id, created_at).await?,
        }
        Ok(Inspection::found(damage, key, mode == Mode::Repair))
    }

    fn is_younger(&self, meta: &ObjectMeta, grace: Duration) -> bool {
        self.clock().now().duration_since(meta.last_modified).unsigned_abs() < grace
    }
}
