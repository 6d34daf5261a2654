//! What the index says of a whole page of documents, so that sound ones need no LIST of their own.

use std::collections::HashMap;

use tokio::sync::OnceCell;

use super::elsewhere::Elsewhere;
use crate::analyses::Analyses;
use crate::bucket::{Key, MAX_KEYS};
use crate::error::Result;
use crate::id::AnalysisId;
use crate::time::{CreatedAt, SavedAt};

/// How many thousands of index keys are read for a thousand documents.
const MAX_LISTS: usize = 4;

/// What is known of a page of documents; by default, nothing.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The entries in a stretch of the index.
    entries: HashMap<AnalysisId, Vec<(CreatedAt, SavedAt)>>,
    documents: Vec<Key>,
    /// Looked for when a document turns up that no id record places.
    elsewhere: OnceCell<Elsewhere>,
}

impl Known {
    /// What these documents are known by alone.
    pub(super) fn of(documents: Vec<Key>) -> Self {
        Self { documents, ..Self::default() }
    }

    /// The entry of this id, if it has just one.
    pub(super) fn only(&self, id: &AnalysisId, created_at: CreatedAt) -> Option<SavedAt> {
        match self.entries.get(id)?[..] {
            [(at, saved_at)] if at == created_at => Some(saved_at),
            _ => None,
        }
    }
}

impl Analyses {
    /// Reads the index around the creation times of these documents.
    pub(super) async fn know(&self, documents: &[Key]) -> Result<Known> {
        let mut known = Known::of(documents.to_vec());
        let Some((oldest, newest)) = self.created_between(documents) else { return Ok(known) };
        let behind = CreatedAt::from_millis(newest.millis() + 1);
        let mut start_after = behind.map(|behind| self.layout.before(behind));
        let mut reached = newest;
        for _ in 0..MAX_LISTS {
            let page = self.requests.list(&self.layout.index(), start_after.as_deref(), MAX_KEYS).await?;
            for entry in page.keys.iter().filter_map(|key| self.layout.parse_entry(key)) {
                reached = entry.created_at;
                known.entries.entry(entry.id).or_default().push((entry.created_at, entry.saved_at));
            }
            start_after = page.keys.last().map(ToString::to_string);
            if !page.truncated || reached < oldest {
                return Ok(known);
            }
        }
        // The entries of the last id may go on behind the last page.
        known.entries.retain(|_, entries| entries.iter().all(|(created_at, _)| *created_at > reached));
        Ok(known)
    }

    /// Where else the ids of the page lie.
    pub(super) async fn elsewhere<'a>(&self, known: &'a Known) -> Result<&'a Elsewhere> {
        known.elsewhere.get_or_try_init(|| self.find_elsewhere(&known.documents)).await
    }

    /// When the documents were created: those whose ids tell, and if none does, anywhere in their months.
    fn created_between(&self, documents: &[Key]) -> Option<(CreatedAt, CreatedAt)> {
        let parsed: Vec<_> = documents.iter().filter_map(|key| self.layout.parse_document(key)).collect();
        let times = || parsed.iter().filter_map(|(id, _)| id.created_at());
        let months = || parsed.iter().map(|(_, month)| month.bounds());
        times()
            .min()
            .zip(times().max())
            .or_else(|| months().map(|(first, _)| first).min().zip(months().map(|(_, last)| last).max()))
    }
}
