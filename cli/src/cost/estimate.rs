//! What a month costs, part by part.

use rust_decimal::Decimal;
use serde::Serialize;

use super::operations::{self, Requests};
use super::prices::Prices;
use super::storage::{self, Share};
use super::upkeep;
use super::workload::{Assumptions, Workload};

/// Of 30 days.
pub(super) const HOURS_A_MONTH: u64 = 720;

/// HTTP APIs are metered in increments of 512 KB.
const METERED: u64 = 512 << 10;

/// One line of the bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Part {
    pub(crate) service: &'static str,
    pub(crate) name: &'static str,
    pub(crate) usd: Decimal,
}

/// A month's bill: the parts, which make up the total exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Estimate {
    #[serde(flatten)]
    pub(crate) workload: Workload,
    pub(crate) parts: Vec<Part>,
    pub(crate) total_usd: Decimal,
}

impl Estimate {
    pub(crate) fn new(workload: Workload, assumptions: &Assumptions, prices: &Prices) -> Self {
        let costs = Costs { workload: &workload, assumptions, prices };
        let mut parts = costs.storage();
        parts.extend(costs.requests());
        parts.extend(costs.compute());
        parts.extend(upkeep::parts(&workload, assumptions, prices));
        let total_usd = parts.iter().map(|part| part.usd).sum::<Decimal>().normalize();
        Self { workload, parts, total_usd }
    }
}

struct Costs<'a> {
    workload: &'a Workload,
    assumptions: &'a Assumptions,
    prices: &'a Prices,
}

/// Rounded, so that sums of parts are exact.
pub(super) fn part(service: &'static str, name: &'static str, usd: Decimal) -> Part {
    Part { service, name, usd: usd.round_dp(10).normalize() }
}

pub(super) fn thousands(count: u64) -> Decimal {
    Decimal::from(count) / Decimal::ONE_THOUSAND
}

impl Costs<'_> {
    fn share(&self) -> Share {
        storage::share(self.workload.spread_days, self.workload.average_size, self.assumptions.lifecycle)
    }

    fn storage(&self) -> Vec<Part> {
        let Workload { analyses, average_size, .. } = *self.workload;
        let (share, documents) = (self.share(), Decimal::from(analyses));
        let of = |share: Decimal, monthly: Decimal| share * documents * monthly;
        let prices = self.prices;
        vec![
            part("S3 storage", "STANDARD", of(share.standard, storage::standard(average_size, prices))),
            part(
                "S3 storage",
                "STANDARD_IA",
                of(share.standard_ia, storage::standard_ia(average_size, prices)),
            ),
            part("S3 storage", "GLACIER", of(share.glacier, storage::glacier(average_size, prices))),
            part("S3 storage", "index and metadata", documents * storage::metadata(prices)),
        ]
    }

    fn requests(&self) -> Vec<Part> {
        let Workload { saves, lists, stats, deletes, .. } = *self.workload;
        let cost = |count: u64, requests: Requests| thousands(count) * requests.per_thousand(self.prices);
        let ids = self.assumptions.ids;
        vec![
            part("S3 requests", "saves", cost(saves, operations::save(ids))),
            part("S3 requests", "loads", self.loads()),
            part("S3 requests", "list pages", cost(lists, operations::LIST)),
            part("S3 requests", "totals", cost(stats, operations::STATS) + self.lists_of_unsealed_hours()),
            part("S3 requests", "deletes", cost(deletes, operations::delete(ids))),
            part("S3 requests", "transitions", self.transitions()),
        ]
    }

    /// Loads are spread over the documents that are not archived.
    fn loads(&self) -> Decimal {
        let Workload { loads, average_size, .. } = *self.workload;
        let (prices, share) = (self.prices, self.share());
        let readable = share.standard + share.standard_ia;
        let infrequent = if readable.is_zero() { Decimal::ZERO } else { share.standard_ia / readable };
        let all = thousands(loads) * operations::load(self.assumptions.ids).per_thousand(prices);
        let dearer = thousands(loads) * (prices.thousand_standard_ia_gets - prices.thousand_gets);
        let retrieved =
            Decimal::from(loads) * storage::gigabytes(average_size) * prices.standard_ia_retrieval_gb;
        all + infrequent * (dearer + retrieved)
    }

    /// A LIST for each thousand saves of the hours that are not sealed, which are one and a half on average; and one
    /// PUT an hour for the totals of the hour before.
    fn lists_of_unsealed_hours(&self) -> Decimal {
        let Workload { saves, stats, .. } = *self.workload;
        let lists =
            Decimal::from(stats) * thousands(saves) / Decimal::from(HOURS_A_MONTH) * Decimal::new(15, 1);
        (lists + Decimal::from(stats.min(HOURS_A_MONTH))) * self.prices.thousand_puts / Decimal::ONE_THOUSAND
    }

    /// As many documents pass each age as are saved.
    fn transitions(&self) -> Decimal {
        let (share, saves) = (self.share(), thousands(self.workload.saves));
        let moved =
            |share: Decimal, price: Decimal| if share.is_zero() { Decimal::ZERO } else { saves * price };
        moved(share.standard_ia, self.prices.thousand_transitions_to_standard_ia)
            + moved(share.glacier, self.prices.thousand_transitions_to_glacier)
    }

    fn compute(&self) -> Vec<Part> {
        let Workload { saves, loads, lists, stats, deletes, average_size, .. } = *self.workload;
        let lambda = &self.assumptions.lambda;
        let milliseconds = [
            (saves, lambda.save_ms),
            (loads, lambda.load_ms),
            (lists, lambda.list_ms),
            (stats, lambda.stats_ms),
            (deletes, lambda.delete_ms),
        ];
        let seconds: Decimal =
            milliseconds.iter().map(|(count, ms)| thousands(*count) * Decimal::from(*ms)).sum();
        let memory = Decimal::from(lambda.memory) / Decimal::from(1024);
        let others = lists + stats + deletes;
        let metered = Decimal::from(average_size.div_ceil(METERED).max(1));
        let millions = |count: Decimal| count / Decimal::from(1_000_000);
        let (documents, others) = (Decimal::from(saves + loads), Decimal::from(others));
        vec![
            part("Lambda", "requests", millions(documents + others) * self.prices.million_lambda_requests),
            part("Lambda", "duration", seconds * memory * self.prices.lambda_gb_second),
            part(
                "API Gateway",
                "requests",
                millions(documents * metered + others) * self.prices.million_http_api_requests,
            ),
        ]
    }
}

#[cfg(test)]
mod tests;
