//! The walk through the list of analyses, page by page.

use analysis_storage::query::{Cursor, Filter, Limit, ListQuery};
use analysis_storage::{Analyses, Entry, Error};

use crate::command::CommandError;
use crate::selection::Selection;

/// The pages of a list, newest first, up to so many analyses.
#[derive(Debug)]
pub(crate) struct Pages<'a> {
    analyses: &'a Analyses,
    filter: Filter,
    /// What the list cannot filter by is looked for in whole pages.
    looked_through: Option<&'a Selection>,
    left: u64,
    begun: bool,
    cursor: Option<Cursor>,
    cut_off: bool,
}

impl<'a> Pages<'a> {
    /// Those of the analyses that this filter selects, at most `limit` of them.
    pub(crate) fn new(analyses: &'a Analyses, filter: Filter, limit: u64) -> Self {
        Self {
            analyses,
            filter,
            looked_through: None,
            left: limit,
            begun: false,
            cursor: None,
            cut_off: false,
        }
    }

    /// Those of the analyses that these options select, at most `limit` of them.
    pub(crate) fn of(
        analyses: &'a Analyses,
        selection: &'a Selection,
        limit: u64,
    ) -> Result<Self, CommandError> {
        let looked_through = Some(selection).filter(|selection| selection.has_id_prefix());
        Ok(Self { looked_through, ..Self::new(analyses, selection.filter()?, limit) })
    }

    /// The next page; `None` behind the last one, or when the limit is reached.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Entry>>, Error> {
        if self.left == 0 || self.begun && self.cursor.is_none() {
            return Ok(None);
        }
        let most = Limit::MAX.into();
        let limit = if self.looked_through.is_some() { most } else { self.left.min(most) };
        let limit = Limit::parse(&limit.to_string())?;
        let query = ListQuery { limit, cursor: self.cursor.take(), filter: self.filter.clone() };
        let mut page = self.analyses.list(&query).await?;
        self.begun = true;
        self.cursor = page.next;
        if let Some(selection) = self.looked_through {
            page.entries.retain(|entry| selection.has_id_of(entry));
            let left = usize::try_from(self.left).unwrap_or(usize::MAX);
            self.cut_off = page.entries.len() > left;
            page.entries.truncate(left);
        }
        self.left -= page.entries.len() as u64;
        Ok(Some(page.entries))
    }

    /// Whether the list goes on behind the pages so far.
    pub(crate) fn has_more(&self) -> bool {
        self.cut_off || self.cursor.is_some()
    }
}
