//! Many clients at once.

use bytes::Bytes;
use futures::future::join_all;

use super::{Probe, Rule};
use crate::bucket::{BucketError, ETag, Precondition, Result};

/// How many write one key at once.
const WRITERS: usize = 12;
/// How often: what looks and then writes is caught by chance.
const ROUNDS: usize = 3;
/// How large a body is: what takes longer to write is caught sooner.
const BODY: usize = 20_000;

impl Probe<'_> {
    pub(super) async fn races(&mut self) -> Result<()> {
        for round in 0..ROUNDS {
            let name = format!("race-{round}.json");
            let created = self.race(&name, &Precondition::Absent).await;
            let Some(tag) = self.judge(Rule::OneCreator, created)? else { continue };
            let replaced = self.race(&name, &Precondition::Match(tag)).await;
            self.judge(Rule::OneReplacer, replaced)?;
        }
        Ok(())
    }

    /// What each of the writers was answered.
    async fn race(&self, name: &str, precondition: &Precondition) -> Vec<Result<ETag>> {
        let write = |n: usize| {
            let mut body = vec![b' '; BODY];
            body[..8].copy_from_slice(&self.clock.random().to_ne_bytes());
            body[8..16].copy_from_slice(&n.to_ne_bytes());
            self.bucket.put(self.write(name, Bytes::from(body), precondition.clone()))
        };
        join_all((0..WRITERS).map(write)).await
    }

    /// Takes down who has won; the tag of the winner.
    fn judge(&mut self, rule: Rule, answers: Vec<Result<ETag>>) -> Result<Option<ETag>> {
        let winners = answers.iter().filter(|answer| answer.is_ok()).count();
        if winners > 1 {
            // Whatever the others were answered.
            let told = format!("{winners} of {WRITERS} were told that they had won, and one must be");
            self.note(rule, Ok(()), |_| Some(told))?;
            return Ok(None);
        }
        // S3 may answer 409 to those who meet: so may all, and nothing is known.
        let is_open = |answer: &Result<ETag>| matches!(answer, Err(BucketError::Refused { .. }));
        if winners == 0 && answers.iter().any(is_open) {
            return Ok(None);
        }
        let odd = |error: &BucketError| {
            !matches!(error, BucketError::PreconditionFailed(_) | BucketError::Refused { .. })
        };
        let mut won = None;
        for answer in answers {
            match answer {
                Ok(tag) => won = Some(tag),
                Err(error) if odd(&error) => {
                    self.note(rule, Err::<(), _>(error), |answer| {
                        answer.as_ref().err().map(ToString::to_string)
                    })?;
                    return Ok(None);
                }
                Err(_) => {}
            }
        }
        let told = || format!("none of {WRITERS} was told that it had won, and one must be");
        self.note(rule, Ok(()), |_| won.is_none().then(told))?;
        Ok(won)
    }
}
