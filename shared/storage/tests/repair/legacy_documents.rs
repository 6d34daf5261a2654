//! Documents that this product did not write, or cannot read.

use std::sync::Arc;

use analysis_storage::bucket::{Bucket, BucketError, GetOptions, Got, ObjectMeta};
use analysis_storage::repair::{Damage, Mode};
use analysis_storage::testing::Around;
use analysis_storage::{Entry, Key, Loaded};
use async_trait::async_trait;

use crate::store::{ONE, Store, TWO, UUID7, analyses, maintain};

#[tokio::test]
async fn documents_of_other_programs_are_taken_in_where_they_lie() {
    let store = Store::new();
    store.put("analysis/2024/01/018cc251-f400-7000-8000-000000000000.json", ONE, &[]).await;
    store.put("analysis/2024/02/study-1.json", ONE, &[]).await;
    store.put("analysis/2026/01/study-2.json", ONE, &[]).await;
    assert_eq!(store.damage().await, [Damage::Orphan, Damage::NoIdRecord, Damage::NoIdRecord]);
    store.heal().await;
    let created: Vec<String> =
        store.list().await.iter().map(|e| format!("{} {}", e.id, e.created_at)).collect();
    let uuid = format!("{UUID7} 2024-01-01T00:00:00.000Z");
    // Within the month of the key, however much later it was written.
    let expected = ["study-2 2026-01-15T12:00:00.000Z", "study-1 2024-02-29T23:59:59.999Z", &uuid];
    assert_eq!(created, expected);
    let reloaded = store.analyses.load(&store.id("study-1"), &GetOptions::default()).await;
    assert!(matches!(reloaded, Ok(Loaded::Document(_))));
}

