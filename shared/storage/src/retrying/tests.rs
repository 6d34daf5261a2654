use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use async_trait::async_trait;
use jiff::SignedDuration;

use super::*;
use crate::bucket::Result;
use crate::testing::ManualClock;

const BODY: &[u8] = b"{}";

/// A clock whose random numbers are all the same, and which notes for how long it was waited.
#[derive(Debug)]
struct PatientClock {
    clock: ManualClock,
    slept: Mutex<Vec<Duration>>,
}

#[async_trait]
impl Clock for PatientClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Half of the longest wait.
    fn random(&self) -> u64 {
        2500
    }

    async fn sleep(&self, duration: Duration) {
        self.slept.lock().unwrap().push(duration);
        self.clock.advance(duration);
    }
}

/// What every further request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Refused,
    Lost,
    Denied,
    ConditionFails,
}

/// What lies under the key.
#[derive(Debug, Clone, Copy)]
enum Found {
    /// What the first write brought, but of this size.
    Own { size: u64 },
    /// Another's document of the same size, written so long before the first write, or after it.
    Others { earlier: SignedDuration },
}

/// A bucket in which no request succeeds but a look.
#[derive(Debug)]
struct HostileBucket {
    /// The answers to the first requests, and to all others.
    first: Vec<Answer>,
    then: Answer,
    found: Found,
    requests: AtomicUsize,
    written: OnceLock<SavedAt>,
    began: Timestamp,
    /// How far its clock is ahead of the host's, which the first answer tells.
    ahead: SignedDuration,
}

impl HostileBucket {
    fn answer<T>(&self) -> Result<T> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        Err(match self.first.get(number).copied().unwrap_or(self.then) {
            Answer::Refused => BucketError::refused("test", "SlowDown"),
            Answer::Lost => BucketError::no_answer("test", "reset"),
            Answer::Denied => BucketError::misconfigured("no permission"),
            Answer::ConditionFails => BucketError::PreconditionFailed("key".into()),
        })
    }
}

#[async_trait]
impl Bucket for HostileBucket {
    fn clock_offset(&self) -> Option<SignedDuration> {
        (self.requests.load(Ordering::Relaxed) > 0).then_some(self.ahead)
    }

    fn token(&self, _: &ETag, content: &[u8]) -> ContentToken {
        ContentToken::of_content(content)
    }

    async fn put(&self, put: Put) -> Result<ETag> {
        self.written.get_or_init(|| put.saved_at);
        self.answer()
    }

    async fn get(&self, _: &Key, _: GetOptions) -> Result<Got> {
        self.answer()
    }

    async fn head(&self, _: &Key) -> Result<Option<ObjectMeta>> {
        let (saved_at, size, last_modified) = match self.found {
            Found::Own { size } => (*self.written.get().unwrap(), size, self.began),
            Found::Others { earlier } => (SavedAt::from_micros(1), BODY.len() as u64, self.began - earlier),
        };
        Ok(Some(ObjectMeta {
            size,
            etag: ETag::new("\"found\""),
            saved_at,
            is_ours: true,
            token: None,
            last_modified,
            version_id: None,
            archived: false,
            metadata: BTreeMap::new(),
        }))
    }

    async fn delete(&self, _: &Key, _: Option<&ETag>) -> Result<()> {
        self.answer()
    }

    async fn list(&self, _: &str, _: Option<&str>, _: usize) -> Result<Listing> {
        self.answer()
    }

    async fn versions(&self, _: &Key) -> Result<Vec<Version>> {
        self.answer()
    }

    async fn restore(&self, _: &Key, _: u32, _: RestoreTier) -> Result<Restoring> {
        self.answer()
    }

    async fn info(&self) -> Result<BucketInfo> {
        self.answer()
    }
}

struct World {
    clock: Arc<PatientClock>,
    bucket: Arc<HostileBucket>,
    requests: RetryingBucket,
}

fn world(first: &[Answer], then: Answer, found: Found, ahead: SignedDuration) -> World {
    let clock = ManualClock::at("2026-01-15T12:00:00Z", 7);
    // The document is dated by the bucket's clock.
    let began = clock.now() + ahead;
    let clock = Arc::new(PatientClock { clock, slept: Mutex::default() });
    let bucket = Arc::new(HostileBucket {
        first: first.to_vec(),
        then,
        found,
        requests: AtomicUsize::new(0),
        written: OnceLock::new(),
        began,
        ahead,
    });
    World { requests: RetryingBucket::new(bucket.clone(), clock.clone()), clock, bucket }
}

