//! Random operations against a reference model: the store, on every kind of bucket, answers as a plain map would.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: a panic is how it reports")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use analysis_storage::bucket::local::LocalBucket;
use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{GetOptions, Object};
use analysis_storage::query::{Filter, Limit, ListQuery};
use analysis_storage::testing::ministack::Ministack;
use analysis_storage::testing::{DatedBucket, ManualClock};
use analysis_storage::{
    Analyses, AnalysisId, Bucket, Clock, Condition, CreatedAt, Document, ETag, Error, Layout, Loaded, Saved,
    StorageType,
};
use bytes::Bytes;
use jiff::Timestamp;

/// One analysis, as the model knows it.
#[derive(Debug, Clone)]
struct Known {
    created_at: CreatedAt,
    text: String,
    implementation: &'static str,
    etag: ETag,
}

struct Run {
    analyses: Analyses,
    clock: Arc<ManualClock>,
    stored: BTreeMap<String, Known>,
    /// Of every id that was ever saved.
    created: BTreeMap<String, CreatedAt>,
    retired: Vec<ETag>,
}

const IMPLEMENTATIONS: [&str; 3] = ["hybrid", "openai", "langchain"];

impl Run {
    /// Over a bucket whose clock is this, or far ahead of it: markers of which it seems that they are yet to be written
    /// stay.
    fn new(bucket: Arc<dyn Bucket>, clock: Arc<ManualClock>) -> Self {
        let bucket = Arc::new(DatedBucket::new(bucket, clock.clone(), clock.clone()));
        let analyses = Analyses::new(bucket, StorageType::Memory, Layout::new("m"), clock.clone());
        Self {
            analyses,
            clock,
            stored: BTreeMap::new(),
            created: BTreeMap::new(),
            retired: vec![ETag::new("\"none\"")],
        }
    }

    fn roll(&self, below: usize) -> usize {
        usize::try_from(self.clock.random() % below as u64).unwrap()
    }

    /// A named id or a `UUIDv7` of some past day, from so few that they meet again.
    fn id(&self) -> AnalysisId {
        let n = self.roll(8);
        if n < 4 {
            return AnalysisId::from_stored(&format!("study-{n}")).unwrap();
        }
        let day: Timestamp = format!("2020-01-{:02}T10:00:00Z", 7 + n).parse().unwrap();
        AnalysisId::generate(CreatedAt::clamped(day), [n as u64; 2])
    }

    fn document(&self) -> (Document, String, &'static str) {
        let implementation = IMPLEMENTATIONS[self.roll(3)];
        let text = format!(
            r#"{{"implementation":"{implementation}","n":{},"x":"{}"}}"#,
            self.roll(1000),
            "x".repeat(self.roll(99))
        );
        (Document::parse(Bytes::from(text.clone().into_bytes())).unwrap(), text, implementation)
    }

    fn condition(&self, id: &AnalysisId) -> Condition {
        match self.roll(6) {
            0 => Condition::Absent,
            1 => Condition::Present,
            2 => Condition::Match(self.retired[self.roll(self.retired.len())].clone()),
            3 => match self.stored.get(id.as_str()) {
                Some(known) => Condition::Match(known.etag.clone()),
                None => Condition::None,
            },
            _ => Condition::None,
        }
    }

    async fn step(&mut self) {
        // Milliseconds, minutes, hours or days go by; two saves never share a microsecond.
        let pause = [1, 90_000, 4_000_000, 100_000_000][self.roll(4)];
        self.clock.advance(Duration::from_millis(pause));
        match self.roll(12) {
            0..=5 => self.save().await,
            6 => self.save_new().await,
            7 | 8 => self.delete().await,
            9 => self.check_load().await,
            10 => self.check_list().await,
            _ => self.check_stats().await,
        }
    }

    async fn save(&mut self) {
        let (id, (document, text, implementation)) = (self.id(), self.document());
        let condition = self.condition(&id);
        let existing = self.stored.get(id.as_str()).cloned();
        let holds = match &condition {
            Condition::None => true,
            Condition::Absent => existing.is_none(),
            Condition::Present => existing.is_some(),
            Condition::Match(tag) => existing.as_ref().is_some_and(|known| known.etag == *tag),
        };
        match self.analyses.save(&id, &document, &condition).await {
            Ok(saved) => {
                assert!(holds, "{id} {condition:?} took effect");
                assert_eq!(saved.created, existing.is_none(), "{id} {condition:?}");
                self.retired.extend(existing.map(|known| known.etag));
                self.remember(saved, text, implementation);
            }
            Err(Error::PreconditionFailed(_)) => assert!(!holds, "{id} {condition:?} was refused"),
            Err(e) => panic!("{id} {condition:?}: {e}"),
        }
    }

