//! What is found of stores that keep the rules, and of those that do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use jiff::SignedDuration;

use super::{Outcome, Rule, try_out};
use crate::bucket::memory::MemoryBucket;
use crate::bucket::{Bucket, BucketError, ETag, Key, Listing, Precondition, Put, Result};
use crate::clock::SystemClock;
use crate::layout::Layout;
use crate::testing::Around;

/// What a store does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    Nothing,
    ForgetsCreates,
    LooksBeforeItWrites,
    ForgetsMatches,
    WantsNoQuotes,
    ForgetsDeletes,
    KeepsWhatIsDeleted,
    DropsMetadata,
    ListsBackwards,
    IgnoresStartAfter,
    SaysNothingFollows,
    HasNoDate,
    RefusesEverything,
    FailsInBetween,
    LosesRacersThatLook,
    LosesTheFirstCreate,
    WritesSlowly,
    DatesByAnotherClock,
}

#[derive(Debug)]
struct Liar {
    inner: MemoryBucket,
    lie: Lie,
    has_refused: AtomicBool,
    racers: AtomicUsize,
    has_lost: AtomicBool,
}

impl Liar {
    fn tells(&self, lie: Lie) -> bool {
        self.lie == lie
    }
}

#[async_trait]
impl Around for Liar {
    fn inner(&self) -> &dyn Bucket {
        &self.inner
    }

    fn clock_offset(&self) -> Option<SignedDuration> {
        self.inner.clock_offset().filter(|_| !self.tells(Lie::HasNoDate))
    }

