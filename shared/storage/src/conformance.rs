//! Trying out whether a store that calls itself S3 does what the protocol relies on. `testing::contract` holds our own
//! buckets to more; this is what can be asked of any store in a second, beside the analyses that it holds.

mod races;
mod record;
mod rule;
mod steps;
#[cfg(test)]
mod tests;

pub use record::{TriedOut, needs_trying_out};
pub use rule::{Conformance, Outcome, Rule};

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};

use crate::bucket::{Bucket, BucketError, ETag, Key, Listed, MAX_KEYS, Precondition, Put, Result};
use crate::clock::Clock;
use crate::layout::Layout;
use crate::time::SavedAt;

/// What a run that was killed has left behind is removed by one that begins so much later.
const ABANDONED: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);
/// How many deletes are under way together.
const AT_ONCE: usize = 8;
/// After so many rules in a row without an answer nothing more is tried.
const MOST_UNANSWERED: u32 = 2;
/// How often a request is sent that the store refuses for the moment.
const ATTEMPTS: u32 = 4;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(250);

/// One trying out: objects of its own, below [`Layout::probes`].
#[derive(Debug)]
struct Probe<'a> {
    bucket: &'a Arc<dyn Bucket>,
    clock: &'a dyn Clock,
    /// What all its keys begin with.
    place: String,
    found: Vec<(Rule, Outcome)>,
    /// How many rules in a row were not answered.
    unanswered: u32,
}

/// Tries out every [`Rule`], and removes what it has written.
///
/// # Errors
/// Why it could not be done: the store does not answer, or nothing may be written there.
pub(crate) async fn try_out(
    bucket: &Arc<dyn Bucket>,
    layout: &Layout,
    clock: &dyn Clock,
) -> Result<Conformance> {
    let place = format!("{}{:016x}/", layout.probes(), clock.random());
    let mut probe = Probe { bucket, clock, place, found: Vec::new(), unanswered: 0 };
    let run = probe.run().await;
    probe.clear_away(layout).await;
    match run {
        Err(error) if probe.found.is_empty() => Err(error),
        // What was found counts, though the store does not answer everything.
        run => Ok(Conformance::new(&probe.found, run.err().map(|error| error.with_cause()))),
    }
}

impl Probe<'_> {
    async fn run(&mut self) -> Result<()> {
        // Who may not even do this may not save either, and learns here what is missing.
        self.send(|| self.put("first", "first", Precondition::None)).await?;
        self.creates().await?;
        self.replaces().await?;
        self.metadata().await?;
        self.races().await?;
        self.deletes().await?;
        self.listings().await
    }

    fn key(&self, name: &str) -> Key {
        Key::new(format!("{}{name}", self.place))
    }

    fn write(&self, name: &str, body: impl Into<Bytes>, precondition: Precondition) -> Put {
        let metadata = vec![(steps::METADATA.0, steps::METADATA.1.to_owned())];
        let saved_at = SavedAt::from_micros(self.clock.now().as_microsecond());
        Put { key: self.key(name), body: body.into(), saved_at, metadata, precondition }
    }

    async fn put(&self, name: &str, body: &'static str, precondition: Precondition) -> Result<ETag> {
        self.bucket.put(self.write(name, body, precondition)).await
    }

    /// Sends a request again while the store refuses it for the moment.
    async fn send<T, F: Future<Output = Result<T>>>(&self, request: impl Fn() -> F) -> Result<T> {
        let mut attempts = 1;
        loop {
            match request().await {
                Err(BucketError::Refused { .. }) if attempts < ATTEMPTS => {
                    self.clock.sleep(BETWEEN_ATTEMPTS * attempts).await;
                    attempts += 1;
                }
                result => return result,
            }
        }
    }

    /// Takes down what a request has shown. One without an answer may be what the store does to all of its kind.
    ///
    /// # Errors
    /// That of a request without an answer, if none has been answered for long: the store is away.
    fn note<T>(
        &mut self,
        rule: Rule,
        answer: Result<T>,
        judge: impl FnOnce(&Result<T>) -> Option<String>,
    ) -> Result<Option<T>> {
        let is_answered = !answer.as_ref().is_err_and(BucketError::is_passing);
        self.unanswered = if is_answered { 0 } else { self.unanswered + 1 };
        let outcome = match &answer {
            Err(error) if !is_answered => Outcome::Unanswered(error.with_cause()),
            Err(error) if error.is_denied() => Outcome::Denied(error.to_string()),
            answer => judge(answer).map_or(Outcome::Kept, Outcome::Broken),
        };
        self.found.push((rule, outcome));
        if self.unanswered > MOST_UNANSWERED { answer.map(Some) } else { Ok(answer.ok()) }
    }

    /// What is left behind is a nuisance, and no reason to fail.
    async fn clear_away(&self, layout: &Layout) {
        let probes = layout.probes();
        let Ok(listing) = self.send(|| self.bucket.list(&probes, None, MAX_KEYS)).await else { return };
        let is_to_go = |object: &&Listed| {
            let age = listing.date.duration_since(object.last_modified);
            object.key.as_str().starts_with(&self.place) || age > ABANDONED
        };
        let remove = async |object: &Listed| {
            drop(self.send(|| self.bucket.delete(&object.key, None)).await);
        };
        stream::iter(listing.objects.iter().filter(is_to_go)).for_each_concurrent(AT_ONCE, remove).await;
    }
}
