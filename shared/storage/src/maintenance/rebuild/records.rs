//! The id records of a page of documents, by their listing.

use std::collections::{BTreeMap, HashMap};

use crate::Analyses;
use crate::bucket::{Key, Listed, MAX_KEYS};
use crate::error::Result;
use crate::id::AnalysisId;
use crate::protocol::IdRecord;
use crate::time::CreatedAt;
use crate::token::ContentToken;

/// How many thousands of id records are read for a thousand documents: records of all months lie together.
const MAX_LISTS: usize = 4;

/// The tokens of the id records that a listing has shown.
#[derive(Debug, Default)]
pub(super) struct Records(HashMap<AnalysisId, Option<ContentToken>>);

impl Records {
    /// Whether the listing shows that the record of this id holds this creation time. Where listings show no tokens, or
    /// the record was not among them, nobody knows.
    pub(super) fn say(&self, id: &AnalysisId, created_at: CreatedAt) -> bool {
        let expected = || ContentToken::of_content(&IdRecord::of(created_at).to_json());
        self.0.get(id).copied().flatten().is_some_and(|token| token == expected())
    }
}

impl Analyses {
    /// Lists the id records around the named ids of a page: up to four requests.
    pub(super) async fn records_of(&self, documents: &[Listed]) -> Result<Records> {
        let parsed = documents.iter().filter_map(|object| self.layout.parse_document(&object.key));
        let named = parsed.map(|(id, _)| id).filter(|id| id.created_at().is_none());
        let wanted: BTreeMap<Key, AnalysisId> = named.map(|id| (self.layout.id_record(&id), id)).collect();
        let mut records = Records::default();
        let ends = wanted.first_key_value().zip(wanted.last_key_value());
        let Some(((first, _), (last, _))) = ends else { return Ok(records) };
        // What it begins with sorts before it.
        let mut position = first.as_str().get(..first.as_str().len() - 1).unwrap_or_default().to_owned();
        for _ in 0..MAX_LISTS {
            let page = self.requests.list(&self.layout.id_records(), Some(&position), MAX_KEYS).await?;
            for object in &page.objects {
                if let Some(id) = wanted.get(&object.key) {
                    records.0.insert(id.clone(), object.token);
                }
            }
            match page.next().filter(|next| *next < last) {
                Some(next) => position = next.to_string(),
                None => break,
            }
        }
        Ok(records)
    }
}
