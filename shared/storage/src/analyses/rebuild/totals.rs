//! Totals: compared with the index they are derived from, and derived anew.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::analyses::Analyses;
use crate::error::Result;
use crate::query::{Limit, ListQuery};
use crate::{Entry, Stats};

/// How often a comparison is begun again because the store has changed meanwhile.
const ATTEMPTS: usize = 3;

/// Whether the totals are those of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TotalsCheck {
    /// They are.
    Right,
    /// They are not: what they say, and what the index says.
    Wrong(String),
    /// The store changes too fast to tell.
    Undecided,
}

impl Analyses {
    /// Compares [`stats`](Self::stats) with a sum over the whole index.
    ///
    /// As many requests as there are thousands of analyses, up to three times over in a store that is in use.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn check_totals(&self) -> Result<TotalsCheck> {
        for _ in 0..ATTEMPTS {
            let before = Sums::from(&self.stats().await?);
            let sums = self.sum_index().await?;
            if before == sums {
                return Ok(TotalsCheck::Right);
            }
            if before == Sums::from(&self.stats().await?) {
                return Ok(TotalsCheck::Wrong(before.differences(&sums)));
            }
        }
        Ok(TotalsCheck::Undecided)
    }

    /// Forgets the stored totals of past days, so that the next [`stats`](Self::stats) derives them anew.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn discard_totals(&self) -> Result<()> {
        self.requests.delete(&self.layout.totals()).await
    }

    async fn sum_index(&self) -> Result<Sums> {
        let mut sums = Sums::default();
        let mut query = ListQuery { limit: Limit::parse("1000")?, ..ListQuery::default() };
        loop {
            let page = self.list(&query).await?;
            page.entries.iter().for_each(|entry| sums.add(entry));
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => return Ok(sums),
            }
        }
    }
}

/// The totals that are sums.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    analyses: u64,
    bytes: u64,
    implementations: BTreeMap<String, u64>,
    statuses: BTreeMap<String, u64>,
    months: BTreeMap<String, u64>,
}

impl From<&Stats> for Sums {
    fn from(stats: &Stats) -> Self {
        Self {
            analyses: stats.total_analyses,
            bytes: stats.total_size_bytes,
            implementations: stats.implementations_used.clone(),
            statuses: stats.statuses.clone(),
            months: stats.by_month.clone(),
        }
    }
}

impl Sums {
    fn add(&mut self, entry: &Entry) {
        self.analyses += 1;
        self.bytes += entry.size;
        *self.implementations.entry(entry.summary.implementation.to_string()).or_default() += 1;
        *self.statuses.entry(entry.summary.status.to_string()).or_default() += 1;
        *self.months.entry(crate::Month::from(entry.created_at).to_string()).or_default() += 1;
    }

    fn fields(&self) -> [(&'static str, Value); 5] {
        [
            ("total_analyses", self.analyses.into()),
            ("total_size_bytes", self.bytes.into()),
            ("implementations_used", json!(self.implementations)),
            ("statuses", json!(self.statuses)),
            ("by_month", json!(self.months)),
        ]
    }

    fn differences(&self, index: &Self) -> String {
        let pairs = self.fields().into_iter().zip(index.fields());
        let differ = pairs.filter(|((_, total), (_, sum))| total != sum);
        let texts: Vec<String> =
            differ.map(|((name, total), (_, sum))| format!("{name} is {total} instead of {sum}")).collect();
        texts.join(", ")
    }
}
