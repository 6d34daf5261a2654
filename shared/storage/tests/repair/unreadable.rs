//! An object that the storage does not give out is a finding, and never an end.

use std::sync::Arc;

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::repair::{Damage, Finding, Mode};
use analysis_storage::testing::{Fault, FaultyBucket, Operation};
use analysis_storage::{Analyses, Bucket, Condition, Error};

use crate::store::{ONE, Store, TWO, UUID7, analyses, document, maintain};

/// Two documents without entries, and requests of this kind for one of them fail.
async fn orphans(store: &Store, operation: Operation) -> Analyses {
    let crashing = store.crashing(Operation::Put, "/index/");
    for id in ["bad", "good", UUID7] {
        crashing.save(&store.id(id), &document(ONE), &Condition::None).await.unwrap_err();
    }
    let decide =
        move |op, key: &str| (op == operation && key.ends_with("/bad.json")).then_some(Fault::Refused);
    analyses(Arc::new(FaultyBucket::new(store.bucket.clone(), Box::new(decide))), &store.clock)
}

fn is_reported(findings: &[Finding], key: &str) -> bool {
    findings.iter().any(|finding| {
        let advice = finding.advice.as_deref().unwrap_or_default();
        finding.damage == Damage::Unreadable
            && finding.key.as_str() == key
            && !finding.repaired
            && advice.contains("injected")
    })
}

#[tokio::test]
async fn it_is_reported_with_its_key_on_every_run_and_everything_else_is_repaired() {
    for operation in [Operation::Get, Operation::Head] {
        let store = Store::new();
        let failing = orphans(&store, operation).await;
        let key = "t/analysis/2026/01/bad.json";
        let mut found = Vec::new();
        for _ in 0..3 {
            let findings = maintain(&failing, None, Mode::REPAIR).await.findings;
            assert!(is_reported(&findings, key), "{operation:?} {findings:?}");
            found.push(findings.len());
        }
        assert_eq!(found, [3, 1, 1], "the others are repaired at once");
        assert_eq!(store.list().await.len(), 2);
        assert_eq!(store.analyses.stats().await.unwrap().total_analyses, 2);
        // As soon as it can be read it is taken in.
        store.heal().await;
        assert_eq!(store.list().await.len(), 3);
    }
}

#[tokio::test]
async fn a_check_reports_it_too() {
    let store = Store::new();
    let failing = orphans(&store, Operation::Head).await;
    store.clock.advance(std::time::Duration::from_hours(1));
    let findings = maintain(&failing, None, Mode::CHECK).await.findings;
    assert_eq!(findings.len(), 3);
    assert!(is_reported(&findings, "t/analysis/2026/01/bad.json"), "{findings:?}");
}

#[tokio::test]
async fn an_id_record_or_an_entry_that_the_storage_does_not_give_out_is_no_end_either() {
    for (operation, part) in
        [(Operation::Get, "/ids/bad"), (Operation::List, "!bad!"), (Operation::Delete, "!bad!")]
    {
        let store = Store::new();
        for id in ["bad", "good"] {
            store.save(id, ONE).await;
            store.clock.advance(std::time::Duration::from_hours(1));
            let crashing = store.crashing(Operation::List, "/index/");
            crashing.save(&store.id(id), &document(TWO), &Condition::None).await.unwrap_err();
        }
        let failing = store.crashing(operation, part);
        let report = maintain(&failing, None, Mode::REPAIR).await;
        assert!(is_reported(&report.findings, "t/analysis/2026/01/bad.json"), "{part} {report:?}");
        assert_eq!(report.findings.len(), 2);
        assert_eq!(store.damage().await, [Damage::Stale], "{operation:?} {part}: the other is repaired");
        store.heal().await;
    }
}

#[tokio::test]
async fn a_storage_that_does_not_answer_at_all_is_an_end() {
    let store = Store::new();
    orphans(&store, Operation::Head).await;
    let mut listings = 0;
    let decide = move |op, _: &str| {
        listings += usize::from(op == Operation::List);
        (listings > 2).then_some(Fault::RequestLost)
    };
    let failing = analyses(Arc::new(FaultyBucket::new(store.bucket.clone(), Box::new(decide))), &store.clock);
    let mut repair = failing.repair_month(store.month(), Mode::REPAIR);
    let error = loop {
        match repair.step().await {
            Ok(page) => assert!(page.unwrap().findings.is_empty()),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::NoAnswer { .. }), "{error:?}");
    let empty: Arc<dyn Bucket> = Arc::new(MemoryBucket::new(store.clock.clone()));
    assert_eq!(repair_nothing(empty, &store).await, 0);
}

async fn repair_nothing(bucket: Arc<dyn Bucket>, store: &Store) -> usize {
    maintain(&analyses(bucket, &store.clock), None, Mode::REPAIR).await.findings.len()
}
