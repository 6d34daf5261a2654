//! The walk through the list of analyses, page by page.

use analysis_storage::query::{Cursor, Filter, Limit, ListQuery};
use analysis_storage::{Analyses, Entry, Error};

/// The pages of a list, newest first, up to so many analyses.
#[derive(Debug)]
pub(crate) struct Pages<'a> {
    analyses: &'a Analyses,
    filter: Filter,
    left: u64,
    begun: bool,
    cursor: Option<Cursor>,
}

impl<'a> Pages<'a> {
    /// Those of the analyses that this filter selects, at most `limit` of them.
    pub(crate) fn new(analyses: &'a Analyses, filter: Filter, limit: u64) -> Self {
        Self { analyses, filter, left: limit, begun: false, cursor: None }
    }

    /// The next page; `None` behind the last one, or when the limit is reached.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Entry>>, Error> {
        if self.left == 0 || self.begun && self.cursor.is_none() {
            return Ok(None);
        }
        let limit = Limit::parse(&self.left.min(Limit::MAX.into()).to_string())?;
        let query = ListQuery { limit, cursor: self.cursor.take(), filter: self.filter.clone() };
        let page = self.analyses.list(&query).await?;
        self.begun = true;
        self.left -= page.entries.len() as u64;
        self.cursor = page.next;
        Ok(Some(page.entries))
    }

    /// Whether the list goes on behind the pages so far.
    pub(crate) fn has_more(&self) -> bool {
        self.cursor.is_some()
    }
}