    async fn save_new(&mut self) {
        let (document, text, implementation) = self.document();
        let saved = self.analyses.save_new(&document).await.unwrap();
        self.remember(saved, text, implementation);
    }

    fn remember(&mut self, saved: Saved, text: String, implementation: &'static str) {
        let id = saved.entry.id.to_string();
        let created_at = *self.created.entry(id.clone()).or_insert(saved.entry.created_at);
        assert_eq!(saved.entry.created_at, created_at, "{id} keeps its creation time");
        self.retired.retain(|tag| *tag != saved.etag);
        self.stored.insert(id, Known { created_at, text, implementation, etag: saved.etag });
    }

    async fn delete(&mut self) {
        let id = self.id();
        match self.analyses.delete(&id, None).await {
            Ok(()) => assert!(self.stored.remove(id.as_str()).is_some(), "{id} was not there"),
            Err(Error::NotFound { .. }) => assert!(!self.stored.contains_key(id.as_str()), "{id} was there"),
            Err(e) => panic!("{id}: {e}"),
        }
    }

    async fn check_load(&self) {
        let id = self.id();
        let known = self.stored.get(id.as_str());
        match self.analyses.load(&id, &GetOptions::default()).await {
            Ok(Loaded::Document(Object { body, meta, .. })) => {
                let known = known.unwrap_or_else(|| panic!("{id} should not be there"));
                assert_eq!((body.as_ref(), meta.etag), (known.text.as_bytes(), known.etag.clone()), "{id}");
            }
            Err(Error::NotFound { .. }) => assert!(known.is_none(), "{id} is lost"),
            other => panic!("{id}: {other:?}"),
        }
    }

    async fn check_list(&self) {
        let implementation = (self.roll(2) == 0).then(|| IMPLEMENTATIONS[self.roll(3)]);
        let filter = Filter::parse(implementation, None, None, None).unwrap();
        let limit = Limit::parse(&(1 + self.roll(7)).to_string()).unwrap();
        let mut query = ListQuery { limit, filter, cursor: None };
        let mut listed = Vec::new();
        loop {
            let page = self.analyses.list(&query).await.unwrap();
            listed.extend(page.entries.iter().map(|entry| (entry.id.to_string(), entry.size)));
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        let mut expected: Vec<_> = self
            .stored
            .iter()
            .filter(|(_, known)| implementation.is_none_or(|wanted| wanted == known.implementation))
            .collect();
        expected.sort_by_key(|(id, known)| (std::cmp::Reverse(known.created_at), (*id).clone()));
        let expected: Vec<_> =
            expected.into_iter().map(|(id, known)| (id.clone(), known.text.len() as u64)).collect();
        assert_eq!(listed, expected);
    }

    async fn check_stats(&self) {
        let stats = self.analyses.stats().await.unwrap();
        let size: usize = self.stored.values().map(|known| known.text.len()).sum();
        assert_eq!((stats.total_analyses, stats.total_size_bytes), (self.stored.len() as u64, size as u64));
        let mut implementations = BTreeMap::<String, u64>::new();
        for known in self.stored.values() {
            *implementations.entry(known.implementation.to_owned()).or_default() += 1;
        }
        assert_eq!(stats.implementations_used, implementations);
        let oldest = self.stored.values().map(|known| known.created_at).min();
        assert_eq!(stats.oldest, oldest.map(|at| at.to_string()));
    }
}

async fn run(bucket: Arc<dyn Bucket>, clock: Arc<ManualClock>, steps: usize) {
    let mut run = Run::new(bucket, clock);
    for _ in 0..steps {
        run.step().await;
    }
    run.check_list().await;
    run.check_stats().await;
}

fn clock(seed: u64) -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2020-01-15T12:00:00Z", seed))
}

#[tokio::test]
async fn on_memory() {
    for seed in 0..100 {
        let clock = clock(seed);
        run(Arc::new(MemoryBucket::new(clock.clone())), clock, 200).await;
    }
}

#[tokio::test]
async fn on_files() {
    for seed in 0..3 {
        let root = tempfile::TempDir::new().unwrap();
        run(Arc::new(LocalBucket::open(root.path()).await.unwrap()), clock(seed), 200).await;
    }
}

#[tokio::test]
async fn on_s3() {
    for seed in 0..3 {
        run(Arc::new(Ministack::shared().fresh_bucket(seed == 0).await), clock(seed), 200).await;
    }
}
