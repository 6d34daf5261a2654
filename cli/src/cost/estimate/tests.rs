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
fn nothing_costs_nothing() {
    assert_eq!(estimate(0, 0, &[]).total_usd, Decimal::ZERO);
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
