//! What a month costs beside the requests of callers: repairs, logs, alarms, keys, and probes of servers.

use rust_decimal::Decimal;
use serde::Serialize;

use super::estimate::{HOURS_A_MONTH, Part, part, thousands};
use super::operations::{self, Requests};
use super::prices::Prices;
use super::workload::{Assumptions, Workload};

const DAYS_A_MONTH: u64 = HOURS_A_MONTH / 24;
/// Each quarter of an hour a function looks whether a repair is to go on.
const LOOKS_A_MONTH: u64 = HOURS_A_MONTH * 4;
/// To see that there is nothing to go on with.
const LOOK_MS: u64 = 50;
/// A listing of a thousand keys, compared.
const LISTING_MS: u64 = 200;
/// S3 asks KMS once for so many requests of its own, with a bucket key.
const REQUESTS_OF_A_BUCKET_KEY: u64 = 100;
const SECONDS_A_MONTH: u64 = HOURS_A_MONTH * 3600;

/// What is deployed. Memory and schedule of repair are the template's.
#[derive(Debug, Clone, Copy, clap::Args, Serialize)]
pub(crate) struct Upkeep {
    /// Metrics that alarms watch; a server alone has none
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(..=10_000))]
    pub(crate) alarms: u32,
    /// Metrics of logs and of the bucket's requests; a server alone has none
    #[arg(long, value_name = "N", default_value_t = 21, value_parser = clap::value_parser!(u32).range(..=10_000))]
    pub(crate) metrics: u32,
    /// Dashboards
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(..=1_000))]
    pub(crate) dashboards: u32,
    /// What one request writes to the logs: those of the function, of Lambda and of the API
    #[arg(long, value_name = "SIZE", default_value = "1500", value_parser = crate::human::parse_size)]
    pub(crate) log_bytes: u64,
    /// Keys of KMS, of your own, that the bucket is encrypted with
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=10))]
    pub(crate) kms_keys: u32,
    /// Servers whose `/ready` is asked for, which takes a LIST
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=10_000))]
    pub(crate) servers: u32,
    /// Seconds between two probes of `/ready`
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) ready_seconds: u32,
}

/// The parts of a month.
pub(crate) fn parts(workload: &Workload, assumptions: &Assumptions, prices: &Prices) -> Vec<Part> {
    let upkeep = &assumptions.upkeep;
    let of = |count: u32, price: Decimal| Decimal::from(count) * price;
    let probes = u64::from(upkeep.servers) * SECONDS_A_MONTH / u64::from(upkeep.ready_seconds);
    let logged = thousands(calls(workload)) * Decimal::from(upkeep.log_bytes) * Decimal::ONE_THOUSAND;
    let keys = of(upkeep.kms_keys, prices.kms_key_month + of_keys(workload, assumptions, prices));
    vec![
        part("S3 requests", "repairs", repair_requests(workload, prices)),
        part("S3 requests", "readiness probes", thousands(probes) * prices.thousand_puts),
        part("Lambda", "repairs", repair_time(workload, prices)),
        part("CloudWatch", "logs", logged / Decimal::from(1_u64 << 30) * prices.logs_gb),
        part("CloudWatch", "alarms", of(upkeep.alarms, prices.alarm_metric_month)),
        part("CloudWatch", "metrics", of(upkeep.metrics, prices.metric_month)),
        part("CloudWatch", "dashboards", of(upkeep.dashboards, prices.dashboard_month)),
        part("KMS", "keys and requests", keys),
    ]
}

fn calls(workload: &Workload) -> u64 {
    workload.saves + workload.loads + workload.lists + workload.stats + workload.deletes
}

/// Of entries, of documents, and of entries once more for the totals.
fn listings(workload: &Workload) -> u64 {
    workload.analyses.div_ceil(1000) * 3 * DAYS_A_MONTH
}

fn repair_requests(workload: &Workload, prices: &Prices) -> Decimal {
    let looks = thousands(LOOKS_A_MONTH) * prices.thousand_gets;
    thousands(listings(workload)) * prices.thousand_puts + looks
}

/// With 1,024 MB.
fn repair_time(workload: &Workload, prices: &Prices) -> Decimal {
    let seconds =
        thousands(LOOKS_A_MONTH * LOOK_MS) + thousands(listings(workload)) * Decimal::from(LISTING_MS);
    let starts = Decimal::from(LOOKS_A_MONTH + DAYS_A_MONTH) / Decimal::from(1_000_000);
    seconds * prices.lambda_gb_second + starts * prices.million_lambda_requests
}

fn of_keys(workload: &Workload, assumptions: &Assumptions, prices: &Prices) -> Decimal {
    let ids = assumptions.ids;
    let requests = |count: u64, requests: Requests| Decimal::from(count) * Decimal::from(requests.count());
    let all = requests(workload.saves, operations::save(ids))
        + requests(workload.loads, operations::load(ids))
        + requests(workload.stats, operations::STATS)
        + requests(workload.deletes, operations::delete(ids));
    all / Decimal::from(REQUESTS_OF_A_BUCKET_KEY) / Decimal::from(10_000) * prices.ten_thousand_kms_requests
}
