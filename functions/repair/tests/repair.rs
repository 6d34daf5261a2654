//! The function as Lambda runs it: with the event of `events/`, with a schedule's, and against its deadline.

#![expect(clippy::unwrap_used, reason = "test code: a panic is how it reports")]

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fs, io};

use analysis_fn_repair::{RepairReport, Task, handle};
use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::bucket::{Bucket, Precondition, Put};
use analysis_storage::repair::Damage;
use analysis_storage::repair::RepairPosition;
use analysis_storage::testing::{Fault, FaultyBucket, ManualClock, Operation};
use analysis_storage::{Analyses, Clock, Error, Key, Layout, SavedAt, StorageType};
use bytes::Bytes;
use lambda_http::Context;
use lambda_http::lambda_runtime::LambdaEvent;
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

    async fn run(&self, event: Value) -> RepairReport {
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
async fn a_schedule_repairs_every_month_there_is() {
    let store = Store::new(&["2019/12/old", "2024/01/a", "2024/02/c"]).await;
    let outcome = store.run(schedule()).await;
    assert_eq!((outcome.done, outcome.documents, outcome.repaired[&Damage::Orphan]), (true, 3, 3));
    assert!(!outcome.is_late);
}

/// What a schedule sends.
fn schedule() -> Value {
    json!({ "version": "0", "detail-type": "Scheduled Event", "detail": {}, "resources": [] })
}

#[tokio::test]
async fn what_needs_a_hand_is_counted() {
    let store = Store::new(&["2024/01/a b"]).await;
    let outcome = store.run(json!({ "month": "2024-01" })).await;
    assert_eq!((outcome.done, outcome.left), (true, [(Damage::Misplaced, 1)].into()));
}

/// The store, slow enough for a run to get through one month of documents, and no further.
fn slow(store: &Store) -> Arc<dyn Bucket> {
    let clock = store.clock.clone();
    let slow = move |operation, prefix: &str| {
        if operation == Operation::List && prefix.starts_with("analysis/2024/") {
            clock.advance(Duration::from_mins(5));
        }
        None::<Fault>
    };
    Arc::new(FaultyBucket::new(store.bucket.clone(), Box::new(slow)))
}

#[tokio::test]
async fn a_run_goes_on_where_the_one_before_left_off() {
    let store = Store::new(&["2024/01/a", "2024/01/b", "2024/02/c", "2024/03/d"]).await;
    let mut task = schedule();
    let mut documents = 0;
    let mut left_off = Vec::new();
    loop {
        let outcome = handle(&store.analyses(slow(&store)), store.event(task)).await.unwrap();
        documents += outcome.documents;
        assert!(!outcome.is_late);
        assert_eq!(outcome.done, outcome.next.is_none());
        let Some(next) = outcome.next else { break };
        left_off.push(next);
        task = json!({ "only_go_on": true });
    }
    assert_eq!((documents, left_off), (4, vec!["2024-02".to_owned(), "2024-01".to_owned()]));
    let outcome = store.run(json!({ "only_go_on": true })).await;
    assert_eq!((outcome.done, outcome.documents), (true, 0), "nothing is left off");
}

#[tokio::test]
async fn a_run_under_way_is_left_alone() {
    let store = Store::new(&["2024/01/a", "2024/02/b"]).await;
    let analyses = store.analyses(store.bucket.clone());
    let busy_until = Some(store.clock.now() + Duration::from_mins(5));
    analyses
        .keep_repair_position(&RepairPosition { next: Some("2024-02".into()), busy_until })
        .await
        .unwrap();
    let go_on = json!({ "only_go_on": true });
    assert_eq!(store.run(go_on.clone()).await.documents, 0);
    store.clock.advance(Duration::from_mins(6));
    assert_eq!(store.run(go_on).await.documents, 2, "it has ended without a word");
}

#[tokio::test]
async fn a_task_that_cannot_be_read_is_refused() {
    let store = Store::new(&[]).await;
    for event in [json!({ "month": "January" }), json!({ "month": "2024-01", "until": "x" })] {
        let result = handle(&store.analyses(store.bucket.clone()), store.event(event)).await;
        assert!(matches!(result, Err(Error::InvalidArgument { .. })), "{result:?}");
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

/// What is logged through this while `work` goes on.
///
/// A second subscriber keeps `tracing` from asking only the first thread that comes to a line, which may be that of a
/// test without any, whether somebody wants to know of it.
async fn logged(level: &str, work: impl Future<Output = ()>) -> String {
    let _other = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let lines = Lines::default();
    let writer = lines.clone();
    let log = analysis_http::telemetry::lambda_log(level, move || writer.clone()).unwrap();
    let guard = tracing::subscriber::set_default(log);
    work.await;
    drop(guard);
    String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
}

/// The template's metric filter is `{ $.late IS TRUE }`, whatever `LogLevel` says; Lambda filters by the other two.
#[tokio::test]
async fn a_run_that_finds_the_one_before_unfinished_is_logged_for_the_alarm_at_any_level() {
    let store = Store::new(&["2024/01/a", "2024/02/b"]).await;
    let text = logged("error", async {
        for is_late in [false, true] {
            let event = store.event(schedule());
            let outcome = handle(&store.analyses(slow(&store)), event).await.unwrap();
            assert_eq!(outcome.is_late, is_late);
        }
    })
    .await;
    let line: Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!((&line["late"], &line["level"]), (&true.into(), &"ERROR".into()));
    assert!(line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{line}");
}

#[tokio::test]
async fn a_run_is_logged_with_what_it_left_and_an_idle_one_not_at_all() {
    let store = Store::new(&["2024/01/a"]).await;
    let text = logged("info", async {
        store.run(schedule()).await;
        store.run(json!({ "only_go_on": true })).await;
    })
    .await;
    let runs = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let runs: Vec<_> = runs.filter(|line| line["done"] == true).collect();
    assert_eq!(runs.len(), 1, "{text}");
    assert_eq!((&runs[0]["left"], &runs[0]["level"]), (&0.into(), &"INFO".into()));
}

/// The lines that the function writes when it cannot start in this environment.
fn failing_start(variables: &[(&str, &str)]) -> Vec<Value> {
    let mut function = Command::new(env!("CARGO_BIN_EXE_repair"));
    // As quiet as a function can be.
    function
        .env_clear()
        .envs([("AWS_LOG_LEVEL", "ERROR"), ("RUST_LOG", "off")])
        .envs(variables.iter().copied());
    let output = function.output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn a_failed_start_and_a_panic_are_errors_in_the_log_at_any_level() {
    let directory = tempfile::tempdir().unwrap();
    let local = directory.path().to_str().unwrap();
    for (variables, message, cause) in [
        (&[("STORAGE_TYPE", "s3")][..], "the function has ended with an error", "S3_BUCKET_NAME is not set"),
        (
            &[("AWS_LOG_LEVEL", "LOUD"), ("RUST_LOG", "")],
            "the function has ended with an error",
            "AWS_LOG_LEVEL",
        ),
        // Without the address of Lambda's runtime its client panics.
        (&[("LOCAL_STORAGE_DIR", local)], "the function has panicked", "Missing AWS_LAMBDA_"),
    ] {
        let lines = failing_start(variables);
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = &lines[0];
        assert_eq!((&line["level"], &line["message"]), (&"ERROR".into(), &message.into()));
        assert!(line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{line}");
        assert!(line["cause"].as_str().unwrap().contains(cause), "{line}");
    }
}
