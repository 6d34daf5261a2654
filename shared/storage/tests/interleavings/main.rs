//! Every interleaving of two and three operations on one id, request by request, over the real code; for two, with a
//! crash of either before each of its requests, and with each write of either carried out after its sender gave up.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: a panic is how it reports")]

mod explore;
mod gate;
mod operation;

use analysis_storage::AnalysisId;
use analysis_storage::testing::{Lax, Mutant};

use explore::{Fault, Setup};
use operation::Operation::{self, Create, Delete, Import, ImportKnown, ImportReplacing, Match, Repair, Save};

/// A `UUIDv7` of the hour: no id record, no marker, so that each operation is as short as it can be.
const UUID7: &str = "019bc14f-ef80-7000-8000-000000000000";

fn explore(name: &str, fault: Fault, sets: &[&[Operation]], starts: &[bool], ids: &[&str]) {
    let mut total = 0;
    for (operations, exists) in sets.iter().flat_map(|set| starts.iter().map(move |exists| (set, *exists))) {
        for id in ids {
            let id = &AnalysisId::from_stored(id).unwrap();
            total += Setup { id, exists, fault, operations, mutant: None, lax: None }.explore();
        }
    }
    eprintln!("{name}: {total} schedules");
    assert!(total > 100);
}

const PAIRS: [&[Operation]; 9] = [
    &[Save, Save],
    &[Save, Create],
    &[Save, Delete],
    &[Save, Repair],
    &[Create, Create],
    &[Create, Delete],
    &[Create, Repair],
    &[Delete, Delete],
    &[Delete, Repair],
];

/// A save over just what was there: of no other start than one where something is.
const MATCHES: [&[Operation]; 5] =
    [&[Match, Match], &[Match, Save], &[Match, Create], &[Match, Delete], &[Match, Repair]];

#[test]
fn two_operations_in_every_order() {
    explore("pairs", Fault::None, &PAIRS, &[false, true], &[UUID7, "named"]);
    explore("matches", Fault::None, &MATCHES, &[true], &[UUID7, "named"]);
}

#[test]
fn two_operations_in_every_order_with_a_crash_at_every_step() {
    explore("pairs with a crash", Fault::Crash, &PAIRS, &[false, true], &[UUID7, "named"]);
    explore("matches with a crash", Fault::Crash, &MATCHES, &[true], &[UUID7, "named"]);
}

#[test]
fn two_operations_in_every_order_with_any_write_late() {
    explore("pairs with a late request", Fault::Late, &PAIRS, &[false, true], &[UUID7]);
    explore("matches with a late request", Fault::Late, &MATCHES, &[true], &[UUID7]);
}

/// An import is a look and a save: its own writes are those of a save, in the same order.
const IMPORTS: [&[Operation]; 8] = [
    &[Import, Save],
    &[Import, Create],
    &[Import, Delete],
    &[Import, Repair],
    &[Import, Import],
    &[ImportReplacing, Save],
    &[ImportReplacing, Delete],
    &[ImportReplacing, Import],
];

#[test]
fn imports_beside_other_operations_in_every_order_with_a_crash_at_every_step_or_any_write_late() {
    explore("imports", Fault::None, &IMPORTS, &[false, true], &[UUID7]);
    explore("imports that crash", Fault::Crash, &IMPORTS, &[false, true], &[UUID7]);
    explore("imports with a late request", Fault::Late, &IMPORTS[..5], &[false], &[UUID7]);
}

/// They agree on one creation time, and the id record comes before all else.
#[test]
fn imports_of_a_named_id_with_different_creation_times_in_every_order() {
    let pairs: [&[Operation]; 3] = [&[Import, Import], &[Import, Save], &[Import, Delete]];
    explore("named imports", Fault::None, &pairs, &[false, true], &["named"]);
}

#[test]
fn imports_of_what_a_list_has_shown_in_every_order() {
    let pairs: [&[Operation]; 6] = [
        &[ImportKnown, Save],
        &[ImportKnown, Delete],
        &[ImportKnown, Repair],
        &[ImportKnown, ImportKnown],
        &[ImportKnown, ImportReplacing],
        &[ImportReplacing, Delete],
    ];
    explore("known imports", Fault::None, &pairs, &[true], &[UUID7, "named"]);
    explore("known imports that crash", Fault::Crash, &pairs, &[true], &[UUID7]);
}

/// Of three, those that are short enough to go through all their orders.
#[test]
fn three_operations_in_every_order() {
    let triples: [&[Operation]; 5] = [
        &[Create, Delete, Repair],
        &[Create, Delete, Delete],
        &[Create, Repair, Repair],
        &[Create, Save, Repair],
        &[Create, Create, Delete],
    ];
    explore("triples", Fault::None, &triples, &[false], &[UUID7]);
}

/// Runs all schedules of the protocol with one rule broken.
fn explore_broken(fault: Fault, operations: &[Operation], mutant: Option<Mutant>, lax: Option<Lax>) {
    let id = &AnalysisId::from_stored(UUID7).unwrap();
    Setup { id, exists: true, fault, operations, mutant, lax }.explore();
}

#[test]
#[should_panic(expected = "[Save, Save]")]
fn pruning_that_looks_before_it_lists_is_found() {
    explore_broken(Fault::None, &[Save, Save], Some(Mutant::HeadBeforeList), None);
}

#[test]
#[should_panic(expected = "acknowledged but not listed")]
fn pruning_that_leaves_no_entry_is_found() {
    explore_broken(Fault::None, &[Save, Save], Some(Mutant::NoneStays), None);
}

#[test]
#[should_panic(expected = "misled: [Save, Save]")]
fn a_late_replace_without_a_condition_is_found() {
    explore_broken(Fault::Late, &[Save, Save], None, Some(Lax::Replaces));
}

#[test]
#[should_panic(expected = "two of one tag")]
fn replaces_without_a_condition_are_found() {
    explore_broken(Fault::None, &[Match, Match], None, Some(Lax::Replaces));
}
