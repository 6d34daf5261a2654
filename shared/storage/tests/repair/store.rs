//! A store to damage, check and heal.

use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{Precondition, Put};
use analysis_storage::query::{Limit, ListQuery};
use analysis_storage::rebuild::{Damage, Finding, Mode, RebuildPage, TotalsCheck};
use analysis_storage::testing::{Fault, FaultyBucket, ManualClock, Operation};
use analysis_storage::{
    Analyses, AnalysisId, Bucket, Clock, Condition, Document, Entry, Key, Layout, Month, SavedAt, StorageType,
};
use bytes::Bytes;

pub(crate) const UUID7: &str = "018cc251-f400-7000-8000-000000000000";
pub(crate) const NOW: &str = "2026-01-15T12:00:00Z";

pub(crate) struct Store {
    pub(crate) bucket: Arc<MemoryBucket>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) analyses: Analyses,
}

impl Store {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::at(NOW, 7));
        let bucket = Arc::new(MemoryBucket::new(clock.clone()));
        let analyses = analyses(bucket.clone(), &clock);
        Self { bucket, clock, analyses }
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

    pub(crate) async fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        loop {
            let page = self.bucket.list("", keys.last().map(String::as_str), 1000).await.unwrap();
            keys.extend(page.keys.iter().map(ToString::to_string));
            if !page.truncated {
                return keys;
            }
        }
    }

    pub(crate) async fn list(&self) -> Vec<Entry> {
        let query = ListQuery { limit: Limit::parse("1000").unwrap(), ..ListQuery::default() };
        self.analyses.list(&query).await.unwrap().entries
    }

    /// Checks, an hour later: nothing is in flight by then.
    pub(crate) async fn check(&self) -> Vec<Finding> {
        self.clock.advance(Duration::from_hours(1));
        let before = self.keys().await;
        let report = rebuild(&self.analyses, None, Mode::CHECK).await;
        assert_eq!((self.keys().await, report.in_flight), (before, 0), "a check changes nothing");
        report.findings
    }

    pub(crate) async fn damage(&self) -> Vec<Damage> {
        let mut damage: Vec<_> = self.check().await.iter().map(|finding| finding.damage).collect();
        damage.sort();
        damage
    }

    /// Repairs; afterwards nothing is found, and each document is at its place in the index once.
    pub(crate) async fn heal(&self) -> RebuildPage {
        let report = rebuild(&self.analyses, None, Mode::Repair).await;
        assert!(report.findings.iter().all(|finding| finding.repaired), "{report:?}");
        assert_eq!(self.check().await, []);
        assert_eq!(rebuild(&self.analyses, None, Mode::Repair).await.findings, []);
        let count = |part: &str, keys: &[String]| keys.iter().filter(|key| key.contains(part)).count();
        let keys = self.keys().await;
        assert_eq!(count("/analysis/", &keys), count("/index/", &keys), "{keys:?}");
        assert_eq!(self.analyses.check_totals().await.unwrap(), TotalsCheck::Right);
        report
    }
}

/// All pages as one.
pub(crate) async fn rebuild(analyses: &Analyses, month: Option<Month>, mode: Mode) -> RebuildPage {
    let mut all = RebuildPage::default();
    let mut position = None;
    loop {
        let page = analyses.rebuild_page(month, position.as_deref(), mode).await.unwrap();
        all.entries += page.entries;
        all.documents += page.documents;
        all.in_flight += page.in_flight;
        all.findings.extend(page.findings);
        position = page.next;
        if position.is_none() {
            return all;
        }
    }
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