/// A world in which all requests meet the same.
fn always(answer: Answer) -> World {
    world(&[], answer, Found::Own { size: 0 }, SignedDuration::ZERO)
}

impl World {
    async fn put(&self) -> crate::Result<PutOutcome> {
        let put = |saved_at| Put {
            key: Key::new("key"),
            body: Bytes::from_static(BODY),
            saved_at,
            metadata: Vec::new(),
            precondition: Precondition::Absent,
        };
        self.requests.put(None, put).await
    }
}

#[tokio::test]
async fn waits_double_up_to_the_longest_and_end_at_the_deadline() {
    let world = always(Answer::Refused);
    let failed = world.requests.versions(&Key::new("key")).await;
    assert!(matches!(failed, Err(Error::Refused { .. })), "{failed:?}");
    let slept = world.clock.slept.lock().unwrap();
    let millis: Vec<_> = slept.iter().map(Duration::as_millis).collect();
    assert_eq!(millis[..7], [50, 100, 200, 400, 800, 1000, 1000]);
    assert_eq!(slept.iter().sum::<Duration>(), RETRY_FOR);
    assert_eq!(world.bucket.requests.load(Ordering::Relaxed), slept.len() + 1);
}

#[tokio::test]
async fn a_lasting_failure_is_reported_at_once() {
    let (key, tag) = (Key::new("key"), ETag::new("\"tag\""));
    let world = always(Answer::Denied);
    assert!(matches!(world.put().await, Err(Error::Misconfigured { .. })));
    assert!(matches!(world.requests.delete_matching(&key, &tag).await, Err(Error::Misconfigured { .. })));
    assert!(matches!(world.requests.versions(&key).await, Err(Error::Misconfigured { .. })));
    assert_eq!(world.bucket.requests.load(Ordering::Relaxed), 3);
    assert!(world.clock.slept.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_operation_that_others_keep_from_ending_ends_at_its_deadline() {
    let world = always(Answer::Refused);
    let (id, mut rounds) = (AnalysisId::from_stored("study-1").unwrap(), Rounds::default());
    for _ in 0..1000 {
        if let Err(error) = world.requests.next_round(&mut rounds, "save", &id).await {
            assert!(matches!(error, Error::Contended { .. }), "{error:?}");
            assert_eq!(world.clock.slept.lock().unwrap().iter().sum::<Duration>(), RETRY_FOR);
            return;
        }
    }
    panic!("it goes on for ever");
}

/// What becomes of a write whose first answer is lost, and whose condition then fails because this is there.
async fn lost_and_found(found: Found) -> crate::Result<PutOutcome> {
    world(&[Answer::Lost], Answer::ConditionFails, found, SignedDuration::ZERO).put().await
}

#[tokio::test]
async fn a_lost_write_is_recognised_by_its_time_and_size() {
    let own = lost_and_found(Found::Own { size: BODY.len() as u64 }).await;
    assert!(matches!(own, Ok(PutOutcome::Written(_))), "{own:?}");
    let other = lost_and_found(Found::Own { size: 3 }).await;
    assert!(matches!(other, Err(Error::NoAnswer { .. })), "{other:?}");
}

#[tokio::test]
async fn what_was_there_before_a_lost_write_has_refused_it() {
    for (seconds, is_told) in [(6, true), (5, false), (0, false), (-6, false)] {
        let earlier = SignedDuration::from_secs(seconds);
        let outcome = lost_and_found(Found::Others { earlier }).await;
        match outcome {
            Ok(PutOutcome::Failed) => assert!(is_told, "{seconds}"),
            Err(Error::NoAnswer { .. }) => assert!(!is_told, "{seconds}"),
            other => panic!("{seconds}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_clock_that_is_corrected_under_way_makes_nothing_older_than_it_is() {
    let attempts = [Answer::Lost; 14];
    let found = Found::Others { earlier: SignedDuration::from_secs(-1) };
    let world = world(&attempts, Answer::ConditionFails, found, SignedDuration::from_hours(-1));
    let outcome = world.put().await;
    assert!(world.clock.monotonic() > Duration::from_secs(10));
    assert!(matches!(outcome, Err(Error::NoAnswer { .. })), "{outcome:?}");
}
