//! Deterministic simulation: the real code over a bucket whose every request waits for a scheduler. At any of them
//! there may be refusals, for minutes at a time, lost answers, requests that arrive after their sender has given up,
//! crashes, suspended processes, clocks that are wrong, drift and are set, time that goes by, and expiry.
//!
//! `make sim SEEDS=100000` runs more seeds than the ordinary test; `SIM_SEED=7 make sim` runs one of them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "test code: a panic is how it reports")]

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

use analysis_storage::testing::{Lax, Mutant};
use plan::Broken;
use run::{Tally, fails, run_seed, trace};

/// How many seeds an ordinary test run takes.
const SEEDS: u64 = 4000;
/// How many of them run a second time.
const SEEDS_TWICE: u64 = 200;
/// How many seeds are tried to find a broken rule.
const MOST_SEEDS: u64 = 20_000;
/// How many of them are to find it for an average.
const ENOUGH: u64 = 3;
/// After so many seeds one is enough.
const MANY_SEEDS: u64 = 2000;

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

/// Otherwise a seed that fails would not fail again, and nobody would learn why.
#[test]
fn one_seed_gives_one_trace() {
    for seed in 0..SEEDS_TWICE {
        let (first, second) = (trace(seed), trace(seed));
        let parting = first.iter().zip(&second).position(|(one, other)| one != other);
        let context = parting.map(|at| (&first[at], &second[at]));
        assert!(first == second, "seed {seed} parts from itself: {context:?}");
        assert!(first.len() > 10, "seed {seed} hardly does anything: {first:?}");
    }
}

/// How many seeds it takes to find a rule broken, on average.
#[expect(clippy::print_stdout, reason = "the figure is for people")]
fn find(what: &str, broken: Broken) {
    let (mut seeds, mut found) = (0, 0);
    while found == 0 && seeds < MOST_SEEDS || found < ENOUGH && seeds < MANY_SEEDS {
        found += u64::from(fails(seeds, broken));
        seeds += 1;
    }
    assert!(found > 0, "no seed notices {what}");
    println!("{what}: found by one of {} seeds", seeds / found);
}

fn find_rule(rule: Mutant) {
    find(&format!("{rule:?}"), Broken { rule: Some(rule), ..Broken::default() });
}

fn find_lax(lax: Lax) {
    find(&format!("no condition on {lax:?}"), Broken { lax: Some(lax), ..Broken::default() });
}

#[test]
fn pruning_that_looks_before_it_lists_is_found() {
    find_rule(Mutant::HeadBeforeList);
}

#[test]
fn pruning_that_leaves_no_entry_is_found() {
    find_rule(Mutant::NoneStays);
}

#[test]
fn tokens_that_two_saves_share_are_found() {
    find("shared tokens", Broken { shared_saved_at: true, ..Broken::default() });
}

#[test]
fn changes_without_a_marker_are_found() {
    find_rule(Mutant::NoMarker);
}

#[test]
fn acknowledgements_on_an_aged_marker_are_found() {
    find_rule(Mutant::NoConfirmation);
}

#[test]
fn a_snapshot_read_before_the_markers_is_found() {
    find_rule(Mutant::SnapshotBeforeMarkers);
}

#[test]
fn markers_whose_age_is_judged_at_their_deletion_are_found() {
    find_rule(Mutant::AgeAtDeletion);
}

#[test]
fn times_of_the_process_are_found() {
    find_rule(Mutant::HostClock);
}

#[test]
fn documents_created_without_a_condition_are_found() {
    find_lax(Lax::Creates);
}

#[test]
fn documents_replaced_without_a_condition_are_found() {
    find_lax(Lax::Replaces);
}

#[test]
fn documents_deleted_without_a_condition_are_found() {
    find_lax(Lax::Deletes);
}

#[test]
fn totals_stored_without_a_condition_are_found() {
    find_lax(Lax::Totals);
}

#[test]
fn markers_removed_without_a_condition_are_found() {
    find_lax(Lax::Markers);
}
