use clap::Parser;
use proptest::prelude::*;

use super::*;
use crate::cost::prices;

#[derive(Debug, Parser)]
struct Flags {
    #[command(flatten)]
    assumptions: Assumptions,
}

fn assumptions(flags: &[&str]) -> Assumptions {
    Flags::parse_from([&["cost"], flags].concat()).assumptions
}

fn estimate(analyses: u64, size: u64, flags: &[&str]) -> Estimate {
    let assumptions = assumptions(flags);
    Estimate::new(
        Workload::uniform(analyses, size, &assumptions),
        &assumptions,
        &prices::for_region("us-east-1"),
    )
}

fn usd(estimate: &Estimate, service: &str, name: &str) -> Decimal {
    estimate.parts.iter().find(|part| (part.service, part.name) == (service, name)).unwrap().usd
}

#[test]
fn figures_that_can_be_done_by_hand() {
    let flags =
        ["--saves", "1000", "--loads", "2000", "--lists", "3000", "--stats", "0", "--deletes", "1000"];
    // A million documents of one KB are 0.95367431640625 GB.
    let estimate = estimate(1_000_000, 1024, &flags);
    for (service, name, expected) in [
        ("S3 storage", "STANDARD", "0.0219345093"),
        ("S3 storage", "STANDARD_IA", "0"),
        ("S3 storage", "index and metadata", "0.0219345093"),
        ("S3 requests", "saves", "0.01"),
        ("S3 requests", "loads", "0.0008"),
        ("S3 requests", "list pages", "0.015"),
        ("S3 requests", "totals", "0"),
        ("S3 requests", "deletes", "0.0108"),
        ("S3 requests", "transitions", "0"),
        ("Lambda", "requests", "0.0014"),
        // 100 + 100 + 225 + 150 seconds of half a GB.
        ("Lambda", "duration", "0.0047916762"),
        ("API Gateway", "requests", "0.007"),
    ] {
        assert_eq!(usd(&estimate, service, name), expected.parse().unwrap(), "{service}: {name}");
    }
}

#[test]
fn large_documents_move_and_are_metered_in_parts() {
    let flags = ["--saves", "1000", "--loads", "1000", "--lists", "0", "--stats", "0"];
    let estimate = estimate(365_000, 1 << 20, &flags);
    // 30,000 MB in STANDARD, 60,000 MB in STANDARD_IA, 275,000 MB and their overhead in GLACIER.
    for (service, name, expected) in [
        ("S3 storage", "STANDARD", "0.6738"),
        ("S3 storage", "STANDARD_IA", "0.7324"),
        ("S3 storage", "GLACIER", "1.0453"),
        ("S3 requests", "transitions", "0.0400"),
        // Two thirds of the loads pay for retrieval.
        ("S3 requests", "loads", "0.0073"),
        ("API Gateway", "requests", "0.0040"),
    ] {
        assert_eq!(usd(&estimate, service, name).round_dp(4), expected.parse().unwrap(), "{service}: {name}");
    }
}

#[test]
fn nothing_costs_nothing_but_its_upkeep() {
    let upkeep = ["--alarms", "0", "--metrics", "0", "--dashboards", "0"];
    let looks = estimate(0, 0, &upkeep);
    let used: Vec<_> = looks.parts.iter().filter(|part| !part.usd.is_zero()).map(|part| part.name).collect();
    assert_eq!(used, ["repairs", "repairs"], "which look each quarter of an hour");
    // 2,880 GETs; 144 GB-seconds and 2,910 requests of Lambda.
    assert_eq!(looks.total_usd, "0.0041340048".parse().unwrap());
    // 20 alarms, 21 metrics, one dashboard.
    assert_eq!(estimate(0, 0, &[]).total_usd - looks.total_usd, "11.3".parse().unwrap());
}

#[test]
fn upkeep_that_can_be_done_by_hand() {
    let calls = ["--saves", "1000", "--loads", "1000", "--lists", "0", "--stats", "0"];
    let upkeep = ["--kms-keys", "1", "--servers", "3", "--log-bytes", "1MB", "--alarms", "10"];
    let estimate = estimate(100_000, 1024, &[&calls[..], &upkeep].concat());
    for (service, name, expected) in [
        // 30 days x 300 LISTs, and 2,880 GETs.
        ("S3 requests", "repairs", "0.046152"),
        // Three servers x 259,200 probes.
        ("S3 requests", "readiness probes", "3.888"),
        // 2,000 MB.
        ("CloudWatch", "logs", "0.9765625"),
        ("CloudWatch", "alarms", "1"),
        // 3,000 requests to S3 are 30 to KMS.
        ("KMS", "keys and requests", "1.00009"),
    ] {
        assert_eq!(usd(&estimate, service, name), expected.parse().unwrap(), "{service}: {name}");
    }
}

proptest! {
    #[test]
    fn more_analyses_never_cost_less(few in 0..10_000_000_000_u64, more in 0..10_000_000_000_u64, size in 0..5_u64 << 30) {
        let (low, high) = (few.min(few + more), few + more);
        prop_assert!(estimate(low, size, &[]).total_usd <= estimate(high, size, &[]).total_usd);
    }

    /// With the default lifecycle: a document that is just large enough to move costs more than one that stays.
    #[test]
    fn larger_documents_never_cost_less(analyses in 0..10_000_000_u64, size in 0..1_u64 << 20, more in 0..1_u64 << 20) {
        prop_assert!(estimate(analyses, size, &[]).total_usd <= estimate(analyses, size + more, &[]).total_usd);
    }

    #[test]
    fn parts_sum_to_the_total(analyses in 0..super::super::workload::MOST, size in 0..5_u64 << 30) {
        let estimate = estimate(analyses, size, &["--ids", "named"]);
        prop_assert!(estimate.parts.iter().all(|part| part.usd >= Decimal::ZERO));
        prop_assert_eq!(estimate.parts.iter().map(|part| part.usd).sum::<Decimal>(), estimate.total_usd);
    }
}
