//! What the listings do not agree on, looked at one by one.

use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::OnceCell;

use super::duplicates::DuplicateLocations;
use super::month_index::Claims;
use super::{Damage, Finding, Inspection, Mode, PARALLEL, RepairStep};
use crate::Analyses;
use crate::bucket::Key;
use crate::error::Result;
use crate::id::AnalysisId;
use crate::index::LegacyEntry;
use crate::time::CreatedAt;

/// What there is to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    /// The entries of one id.
    Entries { id: AnalysisId, created_at: CreatedAt },
    /// An entry of an earlier version.
    Legacy { key: Key, entry: LegacyEntry },
    /// An object among the documents.
    Document {
        key: Key,
        /// What the index says of it.
        claims: Claims,
    },
}

/// The page of documents that subjects are of; by default none.
#[derive(Debug, Default)]
pub(super) struct Page {
    documents: Vec<Key>,
    /// Looked for when a document turns up that no id record places.
    duplicates: OnceCell<DuplicateLocations>,
    /// Whether a delete that was in flight when the documents were listed has ended by now.
    is_late: bool,
}

impl Page {
    /// The page of these documents.
    pub(super) fn new(documents: Vec<Key>) -> Self {
        Self { documents, ..Self::default() }
    }

    /// No documents; whether a delete that was in flight when they were listed has ended by now.
    pub(super) fn behind_documents(is_late: bool) -> Self {
        Self { is_late, ..Self::default() }
    }
}

impl Analyses {
    /// Where else the ids of the page lie.
    pub(super) async fn duplicates<'a>(&self, page: &'a Page) -> Result<&'a DuplicateLocations> {
        page.duplicates.get_or_try_init(|| self.find_duplicates(&page.documents)).await
    }

    pub(super) async fn examine_all(
        &self,
        subjects: &[Subject],
        page: &Page,
        mode: Mode,
    ) -> Result<RepairStep> {
        let looks = self.inspect_all(subjects, page, mode).await?;
        let mut result = RepairStep::default();
        let mut suspects = Vec::new();
        for (subject, look) in subjects.iter().zip(looks) {
            if needs_second_look(mode, subject, &look) {
                result.in_flight += u64::from(look.in_flight);
                suspects.push((subject.clone(), look.findings));
            } else {
                result.add(look);
            }
        }
        result.findings.extend(self.examine_again(suspects, page, mode).await?);
        Ok(result)
    }

    /// What a save or delete in flight made look like damage is no more by now.
    async fn examine_again(
        &self,
        suspects: Vec<(Subject, Vec<Finding>)>,
        page: &Page,
        mode: Mode,
    ) -> Result<Vec<Finding>> {
        if !page.is_late && suspects.iter().any(|(subject, _)| matches!(subject, Subject::Entries { .. })) {
            self.outwait_deletes(mode).await;
        }
        let (subjects, first): (Vec<Subject>, Vec<Vec<Finding>>) = suspects.into_iter().unzip();
        let page = Page::new(page.documents.clone());
        let looks = self.inspect_all(&subjects, &page, mode).await?;
        // A dangling entry must be the same entry: the id may have been saved and deleted once more.
        let same = first.iter().zip(looks).flat_map(|(first, mut look)| {
            look.findings.retain(|finding| finding.repaired || first.contains(finding));
            look.findings
        });
        Ok(same.collect())
    }

    async fn inspect_all(&self, subjects: &[Subject], page: &Page, mode: Mode) -> Result<Vec<Inspection>> {
        stream::iter(subjects)
            .map(|subject| self.examine_or_report(subject, page, mode))
            .buffered(PARALLEL)
            .try_collect()
            .await
    }

    /// What fails for one object, while the storage answers otherwise, is a finding and not an end.
    async fn examine_or_report(&self, subject: &Subject, page: &Page, mode: Mode) -> Result<Inspection> {
        match self.examine(subject, page, mode).await {
            Err(error) => self.unreadable(error, self.key_of(subject)).await.map(Inspection::from),
            look => look,
        }
    }

    async fn examine(&self, subject: &Subject, page: &Page, mode: Mode) -> Result<Inspection> {
        match subject {
            Subject::Entries { id, created_at } => self.examine_entries(id, *created_at, mode).await,
            Subject::Legacy { key, entry } => self.examine_legacy(key, entry, mode).await,
            Subject::Document { key, claims } => self.examine_document(key, claims, page, mode).await,
        }
    }

    fn key_of(&self, subject: &Subject) -> Key {
        match subject {
            Subject::Entries { id, created_at } => self.layout.document(id, *created_at),
            Subject::Legacy { key, .. } | Subject::Document { key, .. } => key.clone(),
        }
    }
}

/// Whether a save or delete in flight may be what was found. A repair finishes what it meets, and takes nothing else for
/// lost.
fn needs_second_look(mode: Mode, subject: &Subject, look: &Inspection) -> bool {
    let is_lost = |finding: &Finding| finding.damage == Damage::DanglingEntry && !finding.repaired;
    match mode {
        Mode::Check { .. } => !look.findings.is_empty(),
        Mode::Repair { .. } => {
            matches!(subject, Subject::Entries { .. }) && look.findings.iter().any(is_lost)
        }
    }
}