#[tokio::test]
async fn an_adopted_document_was_created_when_it_says_within_its_month() {
    let store = Store::new();
    for (id, document, stated) in [
        ("a", r#"{"timestamp":"2024-02-03T10:00:00"}"#, "2024-02-05"),
        ("b", r#"{"timestamp":"2024-01-31T23:59:59"}"#, "2024-02-05"),
        ("c", r#"{"timestamp":"2024-01-31T23:59:59"}"#, "2024-03-01"),
        ("d", r#"["no object"]"#, "2024-02-06"),
    ] {
        store.put(&format!("analysis/2024/02/{id}.json"), document, &[("timestamp", stated)]).await;
    }
    store.heal().await;
    let mut created: Vec<_> =
        store.list().await.iter().map(|e| format!("{} {}", e.id, e.created_at)).collect();
    created.sort();
    let expected = [
        "a 2024-02-03T10:00:00.000Z",
        "b 2024-02-05T00:00:00.000Z",
        "c 2024-02-29T23:59:59.999Z",
        "d 2024-02-06T00:00:00.000Z",
    ];
    assert_eq!(created, expected);
}

#[tokio::test]
async fn documents_that_are_no_analyses_are_indexed_by_their_metadata() {
    let store = Store::new();
    let good = [("implementation", "openai"), ("status", "error"), ("timestamp", "2024-01-15T10:30:00Z")];
    let bad = [("implementation", "a b"), ("status", "=?UTF-8?Q?=C3=A9?="), ("timestamp", "yesterday")];
    store.put("analysis/2024/02/array.json", "[1]", &good).await;
    store.put("analysis/2024/02/null.json", "null", &bad).await;
    store.put("analysis/2024/02/label.json", r#"{"implementation":"a b"}"#, &good).await;
    assert_eq!(store.damage().await, [Damage::NoIdRecord; 3]);
    store.heal().await;
    let mut list: Vec<String> = store
        .list()
        .await
        .into_iter()
        .map(|Entry { id, summary, size, .. }| {
            let timestamp = summary.timestamp.map(|t| t.to_string()).unwrap_or_default();
            format!("{id} {} {} {size} {timestamp}", summary.implementation, summary.status)
        })
        .collect();
    list.sort();
    let expected = [
        "array openai error 3 2024-01-15T10:30:00Z",
        "label openai error 24 2024-01-15T10:30:00Z",
        "null unknown unknown 4 ",
    ];
    assert_eq!(list, expected);
}

#[tokio::test]
async fn of_documents_with_one_id_in_several_months_the_newest_is_adopted_and_the_others_reported() {
    let stamped = |day: &'static str| [("timestamp", day)];
    let store = Store::new();
    // By their metadata, which tell more than when an object was written: a copied bucket is all of one day.
    store.put("analysis/2024/01/study-1.json", ONE, &stamped("2024-01-15")).await;
    store.put("analysis/2024/02/study-1.json", TWO, &stamped("2024-05-15")).await;
    store.put("analysis/2024/03/study-1.json", ONE, &stamped("2024-03-15")).await;
    // By when they were written, where one has no time.
    store.put("analysis/2024/01/study-2.json", ONE, &stamped("2024-01-15")).await;
    store.clock.advance(std::time::Duration::from_secs(1));
    store.put("analysis/2023/01/study-2.json", TWO, &[]).await;
    store.put("analysis/2024/02/study-3.json", ONE, &[]).await;
    let report = maintain(&store.analyses, None, Mode::REPAIR).await;
    let (repaired, left): (Vec<_>, Vec<_>) = report.findings.into_iter().partition(|f| f.repaired);
    let keys = |findings: &[analysis_storage::repair::Finding]| {
        findings.iter().map(|f| f.key.as_str()["t/analysis/".len()..].to_owned()).collect::<Vec<_>>()
    };
    let adopted = ["2023/01/study-2.json", "2024/02/study-1.json", "2024/02/study-3.json"];
    let older = ["2024/01/study-1.json", "2024/01/study-2.json", "2024/03/study-1.json"];
    let mut repaired = keys(&repaired);
    repaired.dedup();
    assert_eq!(
        (repaired, keys(&left)),
        (adopted.map(String::from).to_vec(), older.map(String::from).to_vec())
    );
    assert!(left.iter().all(|f| f.damage == Damage::Misplaced && f.advice.is_some()), "{left:?}");
    assert_eq!(keys(&store.check().await), older, "they are still there, and still reported");
    for (id, text) in [("study-1", TWO), ("study-2", TWO), ("study-3", ONE)] {
        match store.analyses.load(&store.id(id), &GetOptions::default()).await {
            Ok(Loaded::Document(object)) => assert_eq!(object.body, text, "{id}"),
            other => panic!("{id}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn objects_that_no_id_leads_to_are_reported_and_left() {
    let store = Store::new();
    store.save("study-1", ONE).await;
    let odd = [
        "analysis/README.txt",
        "analysis/2024/01/a b.json",
        "analysis/2024/01/a/b.json",
        "analysis/2024/01/\u{e9}.json",
        "analysis/2024/01/.json",
        "analysis/2024/01/018CC251-F400-7000-8000-000000000000.json",
        "analysis/2024/13/month.json",
        // These belong to other months: by their id, and by their id record.
        "analysis/2024/02/018cc251-f400-7000-8000-000000000000.json",
        "analysis/2024/02/study-1.json",
    ];
    for key in odd {
        store.put(key, ONE, &[]).await;
    }
    store.put("analysis/2024/01/018cc251-f400-7000-8000-000000000000.json", TWO, &[]).await;
    let report = maintain(&store.analyses, None, Mode::REPAIR).await;
    let (repaired, left): (Vec<_>, Vec<_>) = report.findings.into_iter().partition(|f| f.repaired);
    assert_eq!(repaired.iter().map(|f| f.damage).collect::<Vec<_>>(), [Damage::Orphan]);
    let mut keys: Vec<String> = left.iter().map(|f| f.key.as_str()["t/".len()..].to_owned()).collect();
    let mut expected = odd.map(ToOwned::to_owned);
    keys.sort();
    expected.sort();
    assert_eq!(keys, expected);
    assert!(left.iter().all(|f| f.damage == Damage::Misplaced && f.advice.is_some()));
    let advice = left.iter().find(|f| f.key.as_str().ends_with("02/study-1.json")).unwrap().advice.clone();
    assert_eq!(advice.unwrap(), "its id belongs to t/analysis/2026/01/study-1.json");
    assert_eq!(store.check().await, left, "a check finds the same");
    assert_eq!(store.list().await.len(), 2);
}

#[tokio::test]
async fn an_id_record_that_cannot_be_read_and_that_no_entry_tells_is_reported_and_left() {
    let store = Store::new();
    store.save("study-1", ONE).await;
    store.put("metadata/ids/study-1", "{}", &[]).await;
    store.remove("/index/").await;
    for _ in 0..2 {
        let report = maintain(&store.analyses, None, Mode::REPAIR).await;
        let [finding] = &report.findings[..] else { panic!("{report:?}") };
        assert_eq!((finding.damage, finding.key.as_str()), (Damage::BadIdRecord, "t/metadata/ids/study-1"));
        assert!(!finding.repaired && finding.advice.is_some());
    }
    assert_eq!(store.list().await, []);
}

/// A bucket whose documents all lie in an archive.
#[derive(Debug)]
struct Archive {
    inner: Arc<dyn Bucket>,
    /// Whether the answer to HEAD says so, too.
    heads_tell: bool,
}

#[async_trait]
impl Around for Archive {
    fn inner(&self) -> &dyn Bucket {
        &*self.inner
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got, BucketError> {
        if key.as_str().contains("/analysis/") {
            return Err(BucketError::Archived(key.to_string()));
        }
        self.inner.get(key, options).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, BucketError> {
        let meta = self.inner.head(key).await?;
        let archived = self.heads_tell && key.as_str().contains("/analysis/");
        Ok(meta.map(|meta| ObjectMeta { archived, ..meta }))
    }
}

#[tokio::test]
async fn archived_documents_are_indexed_by_their_metadata() {
    for heads_tell in [false, true] {
        let mut store = Store::new();
        let lost = store.save("lost", TWO).await;
        let kept = store.save("kept", ONE).await;
        store.remove("!lost!").await;
        store.analyses =
            analyses(Arc::new(Archive { inner: store.bucket.clone(), heads_tell }), &store.clock);
        assert_eq!(store.damage().await, [Damage::Orphan]);
        // Repairing the other must not put a poorer entry beside its own.
        store.analyses.repair(&store.id("kept")).await.unwrap();
        store.heal().await;
        let mut entries = store.list().await;
        entries.sort_by_key(|entry| entry.saved_at);
        assert_eq!(entries, [lost, kept]);
    }
}
