//! One month: its entries, its documents, and the entries that no document was met for.

use super::known::Known;
use super::suspects::{Page, Subject};
use super::{Damage, Look, Mode, RebuildPage};
use crate::Analyses;
use crate::bucket::{Key, Listed, MAX_KEYS};
use crate::error::Result;
use crate::id::AnalysisId;
use crate::index::{Entry, IndexKey};
use crate::month::Month;
use crate::time::CreatedAt;

/// A check or rebuild of one month under way.
#[derive(Debug)]
pub struct MonthRebuild<'a> {
    analyses: &'a Analyses,
    month: Month,
    mode: Mode,
    phase: Phase,
    known: Known,
}

/// What the next step goes through, and the position behind which it begins.
#[derive(Debug)]
enum Phase {
    Entries(String),
    Documents(Option<String>),
    Unmet(String),
    Done,
}

impl Analyses {
    /// Begins to check or rebuild what was created in one month.
    #[must_use]
    pub fn rebuild(&self, month: Month, mode: Mode) -> MonthRebuild<'_> {
        let phase = Phase::Entries(self.before_month(month.next()));
        MonthRebuild { analyses: self, month, mode, phase, known: Known::default() }
    }

    /// Looks for objects among the documents that lie in no month. As many requests as there are such objects and
    /// months.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn check_outside_months(&self) -> Result<RebuildPage> {
        let mut page = RebuildPage::default();
        for key in self.outside_months().await? {
            page.documents += 1;
            page.add(misplaced(key));
        }
        Ok(page)
    }

    fn before_month(&self, month: Month) -> String {
        self.layout.before(month.bounds().0)
    }
}

impl MonthRebuild<'_> {
    /// Goes through the next thousand of entries or documents; `None` at the end.
    ///
    /// One request, up to four more for documents with named ids, and those of each suspect: about ten where there is
    /// damage, 16 suspects at a time. For a page with a document that has no id record, also one for each month that has
    /// documents, and one for each thousand of them between the first and the last id of the page.
    ///
    /// # Errors
    /// Those of every request. What fails for one object only is a finding.
    pub async fn step(&mut self) -> Result<Option<RebuildPage>> {
        match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Entries(position) => self.entries(position).await.map(Some),
            Phase::Documents(position) => self.documents(position).await.map(Some),
            Phase::Unmet(position) => self.unmet(position).await.map(Some),
            Phase::Done => Ok(None),
        }
    }

    async fn entries(&mut self, position: String) -> Result<RebuildPage> {
        let (keys, next) = self.index_page(&position).await?;
        let mut legacy = Vec::new();
        let mut count = 0;
        for key in keys {
            match self.analyses.layout.parse_index_key(&key) {
                IndexKey::Entry(entry) if self.is_of_month(entry.created_at) => {
                    self.known.add(&entry);
                    count += 1;
                }
                IndexKey::Legacy(id, created_at) if self.is_of_month(created_at) => {
                    legacy.push(Subject::Legacy { key, id, created_at });
                    count += 1;
                }
                _ => {}
            }
        }
        let mut page = self.analyses.examine_all(&legacy, &Page::default(), self.mode).await?;
        page.entries += count;
        if self.mode == Mode::Repair {
            self.know_taken_over(&legacy).await?;
        }
        self.phase = next.map_or(Phase::Documents(None), Phase::Entries);
        Ok(page)
    }

    /// The entries that have taken the place of those of an earlier version.
    async fn know_taken_over(&mut self, legacy: &[Subject]) -> Result<()> {
        let mut ids: Vec<(&AnalysisId, CreatedAt)> = legacy.iter().filter_map(Subject::entries).collect();
        ids.dedup();
        for (id, created_at) in ids {
            for (_, entry) in self.analyses.entries_of(id, created_at).await? {
                self.known.add(&entry);
            }
        }
        Ok(())
    }

    async fn documents(&mut self, position: Option<String>) -> Result<RebuildPage> {
        let prefix = self.analyses.layout.documents(Some(self.month));
        let listing = self.analyses.requests.list(&prefix, position.as_deref(), MAX_KEYS).await?;
        let next = listing.next().map(ToString::to_string);
        let records = self.analyses.records_of(&listing.objects).await?;
        let page = Page::of(listing.keys().cloned().collect());
        let mut result = RebuildPage::default();
        let mut suspects = Vec::new();
        for object in listing.objects {
            result.documents += 1;
            let Some((id, _)) = self.analyses.layout.parse_document(&object.key) else {
                result.add(misplaced(object.key));
                continue;
            };
            let agreed = self.agreed(&id, &object);
            match agreed {
                Some(created_at) if id.created_at().is_some() || records.say(&id, created_at) => {}
                agreed => suspects.push(Subject::Document { key: object.key, agreed }),
            }
        }
        let examined = self.analyses.examine_all(&suspects, &page, self.mode).await?;
        result.in_flight += examined.in_flight;
        result.findings.extend(examined.findings);
        self.phase = match next {
            Some(next) => Phase::Documents(Some(next)),
            None if self.known.has_any_without_document() => {
                Phase::Unmet(self.analyses.before_month(self.month.next()))
            }
            None => Phase::Done,
        };
        Ok(result)
    }

    /// When this document's id was created, if the index says so and stands for what is stored.
    fn agreed(&mut self, id: &AnalysisId, object: &Listed) -> Option<CreatedAt> {
        let created_at = self.known.meet(id, object)?;
        id.created_at().is_none_or(|own| own == created_at).then_some(created_at)
    }

    /// The entries were counted before.
    async fn unmet(&mut self, position: String) -> Result<RebuildPage> {
        let (keys, next) = self.index_page(&position).await?;
        let mut suspects: Vec<Subject> = Vec::new();
        for entry in keys.iter().filter_map(|key| self.analyses.layout.parse_entry(key)) {
            let Entry { id, created_at, .. } = &entry;
            let subject = Subject::Entries { id: id.clone(), created_at: *created_at };
            let is_new = suspects.last() != Some(&subject);
            if self.is_of_month(*created_at) && is_new && self.known.is_without_document(&entry) {
                suspects.push(subject);
            }
        }
        let page = self.analyses.examine_all(&suspects, &Page::default(), self.mode).await?;
        self.phase = next.map_or(Phase::Done, Phase::Unmet);
        Ok(page)
    }

    /// A page of the index, and the position behind it if entries of the month may follow.
    async fn index_page(&self, position: &str) -> Result<(Vec<Key>, Option<String>)> {
        let layout = &self.analyses.layout;
        let listing = self.analyses.requests.list(&layout.index(), Some(position), MAX_KEYS).await?;
        let end = layout.behind_folder(self.month.bounds().0);
        let next = listing.next().map(ToString::to_string).filter(|next| *next < end);
        Ok((listing.objects.into_iter().map(|object| object.key).collect(), next))
    }

    fn is_of_month(&self, created_at: CreatedAt) -> bool {
        Month::from(created_at) == self.month
    }
}

fn misplaced(key: Key) -> Look {
    Look::by_hand(Damage::Misplaced, key, "it is not analysis/YYYY/MM/{id}.json with a valid id".into())
}
