//! The requests to S3 that each operation takes; `shared/storage/tests/budget.rs` asserts them.

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
/// Markers, snapshot and index; one LIST more for each thousand saves since midnight.
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
    Requests::new(2, if ids == Ids::Named { 2 } else { 1 }, 2)
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
