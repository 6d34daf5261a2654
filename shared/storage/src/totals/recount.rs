//! Totals compared with the index they are derived from, and derived anew.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use super::PARALLEL;
use super::Stats;
use super::markers::MarkerListing;
use crate::Analyses;
use crate::bucket::Key;
use crate::error::{Error, Result};
use crate::time::CreatedAt;

/// How often a comparison, or a recount, is begun again because the store has changed meanwhile.
const ATTEMPTS: usize = 3;

/// Whether the totals are those of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TotalsCheck {
    /// The totals are those of the index.
    Right,
    /// The totals are not those of the index: what they say, and what the index says.
    Wrong(String),
    /// The store changes too fast to tell.
    Undecided,
}

impl Analyses {
    /// Compares [`stats`](Self::stats) with a sum over the whole index. Nothing is written.
    ///
    /// 1. Take the totals as [`stats_unsealed`](Self::stats_unsealed) does.
    /// 2. LIST the whole index.
    /// 3. If they differ, take the totals again: only if these have not changed meanwhile they are wrong.
    ///
    /// As many requests as there are thousands of analyses, up to three times over in a store that is in use.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn check_totals(&self) -> Result<TotalsCheck> {
        for _ in 0..ATTEMPTS {
            let before = figures(&self.stats_unsealed().await?);
            let counted = figures(&self.count_everything().await?);
            if before == counted {
                return Ok(TotalsCheck::Right);
            }
            if before == figures(&self.stats_unsealed().await?) {
                return Ok(TotalsCheck::Wrong(differences(&before, &counted)));
            }
        }
        Ok(TotalsCheck::Undecided)
    }

    /// Derives the stored totals anew from the whole index.
    ///
    /// 1. LIST the markers.
    /// 2. *Then* GET the snapshot, for its tag alone, and LIST the whole index.
    /// 3. PUT the new snapshot, if the stored one still has that tag; else go back to step 1. This is the commit point:
    ///    until then the totals that were stored stand.
    /// 4. DELETE the markers that it accounts for, and those that an earlier version has left.
    ///
    /// # Errors
    /// Those of every request, and [`Error::Contended`] if others store totals again and again.
    pub async fn recount(&self) -> Result<Stats> {
        for _ in 0..ATTEMPTS {
            let MarkerListing { markers, outdated, date } = self.list_markers().await?;
            let basis = self.basis(markers).await?.anew(self.retention);
            let periods = self.count(CreatedAt::MIN.timestamp(), None).await?.hours;
            if self.seal(&basis, &periods, date).await? {
                self.remove(outdated).await?;
                return Ok(Stats::from_periods(&periods, date, self.storage_type));
            }
        }
        Err(Error::Contended { operation: "the recount of the totals".to_owned() })
    }

    async fn remove(&self, outdated: Vec<Key>) -> Result<()> {
        stream::iter(outdated)
            .map(|key| async move { self.requests.delete(&key).await })
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await
    }

    async fn count_everything(&self) -> Result<Stats> {
        let periods = self.count(CreatedAt::MIN.timestamp(), None).await?.hours;
        Ok(Stats::from_periods(&periods, self.clock().now(), self.storage_type))
    }
}

/// The totals that are sums.
fn figures(stats: &Stats) -> BTreeMap<&'static str, Value> {
    [
        ("total_analyses", stats.total_analyses.into()),
        ("total_size_bytes", stats.total_size_bytes.into()),
        ("implementations_used", json!(stats.implementations_used)),
        ("statuses", json!(stats.statuses)),
        ("by_month", json!(stats.by_month)),
    ]
    .into()
}

fn differences(totals: &BTreeMap<&'static str, Value>, index: &BTreeMap<&'static str, Value>) -> String {
    let pairs = totals.iter().zip(index.values());
    let differ = pairs.filter(|((_, total), sum)| total != sum);
    let texts: Vec<String> =
        differ.map(|((name, total), sum)| format!("{name} is {total} instead of {sum}")).collect();
    texts.join(", ")
}
