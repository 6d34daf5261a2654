//! What the index says of a month, in few bytes an entry.

use crate::bucket::Listed;
use crate::id::AnalysisId;
use crate::index::Entry;
use crate::time::{CreatedAt, SavedAt};
use crate::token::ContentToken;
use crate::windows::WRITTEN_WITHIN;

/// The entries of one month. A million take less than 60 MB.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Sorted by id once all are there.
    entries: Vec<Compact>,
    is_sorted: bool,
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

fn digest(id: &AnalysisId) -> u64 {
    ContentToken::of_content(id.as_str().as_bytes()).bits()
}

impl Known {
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

    fn of(&mut self, id: &AnalysisId) -> &mut [Compact] {
        if !self.is_sorted {
            self.entries.sort_unstable_by_key(|entry| entry.id);
            self.is_sorted = true;
        }
        let id = digest(id);
        let first = self.entries.partition_point(|entry| entry.id < id);
        let count = self.entries.get(first..).unwrap_or_default().iter().take_while(|entry| entry.id == id).count();
        self.entries.get_mut(first..first + count).unwrap_or_default()
    }

    /// Notes that this document was met: when its id was created, if the index has just one entry of it, and that
    /// stands for what is stored.
    pub(super) fn meet(&mut self, id: &AnalysisId, document: &Listed) -> Option<CreatedAt> {
        match self.of(id) {
            [only] => {
                only.is_met = true;
                only.stands_for(document).then_some(only.created_at)
            }
            several => {
                several.iter_mut().for_each(|entry| entry.is_met = true);
                None
            }
        }
    }

    /// Whether the document of this entry, which was listed before, was not met.
    pub(super) fn is_without_document(&mut self, entry: &Entry) -> bool {
        self.of(&entry.id).iter().any(|known| !known.is_met && known.saved_at == entry.saved_at)
    }

    /// Whether any entry's document was not met.
    pub(super) fn has_any_without_document(&self) -> bool {
        self.entries.iter().any(|entry| !entry.is_met)
    }
}

impl Compact {
    fn stands_for(&self, document: &Listed) -> bool {
        let is_written_then = match document.saved_at {
            Some(saved_at) => saved_at == self.saved_at,
            // The very bytes may have been saved again since.
            None => {
                let apart = document.last_modified.duration_since(self.saved_at.timestamp());
                apart.unsigned_abs() <= WRITTEN_WITHIN
            }
        };
        document.size == self.size && document.token.is_none_or(|token| token == self.token) && is_written_then
    }
}
