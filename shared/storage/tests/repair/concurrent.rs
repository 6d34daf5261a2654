//! Check and repair beside other work on the same ids.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use analysis_storage::bucket::{
    Bucket, BucketError, BucketInfo, ETag, GetOptions, Got, Listing, ObjectMeta, Put, RestoreTier, Restoring,
    Version,
};
use analysis_storage::repair::Mode;
use analysis_storage::testing::{FaultyBucket, ManualClock, Operation};
use analysis_storage::{Analyses, AnalysisId, Clock, Condition, ContentToken, Key, Layout, StorageType};
use async_trait::async_trait;
use futures::FutureExt;
use jiff::SignedDuration;

use crate::in_flight::Patient;
use crate::store::{FORGETTING, ONE, Store, TWO, UUID7, document, maintain};

/// A bucket that lets others run between any two requests.
#[derive(Debug)]
struct Yielding(Arc<dyn Bucket>, Arc<ManualClock>);

impl Yielding {
    async fn pass(&self) -> &dyn Bucket {
        for _ in 0..self.1.random() % 4 {
            tokio::task::yield_now().await;
        }
        &*self.0
    }
}

#[async_trait]
impl Bucket for Yielding {
    fn clock_offset(&self) -> Option<SignedDuration> {
        self.0.clock_offset()
    }

    fn token(&self, etag: &ETag, content: &[u8]) -> ContentToken {
        self.0.token(etag, content)
    }

