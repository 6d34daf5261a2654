//! A store to damage, check and heal.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::local::LocalBucket;
use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{Listed, Precondition, Put};
use analysis_storage::query::{Limit, ListQuery};
use analysis_storage::repair::{Damage, Finding, Mode, RepairStep, TotalsCheck};
use analysis_storage::testing::{Fault, FaultyBucket, ManualClock, Operation};
use analysis_storage::{
    Analyses, AnalysisId, Bucket, Clock, Condition, Document, Entry, Key, Layout, Month, SavedAt,
    StorageType, SystemClock,
};
use bytes::Bytes;
use tempfile::TempDir;

pub(crate) const UUID7: &str = "018cc251-f400-7000-8000-000000000000";
/// Repairing what a crashed delete has left behind, too: people know that nothing is lost.
pub(crate) const FORGETTING: Mode = Mode::Repair { adopt_changed: false, forget_lost: true };
pub(crate) const NOW: &str = "2026-01-15T12:00:00Z";

pub(crate) struct Store {
    pub(crate) bucket: Arc<dyn Bucket>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) analyses: Analyses,
    directory: Option<TempDir>,
}

impl Store {
    /// In memory: listings show tokens, as on S3.
    pub(crate) fn new() -> Self {
        Self::seeded(7)
    }

    pub(crate) fn seeded(seed: u64) -> Self {
        let clock = Arc::new(ManualClock::at(NOW, seed));
        Self::over(Arc::new(MemoryBucket::new(clock.clone())), clock, None)
    }

    /// In files: listings show no tokens, but when each was saved.
    pub(crate) async fn local() -> Self {
        let directory = TempDir::new().unwrap();
        // The clock of files is the host's.
        let clock = Arc::new(ManualClock::at(&SystemClock.now().to_string(), 7));
        Self::over(Arc::new(LocalBucket::open(directory.path()).await.unwrap()), clock, Some(directory))
    }

    pub(crate) async fn each() -> [Self; 2] {
        [Self::new(), Self::local().await]
    }

    fn over(bucket: Arc<dyn Bucket>, clock: Arc<ManualClock>, directory: Option<TempDir>) -> Self {
        let analyses = analyses(bucket.clone(), &clock);
        Self { bucket, clock, analyses, directory }
    }

    /// The file of an object, in a store of files.
    pub(crate) fn file(&self, key: &Key) -> PathBuf {
        self.directory.as_ref().unwrap().path().join(key.as_str())
    }

    /// Runs a request of a caller that crashes at its first request of this kind.
    pub(crate) fn crashing(&self, operation: Operation, part: &'static str) -> Analyses {
        let decide = move |op, key: &str| (op == operation && key.contains(part)).then_some(Fault::Refused);
        analyses(Arc::new(FaultyBucket::new(self.bucket.clone(), Box::new(decide))), &self.clock)
    }

    pub(crate) async fn save(&self, id: &str, text: &str) -> Entry {
        self.analyses.save(&self.id(id), &document(text), &Condition::None).await.unwrap().entry
    }

    pub(crate) fn id(&self, text: &str) -> AnalysisId {
        AnalysisId::parse(text, self.clock.now()).unwrap()
    }

