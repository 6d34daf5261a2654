//! Rebuilding: index and id records checked against the documents, or derived anew from them, page by page.
//!
//! First the index is gone through, which finds entries without a document, and id records that can be
//! restored from entries; then the documents, which find all else. Every step is safe while the store is in
//! use and may be repeated, so a rebuild that ends early goes on at the page where it was.

mod document;
mod elsewhere;
mod entry;
mod known;
mod totals;

use std::fmt;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use self::known::Known;
use super::Analyses;
use super::scan::Stretch;
use crate::bucket::{Key, MAX_KEYS};
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::month::Month;
use crate::time::CreatedAt;

pub use totals::TotalsCheck;

/// How many analyses are looked at together.
const PARALLEL: usize = 16;
/// A delete that was between its two steps is over after this time: no request takes longer.
const DELETED_AFTER: Duration = Duration::from_secs(30);

/// Whether damage is mended or only found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is written.
    Check {
        /// A document younger than this may belong to a save in flight, and is not judged.
        grace: Duration,
    },
    /// What can be mended is.
    Repair,
}

impl Mode {
    /// Checking, with a grace longer than any save takes.
    pub const CHECK: Self = Self::Check { grace: super::delete::CRASHED_AFTER };
}

/// The kinds of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Damage {
    /// A document without a current index entry.
    Orphan,
    /// An index entry without a document.
    Phantom,
    /// Index entries beside the current one, or strays where their id does not belong.
    Stale,
    /// A document with a named id that has no id record.
    NoIdRecord,
    /// An object among the documents that no id leads to. It has to be moved or removed by hand.
    Misplaced,
    /// An id record that cannot be read. It has to be mended or removed by hand.
    BadIdRecord,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Orphan => "document without a current index entry",
            Self::Phantom => "index entry without a document",
            Self::Stale => "stale index entry",
            Self::NoIdRecord => "document without an id record",
            Self::Misplaced => "misplaced object",
            Self::BadIdRecord => "unreadable id record",
        })
    }
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub damage: Damage,
    /// With which object: for phantoms and strays the index entry, else the document or id record.
    pub key: Key,
    /// Whether it has been mended.
    pub repaired: bool,
    /// What to do about it by hand, where nothing else helps.
    pub advice: Option<String>,
}

/// What one step of a rebuild has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RebuildPage {
    /// How many analyses of the index were looked at.
    pub entries: u64,
    /// How many documents were looked at.
    pub documents: u64,
    /// How many of these are so young that their save may still be in flight, and were not judged.
    pub in_flight: u64,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Where the next step begins; `None` at the end.
    pub next: Option<String>,
}

/// What there is to look at.
#[derive(Debug)]
enum Subject {
    /// The entries of one id.
    Entries { id: AnalysisId, created_at: CreatedAt },
    /// An object among the documents.
    Document { key: Key },
}

/// What one look has found.
#[derive(Debug, Default)]
struct Look {
    findings: Vec<Finding>,
    in_flight: bool,
}

impl Look {
    fn found(damage: Damage, key: Key, repaired: bool) -> Self {
        Self { findings: vec![Finding { damage, key, repaired, advice: None }], in_flight: false }
    }
}

impl Analyses {
    /// One step of a rebuild: up to 1000 index keys or documents, of one month or of all, behind
    /// `start_after`, which is [`RebuildPage::next`] of the step before.
    ///
    /// One LIST, up to four more of the index, and for each analysis one request (two for a named id), or up to
    /// ten where there is damage; 16 at a time. For a page with a document that has no id record, also one LIST for each
    /// month that has documents, and one for each thousand of them between the first and the last id of the page.
    ///
    /// # Errors
    /// Those of every request, and [`Error::Misconfigured`] for a `start_after` that is not a position in the
    /// index or among the documents.
    pub async fn rebuild_page(
        &self,
        month: Option<Month>,
        start_after: Option<&str>,
        mode: Mode,
    ) -> Result<RebuildPage> {
        let documents = self.layout.documents(None);
        match start_after {
            Some(position) if position.starts_with(&documents) => {
                self.documents_page(month, position, mode).await
            }
            Some(position) if !position.starts_with(&self.layout.index()) => {
                Err(Error::misconfigured(format!(
                    "{position:?} is not a position: one begins with {} or {documents}",
                    self.layout.index(),
                )))
            }
            position => self.index_page(month, position, mode).await,
        }
    }

