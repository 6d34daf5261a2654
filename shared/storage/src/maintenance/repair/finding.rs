//! What is not as it should be: its kinds, in words, and what to do about it.

use std::fmt;

use serde::Serialize;

use crate::bucket::Key;
use crate::id::AnalysisId;
use crate::index::Entry;

/// The kinds of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Damage {
    /// A document without a current index entry.
    Orphan,
    /// An index entry whose document is gone: lost, or deleted by another program or a delete that crashed.
    #[serde(rename = "lost")]
    DanglingEntry,
    /// A document whose bytes are not what was saved, or no document at all.
    #[serde(rename = "damaged")]
    DamagedDocument,
    /// A document that another program has put in the place of the one that was saved.
    #[serde(rename = "changed")]
    ChangedDocument,
    /// Index entries beside the current one, or strays where their id does not belong.
    Stale,
    /// An index entry in the format of an earlier version of this software.
    Legacy,
    /// A document with a named id that has no id record.
    NoIdRecord,
    /// An object among the documents that no id leads to. It has to be moved or removed by hand.
    Misplaced,
    /// An id record that cannot be read. Where no entry tells what it said it has to be mended by hand.
    BadIdRecord,
    /// An object that the storage does not give out. The advice says why not.
    Unreadable,
    /// An object in the folder of the index that is no entry. It has to be removed by hand.
    #[serde(rename = "stray")]
    NoEntry,
}

impl Damage {
    /// Whether it is the content of a document that is not what was saved.
    pub(super) fn is_of_content(self) -> bool {
        matches!(self, Self::DamagedDocument | Self::ChangedDocument)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Orphan => "document without a current index entry",
            Self::DanglingEntry => "LOST",
            Self::DamagedDocument => "damaged",
            Self::ChangedDocument => "changed",
            Self::Stale => "stale index entry",
            Self::Legacy => "index entry of an earlier version",
            Self::NoIdRecord => "document without an id record",
            Self::Misplaced => "misplaced object",
            Self::BadIdRecord => "unreadable id record",
            Self::Unreadable => "unreadable object",
            Self::NoEntry => "stray object in the index",
        })
    }
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub damage: Damage,
    /// The object that is not as it should be: for dangling entries and strays the index entry, else the document or
    /// id record.
    pub key: Key,
    /// Whether it has been mended.
    pub repaired: bool,
    /// The analysis, where what to do is best said of it and not of the object.
    pub id: Option<AnalysisId>,
    /// What was seen of it.
    pub detail: Option<String>,
    /// What to do about it by hand, where nothing else helps.
    pub advice: Option<String>,
    /// What has brought the document back, where a copy has.
    pub healed: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { damage, key, repaired, id, detail, advice, healed } = self;
        match (repaired, damage) {
            (true, _) if healed.is_some() => f.write_str("healed ")?,
            (true, Damage::DanglingEntry) => f.write_str("forgot ")?,
            (true, Damage::ChangedDocument) => f.write_str("adopted ")?,
            (true, _) => f.write_str("repaired ")?,
            (false, _) => {}
        }
        match (id, detail) {
            (Some(id), Some(detail)) => write!(f, "{damage}: {id} ({detail})")?,
            _ => write!(f, "{damage}: {key}")?,
        }
        match (id, advice.as_ref().or(healed.as_ref())) {
            (Some(_), Some(advice)) => write!(f, ": {advice}"),
            (None, Some(advice)) => write!(f, " ({advice})"),
            (_, None) => Ok(()),
        }
    }
}

impl Finding {
    pub(super) fn new(damage: Damage, key: Key, repaired: bool) -> Self {
        Finding { damage, key, repaired, id: None, detail: None, advice: None, healed: None }
    }

    pub(super) fn by_hand(damage: Damage, key: Key, advice: String) -> Self {
        Finding { advice: Some(advice), ..Self::new(damage, key, false) }
    }

    /// The same, mended with a copy; `how` says with which.
    #[must_use]
    pub fn healed(self, how: String) -> Self {
        Self { repaired: true, advice: None, healed: Some(how), ..self }
    }

    /// The document of this entry is gone; whether it has been forgotten.
    pub(super) fn lost(entry: &Entry, key: Key, forgotten: bool) -> Self {
        let detail = format!("saved {}, {} bytes", entry.saved_at, entry.size);
        let advice = "restore it from a backup with `design-analysis repair --from BACKUP`, or forget it with \
                      `design-analysis repair --forget-lost`";
        Self::of_analysis(Damage::DanglingEntry, &entry.id, key, forgotten, detail, advice.to_owned())
    }

    /// The document is not what was saved.
    pub(super) fn damaged(id: &AnalysisId, key: Key, why: &str, is_indexed: bool) -> Self {
        let detail = format!("{key} {why}");
        let give_up =
            if is_indexed { format!("`design-analysis delete {id}`") } else { "removing it".into() };
        let advice = format!(
            "bring it back from a backup with `design-analysis repair --from BACKUP`, or, whatever was saved, with \
             `design-analysis restore --id {id} --from BACKUP --replace`; or give it up by {give_up}"
        );
        Self::of_analysis(Damage::DamagedDocument, id, key, false, detail, advice)
    }

    /// Another program has replaced the document; whether its document has been adopted.
    pub(super) fn changed(id: &AnalysisId, key: Key, adopted: bool) -> Self {
        let detail = format!("another program has replaced {key}");
        let advice = format!(
            "keep the new document with `design-analysis repair --adopt-changed`, or bring the old one back from a \
             backup with `design-analysis restore --id {id} --from BACKUP --replace`"
        );
        Self::of_analysis(Damage::ChangedDocument, id, key, adopted, detail, advice)
    }

    fn of_analysis(
        damage: Damage,
        id: &AnalysisId,
        key: Key,
        repaired: bool,
        detail: String,
        advice: String,
    ) -> Self {
        let advice = Some(advice).filter(|_| !repaired);
        Finding { id: Some(id.clone()), detail: Some(detail), advice, ..Self::new(damage, key, repaired) }
    }
}

/// What the inspection of one object has found.
#[derive(Debug, Default)]
pub(super) struct Inspection {
    pub(super) findings: Vec<Finding>,
    pub(super) in_flight: bool,
}

impl Inspection {
    pub(super) fn and(mut self, other: Self) -> Self {
        self.findings.extend(other.findings);
        Self { in_flight: self.in_flight || other.in_flight, ..self }
    }
}

impl From<Finding> for Inspection {
    fn from(finding: Finding) -> Self {
        Self { findings: vec![finding], in_flight: false }
    }
}
