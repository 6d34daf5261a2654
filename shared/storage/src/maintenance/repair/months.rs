//! The months that there is anything in.

use std::collections::BTreeSet;

use crate::Analyses;
use crate::bucket::Key;
use crate::error::Result;
use crate::index::IndexKey;
use crate::month::Month;

/// What lies directly among the documents.
#[derive(Debug, Default)]
struct Folders {
    months: Vec<Month>,
    /// Objects in no month's folder.
    outside: Vec<Key>,
}

impl Analyses {
    /// The months that documents lie in, or that index entries are of, the oldest first: up to four requests for each.
    ///
    /// # Errors
    /// Those of every request, and [`Error::Misconfigured`](crate::Error::Misconfigured) for entries of a later version
    /// of this software.
    pub async fn months(&self) -> Result<Vec<Month>> {
        let mut months: BTreeSet<Month> = self.months_of_documents().await?.into_iter().collect();
        months.extend(self.months_of_entries().await?);
        Ok(months.into_iter().collect())
    }

    /// The months that documents lie in. As many requests as [`folders`](Self::folders).
    pub(super) async fn months_of_documents(&self) -> Result<Vec<Month>> {
        Ok(self.folders().await?.months)
    }

    /// Objects among the documents that lie in the folder of no month. As many requests as [`folders`](Self::folders).
    pub(super) async fn outside_months(&self) -> Result<Vec<Key>> {
        Ok(self.folders().await?.outside)
    }

    /// What lies among the documents. One request for each month, and for each object that lies in none.
    async fn folders(&self) -> Result<Folders> {
        let documents = self.layout.documents(None);
        let mut folders = Folders::default();
        let mut position = None;
        loop {
            let page = self.requests.list(&documents, position.as_deref(), 1).await?;
            let Some(key) = page.keys().next_back() else { return Ok(folders) };
            position = Some(if let Some(month) = self.layout.month_of(key) {
                folders.months.push(month);
                self.layout.behind_documents(month)
            } else {
                folders.outside.push(key.clone());
                key.to_string()
            });
        }
    }

    async fn months_of_entries(&self) -> Result<Vec<Month>> {
        let mut months = Vec::new();
        let mut position: Option<String> = None;
        loop {
            let page = self.requests.list(&self.layout.index(), position.as_deref(), 1).await?;
            let Some(key) = page.keys().next_back() else { return Ok(months) };
            position = Some(match self.month_of_entry(key)? {
                Some(month) => {
                    months.push(month);
                    self.behind_month(key, month)
                }
                None => key.to_string(),
            });
        }
    }

    /// The first position behind this key from which on entries of another month may come. Those of an earlier version
    /// lie behind the folder of their day: the folder with the end of the month may be followed by some of the next.
    fn behind_month(&self, key: &Key, month: Month) -> String {
        let (first, last) = month.bounds();
        let positions =
            [self.layout.behind_folder(last), self.layout.before(first), self.layout.before_legacy(first)];
        let mut behind = positions.into_iter().filter(|position| position.as_str() > key.as_str());
        behind.next().unwrap_or_else(|| key.to_string())
    }

    fn month_of_entry(&self, key: &Key) -> Result<Option<Month>> {
        Ok(match self.known_version(key)? {
            IndexKey::Entry(entry) => Some(Month::from(entry.created_at)),
            IndexKey::Legacy(entry) => Some(Month::from(entry.created_at)),
            IndexKey::Newer | IndexKey::Unrelated => None,
        })
    }
}