    async fn put(&self, mut put: Put) -> Result<ETag> {
        if !self.has_refused.swap(true, Ordering::Relaxed) || self.tells(Lie::RefusesEverything) {
            // As busy stores do: it must not matter.
            return Err(BucketError::refused("PUT", "busy"));
        }
        let name = put.key.as_str().rsplit('/').next().unwrap_or_default();
        if self.tells(Lie::FailsInBetween) && name == "b.json" {
            return Err(BucketError::no_answer("PUT b.json", "502"));
        }
        let is_create = put.precondition == Precondition::Absent;
        if self.tells(Lie::LosesTheFirstCreate) && is_create && !self.has_lost.swap(true, Ordering::Relaxed) {
            return Err(BucketError::no_answer("PUT", "502"));
        }
        if self.tells(Lie::LosesRacersThatLook) && name.starts_with("race-") {
            let nth = self.racers.fetch_add(1, Ordering::Relaxed);
            put.precondition = Precondition::None;
            if nth.is_multiple_of(2) {
                return Err(BucketError::no_answer("PUT", "timeout"));
            }
        }
        match &put.precondition {
            Precondition::Absent if self.tells(Lie::ForgetsCreates) => put.precondition = Precondition::None,
            Precondition::Absent if self.tells(Lie::LooksBeforeItWrites) => {
                let found = self.inner.head(&put.key).await?;
                tokio::task::yield_now().await;
                put.precondition = if found.is_some() { Precondition::Absent } else { Precondition::None };
            }
            Precondition::Match(_) if self.tells(Lie::ForgetsMatches) => {
                put.precondition = Precondition::None;
            }
            Precondition::Match(tag) if self.tells(Lie::WantsNoQuotes) => {
                put.precondition = Precondition::Match(ETag::new(format!("\"{tag}\"")));
            }
            _ => {}
        }
        if self.tells(Lie::DropsMetadata) {
            put.metadata.clear();
        }
        self.inner.put(put).await
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        if self.tells(Lie::KeepsWhatIsDeleted) {
            let Some(tag) = if_match else { return Ok(()) };
            let found = self.inner.head(key).await?;
            let matches = found.is_some_and(|meta| meta.etag == *tag);
            return if matches { Ok(()) } else { Err(BucketError::PreconditionFailed(key.to_string())) };
        }
        self.inner.delete(key, if_match.filter(|_| !self.tells(Lie::ForgetsDeletes))).await
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing> {
        let start_after = start_after.filter(|_| !self.tells(Lie::IgnoresStartAfter));
        let mut listing = self.inner.list(prefix, start_after, limit).await?;
        if self.tells(Lie::ListsBackwards) {
            listing.objects.reverse();
        }
        let is_late =
            |n: usize| n > 0 && self.tells(Lie::WritesSlowly) || self.tells(Lie::DatesByAnotherClock);
        for (_, object) in listing.objects.iter_mut().enumerate().filter(|(n, _)| is_late(*n)) {
            object.last_modified = object.last_modified.checked_sub(SignedDuration::from_mins(2)).unwrap();
        }
        listing.truncated &= !self.tells(Lie::SaysNothingFollows);
        Ok(listing)
    }
}

fn liar(lie: Lie) -> Arc<dyn Bucket> {
    Arc::new(Liar {
        inner: MemoryBucket::default(),
        lie,
        has_refused: AtomicBool::new(false),
        racers: AtomicUsize::new(0),
        has_lost: AtomicBool::new(false),
    })
}

#[tokio::test]
async fn a_store_that_keeps_every_rule_is_sound_and_nothing_is_left_on_it() {
    let bucket = liar(Lie::Nothing);
    let found = try_out(&bucket, &Layout::new("p"), &SystemClock).await.unwrap();
    assert!(
        found.is_sound() && found.rules.iter().all(|(_, outcome)| *outcome == Outcome::Kept),
        "{found:?}"
    );
    assert_eq!(found.rules.iter().map(|(rule, _)| *rule).collect::<Vec<_>>(), Rule::ALL);
    assert!(bucket.list("", None, 10).await.unwrap().objects.is_empty());
}

#[tokio::test]
async fn every_rule_that_a_store_breaks_is_found_and_named() {
    let told_of = async |lie| {
        let found = try_out(&liar(lie), &Layout::new("p"), &SystemClock).await.unwrap();
        let rules: Vec<Rule> = found.broken().map(|(rule, _)| rule).collect();
        (rules, found.to_string())
    };
    for (lie, broken, told) in [
        (
            Lie::ForgetsCreates,
            &[Rule::CreateOnce, Rule::OneCreator][..],
            "answered with success, and must be 412",
        ),
        (Lie::LooksBeforeItWrites, &[Rule::OneCreator], "12 of 12 were told that they had won"),
        (Lie::LosesRacersThatLook, &[Rule::OneCreator], "6 of 12 were told that they had won"),
        (
            Lie::ForgetsMatches,
            &[Rule::ReplaceMatching, Rule::OneReplacer],
            "PUT with a wrong If-Match: answered",
        ),
        (Lie::WantsNoQuotes, &[Rule::Replace, Rule::OneReplacer], "takes the tag only without its quotes"),
        (Lie::ForgetsDeletes, &[Rule::DeleteMatching], "DELETE with a wrong If-Match: answered with success"),
        (Lie::KeepsWhatIsDeleted, &[Rule::Delete], "the object is still there"),
        (Lie::DropsMetadata, &[Rule::Metadata], "answered {} as user metadata"),
        (Lie::ListsBackwards, &[Rule::Order, Rule::StartAfter], "answered [a~ a _ A 0 .a - !a!2!x]"),
        (Lie::IgnoresStartAfter, &[Rule::StartAfter], "answered [!a!2!x - .a] instead of [- .a 0]"),
        (Lie::SaysNothingFollows, &[Rule::StartAfter], "answered that nothing follows behind [- .a 0]"),
        (Lie::DatesByAnotherClock, &[Rule::Date], "seconds off the times of what was just written"),
        (Lie::HasNoDate, &[Rule::Date], "the header Date: no answer has one"),
    ] {
        let (rules, text) = told_of(lie).await;
        assert_eq!(rules, broken, "{lie:?}: {text}");
        assert!(text.contains(told), "{lie:?}: {text}");
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_not_found_wrong() {
    let error = try_out(&liar(Lie::RefusesEverything), &Layout::new("p"), &SystemClock).await.unwrap_err();
    assert!(error.is_passing(), "{error:?}");
}

#[tokio::test]
async fn a_trying_out_that_is_cut_short_is_not_taken_for_a_sound_store() {
    let found = try_out(&liar(Lie::FailsInBetween), &Layout::new("p"), &SystemClock).await.unwrap();
    assert!(found.is_sound(), "nothing wrong was seen: {found:?}");
    let unknown: Vec<(Rule, &str)> = found.unknown().collect();
    assert_eq!(unknown.len(), Rule::ALL.len() - 2, "{unknown:?}");
    assert!(unknown[0].0 == Rule::OneCreator && unknown[0].1.contains("502"), "{unknown:?}");
    let sound = try_out(&liar(Lie::Nothing), &Layout::new("p"), &SystemClock).await.unwrap();
    assert_eq!(sound.unknown().count(), 0, "{sound:?}");
}

#[tokio::test]
async fn a_sound_store_that_is_slow_or_loses_an_answer_is_not_found_wrong() {
    for lie in [Lie::LosesTheFirstCreate, Lie::WritesSlowly] {
        let found = try_out(&liar(lie), &Layout::new("p"), &SystemClock).await.unwrap();
        assert!(found.is_sound(), "{lie:?}: {found}");
    }
}
