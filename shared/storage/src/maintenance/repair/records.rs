//! The id records of a page of documents, by their listing.

use std::collections::{BTreeMap, HashMap};

use crate::Analyses;
use crate::bucket::{Key, Listed, MAX_KEYS};
use crate::error::Result;
use crate::id::AnalysisId;
use crate::protocol::IdRecord;
use crate::time::CreatedAt;
use crate::token::ContentToken;

/// How many listings of id records are sent for a page of documents, whatever they show.
const MIN_LISTS: usize = 4;

/// A further listing is worth it if it is likely to spare so many requests for single records. Records of all months
/// lie together, and the ids of a month may be few among them.
const WORTHWHILE: usize = 16;

/// The tokens of the id records that a listing has shown.
#[derive(Debug, Default)]
pub(super) struct Records(HashMap<AnalysisId, Option<ContentToken>>);

impl Records {
    /// Whether the listing shows that the record of this id holds this creation time. Where listings show no tokens, or
    /// the record was not among them, nobody knows.
    pub(super) fn say(&self, id: &AnalysisId, created_at: CreatedAt) -> bool {
        let expected = || ContentToken::of_content(&IdRecord::new(created_at).to_json());
        self.0.get(id).copied().flatten().is_some_and(|token| token == expected())
    }
}

impl Analyses {
    /// Lists the id records around the named ids of a page.
    pub(super) async fn records_of(&self, documents: &[Listed]) -> Result<Records> {
        let parsed = documents.iter().filter_map(|object| self.layout.parse_document(&object.key));
        let named = parsed.map(|(id, _)| id).filter(|id| id.created_at().is_none());
        let mut wanted: BTreeMap<Key, AnalysisId> =
            named.map(|id| (self.layout.id_record(&id), id)).collect();
        let mut records = Records::default();
        let mut lists = 0;
        while let Some((first, _)) = wanted.first_key_value()
            && lists < MIN_LISTS + records.0.len() / WORTHWHILE
        {
            let position = just_before(first);
            let page = self.requests.list(&self.layout.id_records(), Some(&position), MAX_KEYS).await?;
            lists += 1;
            let next = page.next().cloned();
            for object in page.objects {
                if let Some(id) = wanted.remove(&object.key) {
                    records.0.insert(id, object.token);
                }
            }
            let Some(next) = next else { break };
            // Those before it are not there.
            wanted = wanted.split_off(&next);
        }
        Ok(records)
    }
}

/// A position before this key, and behind every other key of ours before it.
fn just_before(key: &Key) -> String {
    let mut position = key.to_string();
    if let Some(last) = position.pop() {
        // Sorts behind every character of an id.
        position.extend([char::from_u32(u32::from(last).saturating_sub(1)).unwrap_or_default(), '~']);
    }
    position
}
