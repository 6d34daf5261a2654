//! A check of a month with a million analyses fits a small Lambda function. Alone in its file: what is measured is the
//! memory of the process.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "test code: a panic is how it reports")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use analysis_storage::bucket::{
    Bucket, BucketError, BucketInfo, GetOptions, Got, Listed, Listing, ObjectMeta, Put, RestoreTier,
    Restoring, Version,
};
use analysis_storage::repair::Mode;
use analysis_storage::testing::ManualClock;
use analysis_storage::{
    Analyses, AnalysisId, Clock, ContentToken, CreatedAt, ETag, Entry, Key, Label, LabelKind, Layout, Month,
    SavedAt, StorageType, Summary,
};
use async_trait::async_trait;
use jiff::SignedDuration;

const ANALYSES: i64 = 1_000_000;
/// 2026-01-01T00:00:00Z.
const FIRST_MILLIS: i64 = 1_767_225_600_000;
/// A million of these are 31 days.
const STEP_MILLIS: i64 = 2_678;

/// A store of a million analyses of one month, whose listings are made up when they are asked for.
#[derive(Debug)]
struct Million {
    layout: Layout,
    lists: AtomicUsize,
}

impl Million {
    fn id(n: i64) -> AnalysisId {
        let random = n.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        AnalysisId::generate(Self::created_at(n), [random, random])
    }

    fn created_at(n: i64) -> CreatedAt {
        CreatedAt::from_millis(FIRST_MILLIS + n * STEP_MILLIS).unwrap()
    }

    fn etag(n: i64) -> ETag {
        ETag::new(format!("\"{:032x}\"", u128::from(n.unsigned_abs()) << 64))
    }

    fn saved_at(n: i64) -> SavedAt {
        SavedAt::from(Self::created_at(n).timestamp())
    }

    fn document(&self, n: i64) -> Listed {
        let key = self.layout.document(&Self::id(n), Self::created_at(n));
        let etag = Self::etag(n);
        let token = Some(ContentToken::of_tag(&etag));
        let last_modified = Self::created_at(n).timestamp();
        Listed { key, size: n.unsigned_abs(), etag, token, saved_at: None, last_modified }
    }

    fn entry(&self, n: i64) -> Listed {
        let summary = Summary {
            implementation: Label::parse(LabelKind::Implementation, "hybrid").unwrap(),
            status: Label::parse(LabelKind::Status, "success").unwrap(),
            timestamp: Some(Self::created_at(n).timestamp()),
            execution_ms: Some(41_830),
        };
        let (id, created_at, saved_at) = (Self::id(n), Self::created_at(n), Self::saved_at(n));
        let token = ContentToken::of_tag(&Self::etag(n));
        let entry = Entry { id, created_at, saved_at, token, summary, size: n.unsigned_abs() };
        let etag = ETag::new("\"d41d8cd98f00b204e9800998ecf8427e\"");
        let (token, last_modified) = (Some(ContentToken::of_tag(&etag)), created_at.timestamp());
        Listed { key: self.layout.entry(&entry), size: 0, etag, token, saved_at: None, last_modified }
    }

    /// How many analyses were created at or before the time of a position among the documents.
    fn documents_before(&self, position: Option<&str>) -> i64 {
        let id = position.and_then(|key| self.layout.parse_document(&Key::new(key)));
        id.map_or(0, |(id, _)| Self::count_until(id.created_at().unwrap().millis()))
    }

    /// How many were created before the time of a position in the index.
    fn entries_behind(&self, position: &str) -> i64 {
        let digits = position.strip_prefix(&self.layout.index()).unwrap().replace('/', "");
        let digits = digits.split('!').next().unwrap();
        Self::count_until(9_999_999_999_999 - digits.parse::<i64>().unwrap() - 1)
    }

    fn count_until(millis: i64) -> i64 {
        ((millis - FIRST_MILLIS).div_euclid(STEP_MILLIS) + 1).clamp(0, ANALYSES)
    }
}

#[async_trait]
impl Bucket for Million {
    fn clock_offset(&self) -> Option<SignedDuration> {
        Some(SignedDuration::ZERO)
    }

    fn token(&self, etag: &ETag, _: &[u8]) -> ContentToken {
        ContentToken::of_tag(etag)
    }

    async fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Listing, BucketError> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        let limit = i64::try_from(limit).unwrap();
        let (objects, truncated) = if prefix == self.layout.index() {
            let left = self.entries_behind(after.unwrap());
            ((0..left).rev().take(1000).map(|n| self.entry(n)).collect(), left > limit)
        } else {
            let first = self.documents_before(after);
            let end = ANALYSES.min(first + limit);
            ((first..end).map(|n| self.document(n)).collect(), end < ANALYSES)
        };
        Ok(Listing { objects, truncated, date: Self::created_at(ANALYSES).timestamp() })
    }

    async fn put(&self, _: Put) -> Result<ETag, BucketError> {
        unreachable!("a check writes nothing")
    }

    async fn get(&self, _: &Key, _: GetOptions) -> Result<Got, BucketError> {
        unreachable!("what listings agree on is not read")
    }

    async fn head(&self, _: &Key) -> Result<Option<ObjectMeta>, BucketError> {
        unreachable!("what listings agree on is not looked at")
    }

    async fn delete(&self, _: &Key, _: Option<&ETag>) -> Result<(), BucketError> {
        unreachable!("a check writes nothing")
    }

    async fn versions(&self, _: &Key) -> Result<Vec<Version>, BucketError> {
        Ok(Vec::new())
    }

    async fn restore(&self, _: &Key, _: u32, _: RestoreTier) -> Result<Restoring, BucketError> {
        Ok(Restoring::Absent)
    }

    async fn info(&self) -> Result<BucketInfo, BucketError> {
        unreachable!("nobody asks")
    }
}

/// A figure of this process in KiB.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn a_month_of_a_million_analyses_takes_two_thousand_listings_and_less_than_256_mb() {
    let clock = Arc::new(ManualClock::at("2026-02-02T12:00:00Z", 7));
    let bucket = Arc::new(Million { layout: Layout::new("t"), lists: AtomicUsize::new(0) });
    let analyses = Analyses::new(bucket.clone(), StorageType::Memory, Layout::new("t"), clock.clone());
    let month = Month::containing(Million::created_at(ANALYSES - 1).timestamp());
    assert!(month < Month::containing(clock.now()));
    let before = memory("VmRSS");
    let mut check = analyses.repair_month(month, Mode::CHECK);
    let (mut entries, mut documents) = (0, 0);
    while let Some(page) = check.step().await.unwrap() {
        assert_eq!(page.findings, []);
        entries += page.entries;
        documents += page.documents;
    }
    let grown = (memory("VmHWM") - before) / 1024;
    println!("{grown} MiB");
    assert_eq!((entries, documents), (ANALYSES.unsigned_abs(), ANALYSES.unsigned_abs()));
    assert_eq!(bucket.lists.load(Ordering::Relaxed), 2000);
    assert!(grown < 128, "{grown} MiB, and half of 256 is for the rest of the process");
}