    /// What another program puts into the bucket.
    pub(crate) async fn put(&self, key: &str, body: &'static str, metadata: &[(&'static str, &str)]) {
        let metadata = metadata.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let (key, body) = (Key::new(format!("t/{key}")), Bytes::from_static(body.as_bytes()));
        let saved_at = SavedAt::from(self.clock.now());
        self.bucket
            .put(Put { key, body, saved_at, metadata, precondition: Precondition::None })
            .await
            .unwrap();
    }

    pub(crate) async fn remove(&self, part: &str) {
        for key in self.keys().await.into_iter().filter(|key| key.contains(part)) {
            self.bucket.delete(&Key::new(key), None).await.unwrap();
        }
    }

    /// The month of the store's clock.
    pub(crate) fn month(&self) -> Month {
        Month::containing(self.clock.now())
    }

    /// Whatever is there: keys, tags and times.
    pub(crate) async fn objects(&self) -> Vec<Listed> {
        let mut objects: Vec<Listed> = Vec::new();
        loop {
            let last = objects.last().map(|object| object.key.as_str());
            let page = self.bucket.list("", last, 1000).await.unwrap();
            objects.extend(page.objects);
            if !page.truncated {
                return objects;
            }
        }
    }

    pub(crate) async fn keys(&self) -> Vec<String> {
        self.objects().await.iter().map(|object| object.key.to_string()).collect()
    }

    pub(crate) async fn list(&self) -> Vec<Entry> {
        let query = ListQuery { limit: Limit::parse("1000").unwrap(), ..ListQuery::default() };
        self.analyses.list(&query).await.unwrap().entries
    }

    /// Checks, an hour later: nothing is in flight by then.
    pub(crate) async fn check(&self) -> Vec<Finding> {
        self.clock.advance(Duration::from_hours(1));
        let before = self.objects().await;
        let report = maintain(&self.analyses, None, Mode::CHECK).await;
        assert_eq!((self.objects().await, report.in_flight), (before, 0), "a check changes nothing");
        report.findings
    }

    pub(crate) async fn damage(&self) -> Vec<Damage> {
        let mut damage: Vec<_> = self.check().await.iter().map(|finding| finding.damage).collect();
        damage.sort();
        damage
    }

    /// Repairs, and forgets what is lost; afterwards nothing is found, and each document is at its place in the index once.
    pub(crate) async fn heal(&self) -> RepairStep {
        let report = maintain(&self.analyses, None, FORGETTING).await;
        assert!(report.findings.iter().all(|finding| finding.repaired), "{report:?}");
        assert_eq!(self.check().await, []);
        assert_eq!(maintain(&self.analyses, None, Mode::REPAIR).await.findings, []);
        let count = |part: &str, keys: &[String]| keys.iter().filter(|key| key.contains(part)).count();
        let keys = self.keys().await;
        assert_eq!(count("/analysis/", &keys), count("/index/", &keys), "{keys:?}");
        assert_eq!(self.analyses.check_totals().await.unwrap(), TotalsCheck::Right);
        report
    }
}

/// Checks or repairs everything, or one month: all the steps as one.
pub(crate) async fn maintain(analyses: &Analyses, month: Option<Month>, mode: Mode) -> RepairStep {
    let months = match month {
        Some(month) => vec![month],
        None => analyses.months().await.unwrap(),
    };
    let mut all = RepairStep::default();
    for month in months {
        for page in steps(analyses, month, mode).await {
            join(&mut all, page);
        }
    }
    if month.is_none() {
        join(&mut all, analyses.check_outside_months().await.unwrap());
    }
    if mode.is_repair() {
        analyses.recount().await.unwrap();
    }
    all
}

/// The steps of one month.
pub(crate) async fn steps(analyses: &Analyses, month: Month, mode: Mode) -> Vec<RepairStep> {
    let mut repair = analyses.repair_month(month, mode);
    let mut pages = Vec::new();
    while let Some(page) = repair.step().await.unwrap() {
        pages.push(page);
    }
    pages
}

fn join(all: &mut RepairStep, page: RepairStep) {
    all.entries += page.entries;
    all.documents += page.documents;
    all.in_flight += page.in_flight;
    all.findings.extend(page.findings);
}

pub(crate) fn analyses(bucket: Arc<dyn Bucket>, clock: &Arc<ManualClock>) -> Analyses {
    Analyses::new(bucket, StorageType::Memory, Layout::new("t"), clock.clone())
}

pub(crate) fn document(text: &str) -> Document {
    Document::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

pub(crate) const ONE: &str = r#"{"implementation":"hybrid","status":"one","execution_time":2}"#;
pub(crate) const TWO: &str =
    r#"{"implementation":"hybrid","status":"two","timestamp":"2024-01-15T10:30:00Z"}"#;
