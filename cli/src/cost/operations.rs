//! The requests to S3 that each operation takes.

use rust_decimal::Decimal;
use serde::Serialize;

use super::prices::Prices;
use super::workload::Ids;

/// Requests by what they cost. DELETE is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Requests {
    /// PUT and LIST.
    pub(crate) puts: u64,
    /// GET and HEAD.
    pub(crate) gets: u64,
    pub(crate) deletes: u64,
}

impl Requests {
    const fn new(puts: u64, gets: u64, deletes: u64) -> Self {
        Self { puts, gets, deletes }
    }

    pub(crate) fn count(self) -> u64 {
        self.puts + self.gets + self.deletes
    }

    /// What a thousand times these requests cost.
    pub(crate) fn per_thousand(self, prices: &Prices) -> Decimal {
        Decimal::from(self.puts) * prices.thousand_puts + Decimal::from(self.gets) * prices.thousand_gets
    }
}

pub(crate) const LIST: Requests = Requests::new(1, 0, 0);
/// Markers, snapshot and index; one LIST more for each thousand saves of the last two hours.
pub(crate) const STATS: Requests = Requests::new(2, 1, 0);

pub(crate) fn save(ids: Ids) -> Requests {
    match ids {
        Ids::Generated => Requests::new(2, 0, 0),
        Ids::Uuidv7 => Requests::new(3, 1, 0),
        Ids::Named => Requests::new(4, 1, 0),
    }
}

pub(crate) fn load(ids: Ids) -> Requests {
    Requests::new(0, if ids == Ids::Named { 2 } else { 1 }, 0)
}

pub(crate) fn delete(ids: Ids) -> Requests {
    Requests::new(2, if ids == Ids::Named { 3 } else { 2 }, 2)
}

/// One operation, here and in a design that keeps documents alone and reads each of them to list or to count.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Comparison {
    pub(crate) operation: &'static str,
    pub(crate) requests: Requests,
    pub(crate) scanning: Vec<Requests>,
}

/// The operations, with what a scanning design takes at each of these numbers of analyses.
pub(crate) fn compare(analyses: &[u64]) -> Vec<Comparison> {
    let scan = |n: u64| Requests::new(n.div_ceil(1000).max(1), n, 0);
    let fixed = |operation, requests, scanning: Requests| Comparison {
        operation,
        requests,
        scanning: vec![scanning; analyses.len()],
    };
    let scanned = |operation, requests| Comparison {
        operation,
        requests,
        scanning: analyses.iter().map(|n| scan(*n)).collect(),
    };
    let (put, get, remove) = (Requests::new(1, 0, 0), Requests::new(0, 1, 0), Requests::new(0, 0, 1));
    vec![
        fixed("save, id made by the service", save(Ids::Generated), put),
        fixed("save, UUIDv7 from the client", save(Ids::Uuidv7), put),
        fixed("save, named id", save(Ids::Named), put),
        fixed("load", load(Ids::Generated), get),
        fixed("load, named id", load(Ids::Named), get),
        scanned("list, one page", LIST),
        scanned("totals", STATS),
        fixed("delete", delete(Ids::Generated), remove),
        fixed("delete, named id", delete(Ids::Named), remove),
    ]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use analysis_storage::bucket::GetOptions;
    use analysis_storage::bucket::memory::MemoryBucket;
    use analysis_storage::query::ListQuery;
    use analysis_storage::testing::{CountingBucket, ManualClock, Operation};
    use analysis_storage::{Analyses, AnalysisId, Bucket, Condition, Document, Layout, StorageType};

    use super::*;

    type Counted = CountingBucket<MemoryBucket>;

    fn taken(bucket: &Counted) -> Requests {
        let counts = bucket.take();
        let of =
            |kinds: [Operation; 2]| kinds.iter().filter_map(|kind| counts.get(kind)).sum::<usize>() as u64;
        let deletes = counts.get(&Operation::Delete).copied().unwrap_or_default() as u64;
        Requests::new(of([Operation::Put, Operation::List]), of([Operation::Get, Operation::Head]), deletes)
    }

    #[tokio::test]
    async fn the_requests_are_those_that_operations_take() {
        let clock = Arc::new(ManualClock::at("2026-01-15T12:00:00Z", 7));
        let bucket: Arc<Counted> = Arc::new(CountingBucket::new(MemoryBucket::new(clock.clone())));
        let shared: Arc<dyn Bucket> = bucket.clone();
        let analyses = Analyses::new(shared, StorageType::Memory, Layout::new("t"), clock);
        let document = Document::parse("{}".into()).unwrap();
        // The first reader stores the totals of the hours before.
        analyses.stats().await.unwrap();
        let _ = bucket.take();

        let generated = analyses.save_new(&document).await.unwrap().entry.id;
        assert_eq!(taken(&bucket), save(Ids::Generated));
        let [uuid7, named] = ["019bc14f-ef80-7000-8000-000000000000", "study-1"]
            .map(|id| AnalysisId::from_stored(id).unwrap());
        for (id, ids) in [(&uuid7, Ids::Uuidv7), (&named, Ids::Named)] {
            analyses.save(id, &document, &Condition::None).await.unwrap();
            assert_eq!(taken(&bucket), save(ids), "{id}");
        }
        analyses.list(&ListQuery::default()).await.unwrap();
        assert_eq!(taken(&bucket), LIST);
        analyses.stats().await.unwrap();
        assert_eq!(taken(&bucket), STATS);
        for (id, ids) in [(&generated, Ids::Generated), (&uuid7, Ids::Uuidv7), (&named, Ids::Named)] {
            analyses.load(id, &GetOptions::default()).await.unwrap();
            assert_eq!(taken(&bucket), load(ids), "{id}");
            analyses.delete(id, None).await.unwrap();
            assert_eq!(taken(&bucket), delete(ids), "{id}");
        }
    }
}
