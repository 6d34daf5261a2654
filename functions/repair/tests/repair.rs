//! The function as Lambda runs it: with the event of `events/`, with a schedule's, and against its deadline.

#![expect(clippy::unwrap_used, reason = "test code: a panic is how it reports")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fs, io};

use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{Bucket, Precondition, Put};
use analysis_storage::rebuild::Damage;
use analysis_storage::testing::{Fault, FaultyBucket, ManualClock};
use analysis_storage::{Analyses, Clock, Error, Key, Layout, SavedAt, StorageType};
use bytes::Bytes;
use lambda_http::Context;
use lambda_http::lambda_runtime::LambdaEvent;
use repair::{Outcome, Task, handle};
use serde_json::{Value, json};

struct Store {
    bucket: Arc<MemoryBucket>,
    clock: Arc<ManualClock>,
}

impl Store {
    /// A store with documents that the index does not know.
    async fn new(documents: &[&str]) -> Self {
        let clock = Arc::new(ManualClock::at("2024-02-15T12:00:00Z", 7));
        let bucket = Arc::new(MemoryBucket::new(clock.clone()));
        for key in documents {
            let put = Put {
                key: Key::new(format!("analysis/{key}.json")),
                body: Bytes::from_static(b"{}"),
                saved_at: SavedAt::from(clock.now()),
                metadata: Vec::new(),
                precondition: Precondition::None,
            };
            bucket.put(put).await.unwrap();
        }
        Self { bucket, clock }
    }

    fn analyses(&self, bucket: Arc<dyn Bucket>) -> Analyses {
        Analyses::new(bucket, StorageType::Memory, Layout::new(""), self.clock.clone())
    }

    async fn run(&self, event: Value) -> Outcome {
        handle(&self.analyses(self.bucket.clone()), self.event(event)).await.unwrap()
    }

    /// An event that the function has five minutes for.
    fn event(&self, payload: Value) -> LambdaEvent<Task> {
        let mut context = Context::default();
        let deadline = self.clock.now() + Duration::from_mins(5);
        context.deadline = u64::try_from(deadline.as_millisecond()).unwrap();
        LambdaEvent::new(serde_json::from_value(payload).unwrap(), context)
    }
}

#[tokio::test]
async fn the_example_event_names_its_months() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/repair.json");
    let event: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let store = Store::new(&["2023/12/old", "2024/01/a", "2024/01/b", "2024/02/c", "2024/03/new"]).await;
    let outcome = store.run(event.clone()).await;
    assert_eq!((outcome.done, outcome.documents), (true, 3));
    let answer = serde_json::to_value(&outcome).unwrap();
    assert_eq!(answer["repaired"], json!({ "no_id_record": 3, "orphan": 3 }));
    assert_eq!((&answer["left"], answer.get("next")), (&json!({}), None));
    let again = store.run(event).await;
    assert_eq!((again.entries, again.documents, again.repaired.len()), (3, 3, 0));
}

#[tokio::test]
async fn a_schedule_repairs_the_previous_and_the_present_month() {
    let store = Store::new(&["2023/12/old", "2024/01/a", "2024/02/c"]).await;
    let event = json!({ "version": "0", "detail-type": "Scheduled Event", "detail": {}, "resources": [] });
    let outcome = store.run(event).await;
    assert_eq!((outcome.done, outcome.documents, outcome.repaired[&Damage::Orphan]), (true, 2, 2));
}

#[tokio::test]
async fn what_needs_a_hand_is_counted() {
    let store = Store::new(&["2024/01/a b"]).await;
    let outcome = store.run(json!({ "month": "2024-01" })).await;
    assert_eq!((outcome.done, outcome.left), (true, [(Damage::Misplaced, 1)].into()));
}

#[tokio::test]
async fn it_stops_before_its_deadline_and_goes_on_from_there() {
    let store = Store::new(&["2024/01/a", "2024/01/b", "2024/02/c"]).await;
    let mut task = json!({});
    let mut documents = 0;
    let mut runs = 0;
    loop {
        // Two minutes pass with each page, so that three fit before the last thirty seconds.
        let clock = store.clock.clone();
        let slow = move |_, prefix: &str| {
            if prefix == "metadata/index/" || prefix.starts_with("analysis/2024/") && prefix.ends_with('/') {
                clock.advance(Duration::from_mins(2));
            }
            None::<Fault>
        };
        let bucket = Arc::new(FaultyBucket::new(store.bucket.clone(), Box::new(slow)));
        let outcome = handle(&store.analyses(bucket), store.event(task)).await.unwrap();
        documents += outcome.documents;
        runs += 1;
        assert_eq!(outcome.done, outcome.next.is_none());
        let Some(next) = outcome.next else { break };
        assert_eq!(next.until.as_deref(), Some("2024-02"));
        task = serde_json::to_value(next).unwrap();
    }
    assert_eq!((documents, runs), (3, 2));
}

#[tokio::test]
async fn a_task_that_cannot_be_read_is_refused() {
    let store = Store::new(&[]).await;
    for event in [json!({ "month": "January" }), json!({ "month": "2024-01", "start_after": "x" })] {
        let result = handle(&store.analyses(store.bucket.clone()), store.event(event)).await;
        assert!(matches!(result, Err(Error::Misconfigured { .. })), "{result:?}");
    }
}

/// Where log lines are collected.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The template's metric filter is `{ $.done IS FALSE }`, whatever `LogLevel` says; Lambda filters by the other two.
#[tokio::test]
async fn an_unfinished_run_is_logged_for_the_alarm_at_any_level() {
    let store = Store::new(&["2024/01/a", "2024/02/b"]).await;
    let lines = Lines::default();
    let writer = lines.clone();
    let log = analysis_http::telemetry::lambda_log("error", move || writer.clone()).unwrap();
    let guard = tracing::subscriber::set_default(log);
    let mut event = store.event(json!({}));
    event.context.deadline = 1;
    assert!(!handle(&store.analyses(store.bucket.clone()), event).await.unwrap().done);
    drop(guard);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let line: Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!((&line["done"], &line["level"]), (&false.into(), &"ERROR".into()));
    assert!(line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{line}");
}