    async fn index_page(
        &self,
        month: Option<Month>,
        position: Option<&str>,
        mode: Mode,
    ) -> Result<RebuildPage> {
        let newest = month.map(|month| self.layout.before(month.next().bounds().0)).unwrap_or_default();
        let start_after = newest.as_str().max(position.unwrap_or_default());
        let Stretch { groups, truncated } = self.scan(Some(start_after), MAX_KEYS).await?;
        let in_month = |created_at| month.is_none_or(|month| month <= Month::from(created_at));
        let goes_on = truncated && groups.last().is_some_and(|last| in_month(last.created_at));
        let next = match groups.last() {
            Some(last) if goes_on => self.layout.after_entries_of(&last.id, last.created_at),
            _ => self.layout.documents(month),
        };
        let subjects = groups
            .into_iter()
            .filter(|group| in_month(group.created_at))
            .map(|group| Subject::Entries { id: group.id, created_at: group.created_at });
        let page = self.examine_all(&subjects.collect::<Vec<_>>(), &Known::default(), mode).await?;
        Ok(RebuildPage { next: Some(next), ..page })
    }

    async fn documents_page(&self, month: Option<Month>, position: &str, mode: Mode) -> Result<RebuildPage> {
        let listing = self.requests.list(&self.layout.documents(month), Some(position), MAX_KEYS).await?;
        let next = listing.keys.last().filter(|_| listing.truncated).map(ToString::to_string);
        let known = self.know(&listing.keys).await?;
        let subjects = listing.keys.into_iter().map(|key| Subject::Document { key });
        let page = self.examine_all(&subjects.collect::<Vec<_>>(), &known, mode).await?;
        Ok(RebuildPage { next, ..page })
    }

    async fn examine_all(&self, subjects: &[Subject], known: &Known, mode: Mode) -> Result<RebuildPage> {
        let looks: Vec<Look> = stream::iter(subjects)
            .map(|subject| self.examine(subject, known, mode))
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        let mut page = RebuildPage::default();
        let mut suspects = Vec::new();
        for (subject, look) in subjects.iter().zip(looks) {
            match subject {
                Subject::Entries { .. } => page.entries += 1,
                Subject::Document { .. } => page.documents += 1,
            }
            page.in_flight += u64::from(look.in_flight);
            match mode {
                Mode::Check { .. } if !look.findings.is_empty() => suspects.push((subject, look.findings)),
                _ => page.findings.extend(look.findings),
            }
        }
        if let Mode::Check { grace } = mode {
            page.findings = self.examine_again(&suspects, grace).await?;
        }
        Ok(page)
    }

    /// What a save or delete in flight made look like damage is no more by now.
    async fn examine_again(
        &self,
        suspects: &[(&Subject, Vec<Finding>)],
        grace: Duration,
    ) -> Result<Vec<Finding>> {
        // The age of a document tells whether its save may be in flight; a delete leaves nothing that has an age.
        if suspects.iter().any(|(subject, _)| matches!(subject, Subject::Entries { .. })) {
            self.clock.sleep(DELETED_AFTER.min(grace)).await;
        }
        let documents = suspects.iter().filter_map(|(subject, _)| match subject {
            Subject::Document { key } => Some(key.clone()),
            Subject::Entries { .. } => None,
        });
        let nothing = Known::of(documents.collect());
        let looks: Vec<Look> = stream::iter(suspects)
            .map(|(subject, _)| self.examine(subject, &nothing, Mode::Check { grace }))
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        // A phantom must be the same entry: the id may have been saved and deleted once more.
        let same = suspects.iter().zip(looks).flat_map(|((_, first), mut look)| {
            look.findings.retain(|finding| first.contains(finding));
            look.findings
        });
        Ok(same.collect())
    }

    async fn examine(&self, subject: &Subject, known: &Known, mode: Mode) -> Result<Look> {
        match subject {
            Subject::Entries { id, created_at } => self.examine_entries(id, *created_at, mode).await,
            Subject::Document { key } => self.examine_document(key, known, mode).await,
        }
    }
}
