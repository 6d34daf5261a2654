//! Listing: one request a page, newest first.

use super::{Entry, IndexPage};
use crate::Analyses;
use crate::bucket::MAX_KEYS;
use crate::error::Result;
use crate::query::{Cursor, ListQuery};

/// Keys asked for beyond the page, so that a few stale or expired entries do not shorten it.
const SPARE_KEYS: usize = 24;

/// One page of the list.
#[derive(Debug, Clone)]
pub struct Page {
    /// At most as many as the limit; fewer, even none, does not mean that the list ends.
    pub entries: Vec<Entry>,
    /// Where the next page begins; `None` at the end of the list.
    pub next: Option<Cursor>,
}

impl Analyses {
    /// One page of analyses, newest first by creation time.
    ///
    /// A page never shows an analysis that an earlier page of the same walk showed, and a walk misses none
    /// that was there, undisturbed, from its first page to its last.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn list(&self, query: &ListQuery) -> Result<Page> {
        let start_after = match &query.cursor {
            Some(cursor) => Some(self.layout.after_entries_of(&cursor.id, cursor.created_at)),
            None => query.filter.until().map(|until| self.layout.before(until)),
        };
        let limit = query.limit.get();
        let keys = if query.filter.is_selective() { MAX_KEYS } else { MAX_KEYS.min(limit + 1 + SPARE_KEYS) };
        let IndexPage { mut groups, next } = self.scan(start_after.as_deref(), keys).await?;

        let in_period =
            groups.iter().take_while(|group| !query.filter.is_before_from(group.created_at)).count();
        let reached_from = in_period < groups.len();
        groups.truncate(in_period);
        let end = groups.last().map(|group| Cursor { created_at: group.created_at, id: group.id.clone() });

        let visible = self.visible(groups, self.clock().now());
        let mut entries: Vec<Entry> = visible.filter(|entry| query.filter.matches(entry)).collect();
        let next = if entries.len() > limit {
            entries.truncate(limit);
            entries.last().map(|entry| Cursor { created_at: entry.created_at, id: entry.id.clone() })
        } else if next.is_some() && !reached_from {
            end
        } else {
            None
        };
        Ok(Page { entries, next })
    }
}
