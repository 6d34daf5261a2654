//! One month: its entries, its documents, and the entries that no document was met for.

use super::month_index::{MonthIndex, Unmet};
use super::records::Records;
use super::suspects::{Page, Subject};
use super::{AgreedDocument, Damage, Finding, Mode, RepairStep};
use crate::Analyses;
use crate::bucket::{Key, MAX_KEYS};
use crate::error::Result;
use crate::index::IndexKey;
use crate::month::Month;
use crate::time::CreatedAt;

/// A check or repair of one month under way.
#[derive(Debug)]
pub struct MonthRepair<'a> {
    analyses: &'a Analyses,
    month: Month,
    mode: Mode,
    phase: Phase,
    known: MonthIndex,
    /// Whether a delete that was in flight when the documents were listed has ended by now.
    is_late: bool,
    scope: Scope,
    /// Whether the documents are named whose contents may be looked at.
    names_agreed: bool,
    /// Whether the last key of the index that was read is an entry of the month.
    is_behind_own: bool,
}

/// Which documents are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Everything,
    /// Those that have entries.
    Indexed,
}

/// What the next step goes through, and the position behind which it begins.
#[derive(Debug)]
enum Phase {
    Entries(String),
    Documents(Option<String>),
    Unmet(String, Unmet),
    Done,
}

impl Analyses {
    /// Begins to check or repair what was created in one month. Nothing is sent before the first
    /// [`step`](MonthRepair::step).
    #[must_use]
    pub fn repair_month(&self, month: Month, mode: Mode) -> MonthRepair<'_> {
        let phase = Phase::Entries(self.layout.behind_newer(month.bounds().1));
        MonthRepair {
            analyses: self,
            month,
            mode,
            phase,
            known: MonthIndex::default(),
            is_late: false,
            scope: Scope::Everything,
            names_agreed: false,
            is_behind_own: false,
        }
    }

    /// Looks for objects among the documents that lie in no month. As many requests as there are such objects and
    /// months.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn check_outside_months(&self) -> Result<RepairStep> {
        let mut page = RepairStep::default();
        for key in self.outside_months().await? {
            page.documents += 1;
            page.findings.push(misplaced(key));
        }
        Ok(page)
    }
}

