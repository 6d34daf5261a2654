//! What a save or delete in flight, or expiry, makes look like damage is not reported.

use std::sync::Arc;
use std::time::Duration;

use analysis_storage::repair::{Damage, Mode};
use analysis_storage::testing::{ManualClock, Operation};
use analysis_storage::{Analyses, Clock, Condition, Layout, Retention, StorageType};
use async_trait::async_trait;

use crate::store::{ONE, Store, TWO, analyses, document, maintain};

#[tokio::test]
async fn what_is_in_flight_is_not_reported() {
    let store = Store::new();
    store.save("replaced", ONE).await;
    store.save("settled", ONE).await;
    store.clock.advance(Duration::from_hours(1));
    let put = store.crashing(Operation::Put, "/index/");
    put.save(&store.id("new"), &document(TWO), &Condition::None).await.unwrap_err();
    put.save(&store.id("replaced"), &document(TWO), &Condition::None).await.unwrap_err();
    let crashing = store.crashing(Operation::List, "/index/");
    crashing.save(&store.id("settled"), &document(TWO), &Condition::None).await.unwrap_err();
    let report = maintain(&store.analyses, None, Mode::CHECK).await;
    assert_eq!((report.findings, report.in_flight), (vec![], 3));
    store.clock.advance(Duration::from_mins(16));
    assert_eq!(store.damage().await, [Damage::Orphan, Damage::Orphan, Damage::Stale]);
    store.heal().await;
}

/// A clock in whose pauses others get so many turns: many, and they finish what they have begun.
#[derive(Debug)]
pub(crate) struct Patient(pub(crate) Arc<ManualClock>, pub(crate) usize);

#[async_trait]
impl Clock for Patient {
    fn now(&self) -> jiff::Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    fn random(&self) -> u64 {
        self.0.random()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.advance(duration);
        for _ in 0..self.1 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_delete_in_flight_is_not_reported() {
    let store = Store::new();
    let entry = store.save("study-1", ONE).await;
    store.bucket.delete(&store.analyses.document_key(&entry), None).await.unwrap();
    let clock = Arc::new(Patient(store.clock.clone(), 100));
    let checker = Analyses::new(store.bucket.clone(), StorageType::Memory, Layout::new("t"), clock);
    let (report, ()) = futures::join!(maintain(&checker, None, Mode::CHECK), async {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        // This delete ends, and after another save the next one is under way.
        store.analyses.repair(&entry.id).await.unwrap();
        let again = store.save("study-1", TWO).await;
        store.bucket.delete(&store.analyses.document_key(&again), None).await.unwrap();
    });
    assert_eq!((report.entries, report.findings), (1, vec![]));
    assert_eq!(store.damage().await, [Damage::DanglingEntry]);
}

#[tokio::test]
async fn what_is_past_its_retention_is_no_damage() {
    let mut store = Store::new();
    store.save("entry-gone", ONE).await;
    store.save("document-gone", ONE).await;
    store.save("all-gone", ONE).await;
    store.analyses = analyses(store.bucket.clone(), &store.clock).with_retention(Retention::days(10));
    store.clock.advance(Duration::from_hours(24 * 20));
    for part in ["!entry-gone!", "/document-gone.json", "/ids/all-gone", "!all-gone!"] {
        store.remove(part).await;
    }
    assert_eq!(store.check().await, []);
    assert_eq!(maintain(&store.analyses, None, Mode::REPAIR).await.findings, []);
}