    async fn put(&self, put: Put) -> Result<ETag, BucketError> {
        self.pass().await.put(put).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got, BucketError> {
        self.pass().await.get(key, options).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, BucketError> {
        self.pass().await.head(key).await
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<(), BucketError> {
        self.pass().await.delete(key, if_match).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Listing, BucketError> {
        self.pass().await.list(prefix, after, limit).await
    }

    async fn versions(&self, key: &Key) -> Result<Vec<Version>, BucketError> {
        self.pass().await.versions(key).await
    }

    async fn restore(&self, key: &Key, days: u32, tier: RestoreTier) -> Result<Restoring, BucketError> {
        self.pass().await.restore(key, days, tier).await
    }

    async fn info(&self) -> Result<BucketInfo, BucketError> {
        self.pass().await.info().await
    }
}

/// Saves, replaces and deletes; what it was told is stored in the end.
async fn work(store: &Store, analyses: &Analyses, worker: usize) -> BTreeMap<String, u64> {
    let mut stored = BTreeMap::new();
    for n in 0..60_u64 {
        let text = format!(r#"{{"worker":{worker},"pad":"{}"}}"#, "x".repeat(usize::try_from(n).unwrap()));
        let id = match n % 3 {
            0 => analyses.save_new(&document(&text)).await.unwrap().entry.id,
            1 => store.id(&format!("w{worker}-{}", n % 7)),
            _ => store.id(&format!("{}{worker:02}", &UUID7[..34])),
        };
        if n % 3 > 0 {
            analyses.save(&id, &document(&text), &Condition::None).await.unwrap();
        }
        stored.insert(id.to_string(), text.len() as u64);
        if n % 5 == 4 {
            analyses.delete(&id, None).await.unwrap();
            stored.remove(id.as_str());
        }
    }
    stored
}

#[tokio::test]
async fn checks_and_repairs_while_others_work_lose_nothing_and_report_nothing() {
    for seed in 0..50 {
        let store = Store::seeded(seed);
        let open = || {
            let bucket = Arc::new(Yielding(store.bucket.clone(), store.clock.clone()));
            let clock = Arc::new(Patient(store.clock.clone(), 100));
            Analyses::new(bucket, StorageType::Memory, Layout::new("t"), clock)
        };
        let workers: Vec<Analyses> = (0..3).map(|_| open()).collect();
        let maintainers = [open(), open()];
        let often = async |own: &Analyses, mode| {
            for _ in 0..6 {
                let report = maintain(own, None, mode).await;
                assert!(mode.is_repair() || report.findings.is_empty(), "{report:?}");
            }
        };
        let (stored, (), ()) = futures::join!(
            futures::future::join_all(workers.iter().enumerate().map(|(n, w)| work(&store, w, n))),
            often(&maintainers[0], FORGETTING),
            often(&maintainers[1], Mode::CHECK),
        );
        let expected: BTreeMap<String, u64> = stored.into_iter().flatten().collect();
        let listed = store.list().await;
        assert_eq!(listed.len(), expected.len(), "seed {seed}");
        assert!(listed.iter().all(|e| expected[e.id.as_str()] == e.size), "seed {seed}");
        assert_eq!(maintain(&store.analyses, None, Mode::CHECK).await.findings, []);
        let report = maintain(&store.analyses, None, Mode::REPAIR).await;
        assert_eq!(report.findings, [], "the index holds just the current entries, seed {seed}");
    }
}

/// What may happen to an id. Deletes and conditional saves may be refused; that is no matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Repair,
    Save,
    Create,
    Delete,
}

impl Act {
    async fn on(self, analyses: &Analyses, id: &AnalysisId) {
        match self {
            Self::Repair => analyses.repair(id).await.unwrap(),
            Self::Save => drop(analyses.save(id, &document(TWO), &Condition::None).await),
            Self::Create => drop(analyses.save(id, &document(TWO), &Condition::Absent).await),
            Self::Delete => drop(analyses.delete(id, None).await),
        }
    }
}

/// What an earlier crash has left behind.
#[derive(Debug, Clone, Copy)]
enum Start {
    Sound,
    Nothing,
    Orphan,
    DanglingEntry,
    Two,
}

impl Start {
    async fn prepare(self, store: &Store, id: &str) {
        match self {
            Self::Nothing => {}
            Self::Sound | Self::Orphan | Self::DanglingEntry => drop(store.save(id, ONE).await),
            Self::Two => {
                store.save(id, ONE).await;
                let crashing = store.crashing(Operation::List, "/index/");
                crashing.save(&store.id(id), &document(TWO), &Condition::None).await.unwrap_err();
            }
        }
        match self {
            Self::Orphan => store.remove("/index/").await,
            Self::DanglingEntry => store.remove("/analysis/").await,
            Self::Sound | Self::Nothing | Self::Two => {}
        }
        store.clock.advance(Duration::from_hours(1));
    }
}

/// Runs one act with the whole of another before its request number `before`; whether it sent that many.
async fn interleave(start: Start, id: &str, outer: Act, inner: Act, before: usize) -> bool {
    let store = Store::new();
    start.prepare(&store, id).await;
    // Nobody waits for anybody else.
    let open = |bucket| {
        let clock = Arc::new(Patient(store.clock.clone(), 0));
        Analyses::new(bucket, StorageType::Memory, Layout::new("t"), clock)
    };
    let (within, other) = (store.id(id), open(store.bucket.clone()));
    let mut sent = 0;
    let reached = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&reached);
    let decide = move |_, _: &str| {
        sent += 1;
        if sent == before {
            flag.store(true, Ordering::Relaxed);
            inner.on(&other, &within).now_or_never().unwrap();
        }
        None
    };
    let hooked = open(Arc::new(FaultyBucket::new(store.bucket.clone(), Box::new(decide))));
    outer.on(&hooked, &store.id(id)).await;
    let what = format!("{start:?} {id}: {inner:?} before request {before} of {outer:?}");
    let reached = reached.load(Ordering::Relaxed);
    if reached {
        let report = maintain(&store.analyses, None, Mode::REPAIR).await;
        assert_eq!(report.findings, [], "{what}");
    }
    reached
}

#[tokio::test]
async fn a_repair_and_another_act_between_any_two_requests_end_in_just_the_current_entry() {
    let starts = [Start::Sound, Start::Nothing, Start::Orphan, Start::DanglingEntry, Start::Two];
    let pairs = [Act::Repair, Act::Save, Act::Create, Act::Delete]
        .into_iter()
        .flat_map(|act| [(Act::Repair, act), (act, Act::Repair)]);
    let mut schedules = 0;
    for (outer, inner) in pairs {
        for (start, id) in starts.into_iter().flat_map(|start| [(start, "study-1"), (start, UUID7)]) {
            let mut before = 1;
            while interleave(start, id, outer, inner, before).await {
                before += 1;
            }
            schedules += before;
        }
    }
    assert!(schedules > 400, "{schedules}");
}