impl MonthRepair<'_> {
    /// Looks only at what the index knows of: whether each of its documents is there, and is what was saved.
    #[must_use]
    pub fn of_indexed(self) -> Self {
        Self { scope: Scope::Indexed, ..self }
    }

    /// Names the documents that the listings agree on in [`RepairStep::agreed`].
    #[must_use]
    pub fn naming_agreed(self) -> Self {
        Self { names_agreed: true, ..self }
    }

    /// Whether there is nothing left to go through.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done)
    }

    /// How many entries there are that no document was met for; none before all documents were gone through.
    #[must_use]
    pub fn unmet_entries(&self) -> usize {
        if let Phase::Unmet(_, unmet) = &self.phase { unmet.len() } else { 0 }
    }

    /// Goes through the next thousand of entries or documents; `None` at the end.
    ///
    /// 1. First the entries of the month: each step LISTs a page of them. A repair takes over those that are legacy.
    /// 2. Then its documents: each step LISTs a page of them, and the id records of its named ids.
    /// 3. At last the entries that no document was met for: each step LISTs a page of them again.
    ///
    /// Suspects of a page are inspected one by one, in the order of requests of a [`repair`](Analyses::repair), whose
    /// commit point each has for itself. Nothing else is kept between steps but in this value.
    ///
    /// One request, some more for documents with named ids (one for each thousand of id records between them, as long
    /// as these are many), and those of each suspect: about ten where there is damage, 16 suspects at a time. For a page
    /// with a document that has no id record, also one for each month that has documents, and one for each thousand of
    /// them between the first and the last id of the page.
    ///
    /// # Errors
    /// Those of every request, and [`Error::Misconfigured`](crate::Error::Misconfigured) for entries of a later version
    /// of this software. What fails for one object only is a finding. After an error the month is to be begun again.
    pub async fn step(&mut self) -> Result<Option<RepairStep>> {
        match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Entries(position) => self.entries(&position).await.map(Some),
            Phase::Documents(position) => self.documents(position.as_deref()).await.map(Some),
            Phase::Unmet(position, unmet) => self.unmet(&position, unmet).await.map(Some),
            Phase::Done => Ok(None),
        }
    }

    async fn entries(&mut self, position: &str) -> Result<RepairStep> {
        let (keys, next) = self.index_page(position).await?;
        let mut legacy = Vec::new();
        let mut count = 0;
        let mut strays = RepairStep::default();
        for key in keys {
            let kind = self.analyses.known_version(&key)?;
            // Behind the month's own, and before those of an older month: what lies there is found once.
            self.is_behind_own = match &kind {
                IndexKey::Entry(entry) => self.is_of_month(entry.created_at),
                IndexKey::Legacy(entry) => self.is_of_month(entry.created_at),
                IndexKey::Newer | IndexKey::Unrelated => self.is_behind_own,
            };
            match kind {
                IndexKey::Entry(entry) if self.is_of_month(entry.created_at) => {
                    self.known.add(&entry);
                    count += 1;
                }
                IndexKey::Legacy(entry) if self.is_of_month(entry.created_at) => {
                    // What takes its place is met as an entry that was written since.
                    if !self.mode.is_repair() {
                        self.known.add_legacy(&entry.id);
                    }
                    legacy.push(Subject::Legacy { key, entry });
                    count += 1;
                }
                IndexKey::Unrelated if self.is_behind_own => {
                    let advice = "it is no index entry; remove it".to_owned();
                    strays.findings.push(Finding::by_hand(Damage::NoEntry, key, advice));
                }
                _ => {}
            }
        }
        self.phase = next.and_then(|next| self.behind(&next)).map_or(Phase::Documents(None), Phase::Entries);
        let page = self.analyses.examine_all(&legacy, &Page::default(), self.mode).await?;
        strays.join(page);
        Ok(RepairStep { entries: count, ..strays })
    }

    async fn documents(&mut self, position: Option<&str>) -> Result<RepairStep> {
        let prefix = self.analyses.layout.documents(Some(self.month));
        let listing = self.analyses.requests.list(&prefix, position, MAX_KEYS).await?;
        let next = listing.next().map(ToString::to_string);
        let records = match self.scope {
            Scope::Indexed => Records::default(),
            Scope::Everything => self.analyses.records_of(&listing.objects).await?,
        };
        let page = Page::new(listing.keys().cloned().collect());
        let mut result = RepairStep::default();
        let mut suspects = Vec::new();
        result.documents = listing.objects.len() as u64;
        for object in listing.objects {
            let Some((id, _)) = self.analyses.layout.parse_document(&object.key) else {
                if self.scope == Scope::Everything {
                    result.findings.push(misplaced(object.key));
                }
                continue;
            };
            let claims = self.known.meet(&id, &object);
            if let Some(saved) = claims.agreed_bytes().filter(|_| self.names_agreed) {
                result.agreed.push(AgreedDocument { id: id.clone(), key: object.key.clone(), saved });
            }
            let is_sound = claims.agreed().is_some_and(|created_at| match id.created_at() {
                Some(own) => own == created_at,
                None => self.scope == Scope::Indexed || records.say(&id, created_at),
            });
            let is_passed_over =
                claims.are_legacy || (self.scope == Scope::Indexed && claims.created.is_empty());
            if !is_sound && !is_passed_over {
                suspects.push(Subject::Document { key: object.key, claims });
            }
        }
        self.phase = next.map_or_else(|| self.after_documents(), |next| Phase::Documents(Some(next)));
        result.join(self.analyses.examine_all(&suspects, &page, self.mode).await?);
        Ok(result)
    }

    fn after_documents(&mut self) -> Phase {
        let Self { analyses, known, .. } = self;
        let now = analyses.clock().now();
        // The bucket's lifecycle rules may remove a document some time before its entry.
        let unmet = std::mem::take(known).into_unmet(|saved_at| analyses.retention.is_over(saved_at, now));
        self.first_unmet(unmet)
    }

    fn first_unmet(&self, unmet: Unmet) -> Phase {
        let position = unmet.newest().map(|newest| self.analyses.layout.behind_newer(newest));
        position.map_or(Phase::Done, |position| Phase::Unmet(position, unmet))
    }

    /// The entries were counted before. What lies between those that were not met is passed over.
    async fn unmet(&mut self, position: &str, mut unmet: Unmet) -> Result<RepairStep> {
        let (keys, next) = self.index_page(position).await?;
        let mut suspects: Vec<Subject> = Vec::new();
        for entry in keys.iter().filter_map(|key| self.analyses.layout.parse_entry(key)) {
            let is_unmet = unmet.has(&entry);
            let subject = Subject::Entries { id: entry.id, created_at: entry.created_at };
            if is_unmet && suspects.last() != Some(&subject) {
                suspects.push(subject);
            }
        }
        if let Some(next) = next {
            if let IndexKey::Entry(last) = self.analyses.layout.parse_index_key(&next) {
                unmet.forget_newer(last.created_at);
            }
            self.phase = match self.first_unmet(unmet) {
                Phase::Unmet(position, unmet) => Phase::Unmet(position.max(next.to_string()), unmet),
                phase => phase,
            };
        }
        let page = Page::behind_documents(self.is_late);
        let step = self.analyses.examine_all(&suspects, &page, self.mode).await?;
        // What is found is found twice, with a pause between.
        self.is_late |= step.findings.iter().any(|finding| finding.damage == Damage::DanglingEntry);
        Ok(step)
    }

    /// A page of the index, and its last key if more follow.
    async fn index_page(&self, position: &str) -> Result<(Vec<Key>, Option<Key>)> {
        let index = self.analyses.layout.index();
        let listing = self.analyses.requests.list(&index, Some(position), MAX_KEYS).await?;
        let next = listing.next().cloned();
        Ok((listing.objects.into_iter().map(|object| object.key).collect(), next))
    }

    /// The position behind this key from which on entries of the month may follow: behind the last of them, those of
    /// an earlier version.
    fn behind(&self, key: &Key) -> Option<String> {
        let layout = &self.analyses.layout;
        let first = self.month.bounds().0;
        let key = key.as_str();
        if key < layout.before(first).as_str() {
            return Some(key.to_owned());
        }
        let is_past = key >= layout.before_legacy(first).as_str();
        (!is_past).then(|| layout.behind_folder(first).max(key.to_owned()))
    }

    fn is_of_month(&self, created_at: CreatedAt) -> bool {
        Month::from(created_at) == self.month
    }
}

fn misplaced(key: Key) -> Finding {
    Finding::by_hand(Damage::Misplaced, key, "it is not analysis/YYYY/MM/{id}.json with a valid id".into())
}
