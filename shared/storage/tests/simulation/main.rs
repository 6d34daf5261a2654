//! Deterministic simulation: the real code over a bucket whose every request waits for a scheduler, with faults,
//! crashes, expiry and jumps of the clock at any of them; and every interleaving of a few operations on one id.
//!
//! `make sim SEEDS=100000` runs more seeds than the ordinary test; `SIM_SEED=7 make sim` runs one of them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "test code: a panic is how it reports"
)]

mod check;
mod engine;
mod history;
mod linear;
mod perform;
mod plan;
mod random;
mod run;
mod schedule;
mod world;

use analysis_storage::testing::Mutant;
use plan::Broken;
use run::{Tally, run_seed};

/// How many seeds an ordinary test run takes.
const SEEDS: u64 = 4000;

#[expect(clippy::disallowed_methods, reason = "a knob of this test, not of the product")]
fn knob(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn no_seed_breaks_a_promise() {
    let seeds = match knob("SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..knob("SEEDS").unwrap_or(SEEDS),
    };
    let mut all = Tally::new();
    for seed in seeds {
        let tally = run_seed(seed, Broken::default()).unwrap_or_else(|report| panic!("{report}"));
        for (what, count) in tally {
            *all.entry(what).or_default() += count;
        }
    }
    println!("{all:?}");
}

/// The first seed that finds a rule broken.
fn finds(broken: Broken) -> String {
    let found = (0..20_000).find_map(|seed| run_seed(seed, broken).err());
    found.unwrap_or_else(|| panic!("no seed notices {broken:?}"))
}

#[test]
fn settling_that_looks_before_it_lists_is_found() {
    println!("{}", finds(Broken { rule: Some(Mutant::HeadBeforeList), ..Broken::default() }));
}

#[test]
fn tokens_that_two_saves_share_are_found() {
    println!("{}", finds(Broken { shared_saved_at: true, ..Broken::default() }));
}

#[test]
fn markers_written_after_the_change_are_found() {
    println!("{}", finds(Broken { rule: Some(Mutant::MarkerAfterChange), ..Broken::default() }));
}

#[test]
fn a_snapshot_read_before_the_markers_is_found() {
    println!("{}", finds(Broken { rule: Some(Mutant::SnapshotBeforeMarkers), ..Broken::default() }));
}

#[test]
fn markers_whose_age_is_judged_at_their_deletion_are_found() {
    println!("{}", finds(Broken { rule: Some(Mutant::AgeAtDeletion), ..Broken::default() }));
}
