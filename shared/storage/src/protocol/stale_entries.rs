//! Removing the entries of an id that are not current: the last step but one of `save.rs`, and the last of `delete.rs`.

use futures::future::try_join_all;

use crate::Analyses;
use crate::bucket::{Key, ObjectMeta};
use crate::error::Result;
use crate::id::AnalysisId;
use crate::index::Entry;
use crate::time::CreatedAt;

impl Analyses {
    /// Removes every entry of the id but the one that readers take: whether there were others.
    ///
    /// The entries are listed *before* the document is looked at: an entry that is written after the listing
    /// cannot be among those removed, and one in the listing whose document is current when we look is kept.
    pub(crate) async fn prune_stale_entries(&self, id: &AnalysisId, created_at: CreatedAt) -> Result<bool> {
        #[cfg(feature = "testing")]
        if self.is(crate::mutants::Mutant::HeadBeforeList) {
            return self.prune_head_first(id, created_at).await.map(|()| true);
        }
        let entries = self.entries_of(id, created_at).await?;
        let document = self.requests.head(&self.layout.document(id, created_at)).await?;
        let stale = stale(&entries, document.as_ref());
        #[cfg(feature = "testing")]
        let stale = self.or_all_stale(stale, &entries, document.as_ref());
        if !stale.is_empty() {
            self.mark(created_at).await?;
        }
        try_join_all(stale.into_iter().map(|key| self.requests.delete(key)))
            .await
            .map(|gone| !gone.is_empty())
    }
}

/// Which of an id's entries do not stand for its document: all but the one of the same save.
///
/// There may be none such while a replacing save is between its document and its entry. Until that save is
/// acknowledged the newest entry stands, or an analysis that was acknowledged before would vanish from the list.
pub(crate) fn stale<'a>(entries: &'a [(Key, Entry)], document: Option<&ObjectMeta>) -> Vec<&'a Key> {
    let keep = document.and_then(|document| {
        let mut current = entries.iter().filter(|(_, entry)| entry.saved_at == document.saved_at);
        // There are two where a document was adopted that another program has changed, but for its metadata.
        let current =
            current.clone().find(|(_, e)| Some(e.token) == document.token).or_else(|| current.next());
        let newest = || entries.iter().max_by_key(|(_, entry)| entry.saved_at);
        current.or_else(newest).map(|(key, _)| key)
    });
    entries.iter().map(|(key, _)| key).filter(|key| Some(*key) != keep).collect()
}
