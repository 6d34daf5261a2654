//! What the index says of a month, in few bytes an entry.

use std::collections::HashSet;

use super::verdict::SavedBytes;
use crate::bucket::Listed;
use crate::durations::WRITTEN_WITHIN;
use crate::id::AnalysisId;
use crate::index::Entry;
use crate::time::{CreatedAt, SavedAt};
use crate::token::ContentToken;

/// The entries of one month. A million take less than 60 MB.
#[derive(Debug, Default)]
pub(super) struct MonthIndex {
    /// Sorted by id once all are there.
    entries: Vec<Compact>,
    is_sorted: bool,
    /// The ids of entries of an earlier version that stay.
    legacy: HashSet<u64>,
}

/// An entry without what no comparison needs.
#[derive(Debug, Clone, Copy)]
struct Compact {
    /// A digest of the id: two ids that share one are both looked at.
    id: u64,
    created_at: CreatedAt,
    saved_at: SavedAt,
    token: ContentToken,
    size: u64,
    /// Whether its document was met.
    is_met: bool,
}

/// What the entries of the month say of one document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Claims {
    /// When its id was created: more than one time if some of the entries are strays.
    pub(super) created: Vec<CreatedAt>,
    /// What the index says of its bytes, if there is just one entry, and it stands for what is stored.
    agreed: Option<SavedBytes>,
    /// Whether there are only entries of an earlier version.
    pub(super) are_legacy: bool,
}

/// The entries whose document was not met, the newest first.
#[derive(Debug)]
pub(super) struct Unmet(Vec<Compact>);

fn digest(id: &AnalysisId) -> u64 {
    ContentToken::of_content(id.as_str().as_bytes()).bits()
}

impl MonthIndex {
    /// Takes in an entry.
    pub(super) fn add(&mut self, entry: &Entry) {
        let Entry { id, created_at, saved_at, token, size, .. } = entry;
        if self.entries.len() == self.entries.capacity() {
            // By degrees: doubling would need twice the memory at once.
            self.entries.reserve_exact(1024 + self.entries.len() / 8);
        }
        self.is_sorted = false;
        self.entries.push(Compact {
            id: digest(id),
            created_at: *created_at,
            saved_at: *saved_at,
            token: *token,
            size: *size,
            is_met: false,
        });
    }

    /// Takes in an entry of an earlier version that stays.
    pub(super) fn add_legacy(&mut self, id: &AnalysisId) {
        self.legacy.insert(digest(id));
    }

    fn entries_of(&mut self, id: u64) -> &mut [Compact] {
        if !self.is_sorted {
            self.entries.sort_unstable_by_key(|entry| entry.id);
            self.is_sorted = true;
        }
        let first = self.entries.partition_point(|entry| entry.id < id);
        let behind = self.entries.get(first..).unwrap_or_default();
        let count = behind.iter().take_while(|entry| entry.id == id).count();
        self.entries.get_mut(first..first + count).unwrap_or_default()
    }

    /// Notes that this document was met, and says what is known of it.
    pub(super) fn meet(&mut self, id: &AnalysisId, document: &Listed) -> Claims {
        let id = digest(id);
        let entries = self.entries_of(id);
        for entry in &mut *entries {
            entry.is_met = true;
        }
        let mut created: Vec<CreatedAt> = entries.iter().map(|entry| entry.created_at).collect();
        created.sort_unstable();
        created.dedup();
        let agreed = match entries {
            [only] if only.stands_for(document) => Some(only.saved_bytes()),
            _ => None,
        };
        let are_legacy = created.is_empty() && self.legacy.contains(&id);
        Claims { created, agreed, are_legacy }
    }

    /// The entries without a document, but for those that readers pass over.
    pub(super) fn into_unmet(self, is_over: impl Fn(SavedAt) -> bool) -> Unmet {
        let mut entries = self.entries;
        entries.retain(|entry| !entry.is_met && !is_over(entry.saved_at));
        entries.sort_unstable_by_key(|entry| entry.created_at);
        entries.reverse();
        Unmet(entries)
    }
}

impl Compact {
    fn saved_bytes(&self) -> SavedBytes {
        SavedBytes { saved_at: self.saved_at, size: self.size, token: self.token }
    }

    fn stands_for(&self, document: &Listed) -> bool {
        document.size == self.size
            && document.token.is_none_or(|token| token == self.token)
            && document
                .saved_at
                .map_or_else(|| self.is_of_time(document), |saved_at| saved_at == self.saved_at)
    }

    /// Whether the document was written when this entry's was: the very bytes may have been saved again since.
    fn is_of_time(&self, document: &Listed) -> bool {
        let apart = document.last_modified.duration_since(self.saved_at.timestamp());
        apart.unsigned_abs() <= WRITTEN_WITHIN
    }
}

impl Claims {
    /// When the document's id was created, if the index says so in one entry that stands for what is stored.
    pub(super) fn agreed(&self) -> Option<CreatedAt> {
        self.created.first().copied().filter(|_| self.agreed.is_some())
    }

    /// What that entry says of the document's bytes.
    pub(super) fn agreed_bytes(&self) -> Option<SavedBytes> {
        self.agreed
    }
}

impl Unmet {
    /// When the newest of them was created.
    pub(super) fn newest(&self) -> Option<CreatedAt> {
        self.0.first().map(|entry| entry.created_at)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets those that are newer than this.
    pub(super) fn forget_newer(&mut self, than: CreatedAt) {
        self.0.drain(..self.count_newer(than));
    }

    /// Whether this entry is among them.
    pub(super) fn has(&self, entry: &Entry) -> bool {
        let same_time = self.0.iter().skip(self.count_newer(entry.created_at));
        let mut same_time = same_time.take_while(|unmet| unmet.created_at == entry.created_at);
        let id = digest(&entry.id);
        same_time.any(|unmet| unmet.id == id && unmet.saved_at == entry.saved_at)
    }

    fn count_newer(&self, than: CreatedAt) -> usize {
        self.0.partition_point(|entry| entry.created_at > than)
    }
}
