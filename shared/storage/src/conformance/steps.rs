//! The requests that one client sends after the other, and what their answers must be.

use jiff::SignedDuration;

use super::{Probe, Rule};
use crate::bucket::{BucketError, ETag, GetOptions, Got, Key, Listing, Precondition, Result};

/// What a wrong `If-Match` says: the tag of no object.
const NO_TAG: &str = "\"00000000000000000000000000000000\"";
/// User metadata of the objects.
pub(super) const METADATA: (&str, &str) = ("probe", "a b-c_d.e");
/// Keys in their byte order, as ids and entries have them.
const KEYS: [&str; 8] =
    ["list/!a!2!x", "list/-", "list/.a", "list/0", "list/A", "list/_", "list/a", "list/a~"];
/// How far apart the `Date` of an answer and the time of what was just written may be: both are cut to the second.
const FEW_SECONDS: SignedDuration = SignedDuration::from_secs(30);

/// What there is to say of a request that must succeed.
fn must_succeed<T>(answer: &Result<T>) -> Option<String> {
    answer.as_ref().err().map(|error| match error {
        BucketError::PreconditionFailed(_) => "answered 412, and the condition holds".to_owned(),
        error => error.to_string(),
    })
}

/// What there is to say of a request whose condition does not hold.
fn must_be_refused<T>(answer: &Result<T>) -> Option<String> {
    match answer {
        Err(BucketError::PreconditionFailed(_)) => None,
        Ok(_) => Some("answered with success, and must be 412".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

impl Probe<'_> {
    pub(super) async fn creates(&mut self) -> Result<()> {
        let create = self.send(|| self.put("a.json", "one", Precondition::Absent)).await;
        if self.note(Rule::Create, create, must_succeed)?.is_none() {
            // What had no answer may not have been carried out: the key may be free.
            return Ok(());
        }
        let again = self.send(|| self.put("a.json", "two", Precondition::Absent)).await;
        self.note(Rule::CreateOnce, again, must_be_refused)?;
        Ok(())
    }

    pub(super) async fn replaces(&mut self) -> Result<()> {
        let tag = self.send(|| self.put("b.json", "one", Precondition::None)).await?;
        let wrong = self.send(|| self.put("b.json", "two", Precondition::Match(ETag::new(NO_TAG)))).await;
        self.note(Rule::ReplaceMatching, wrong, must_be_refused)?;
        let right = self.send(|| self.put("b.json", "three", Precondition::Match(tag.clone()))).await;
        let wants_no_quotes =
            matches!(right, Err(BucketError::PreconditionFailed(_))) && self.takes_bare(&tag).await;
        self.note(Rule::Replace, right, |answer| match must_succeed(answer) {
            Some(_) if wants_no_quotes => {
                Some("answered 412, and takes the tag only without its quotes".to_owned())
            }
            other => other,
        })?;
        Ok(())
    }

    /// Whether the store takes this tag without its quotes.
    async fn takes_bare(&self, tag: &ETag) -> bool {
        let bare = Precondition::Match(ETag::new(tag.as_str().trim_matches('"')));
        self.send(|| self.put("b.json", "four", bare.clone())).await.is_ok()
    }

    pub(super) async fn metadata(&mut self) -> Result<()> {
        let written = self.write("c.json", "content", Precondition::None);
        self.send(|| self.bucket.put(written.clone())).await?;
        let got = self.send(|| self.bucket.get(&written.key, GetOptions::default())).await;
        self.note(Rule::Metadata, got, |got| match got {
            Ok(Got::Found(object)) => {
                let kept = object.meta.metadata.get(METADATA.0).map(String::as_str);
                if object.body != written.body {
                    Some("answered another content".to_owned())
                } else if kept != Some(METADATA.1) || object.meta.saved_at != written.saved_at {
                    Some(format!("answered {:?} as user metadata", object.meta.metadata))
                } else {
                    None
                }
            }
            Ok(_) => Some("answered that there is no such object".to_owned()),
            Err(error) => Some(error.to_string()),
        })?;
        Ok(())
    }

    pub(super) async fn deletes(&mut self) -> Result<()> {
        let tag = self.send(|| self.put("d.json", "one", Precondition::None)).await?;
        let key = self.key("d.json");
        let no_tag = ETag::new(NO_TAG);
        let wrong = self.send(|| self.bucket.delete(&key, Some(&no_tag))).await;
        self.note(Rule::DeleteMatching, wrong, must_be_refused)?;
        if matches!(self.send(|| self.bucket.head(&key)).await, Ok(None)) {
            // That it is gone has been said.
            return Ok(());
        }
        let right = self.send(|| self.bucket.delete(&key, Some(&tag))).await;
        let gone = match &right {
            Ok(()) => !matches!(self.send(|| self.bucket.head(&key)).await, Ok(Some(_))),
            Err(_) => true,
        };
        self.note(Rule::Delete, right, |answer| {
            must_succeed(answer).or((!gone).then(|| "the object is still there".to_owned()))
        })?;
        Ok(())
    }

    pub(super) async fn listings(&mut self) -> Result<()> {
        // From behind: a store that keeps the order of writing shows it.
        for name in KEYS.iter().rev() {
            self.send(|| self.put(name, "", Precondition::None)).await?;
        }
        let mut keys: Vec<String> = KEYS.iter().map(|name| self.key(name).to_string()).collect();
        keys.sort_unstable();
        let prefix = self.key("list/").to_string();
        let all = self.send(|| self.bucket.list(&prefix, None, 1000)).await;
        if let Some(listing) = self.note(Rule::Order, all, |all| wrong_keys(all, &keys, false))? {
            let date = self.judge_date(&listing);
            self.note(Rule::Date, Ok(()), |_| date)?;
        }
        for (n, behind) in keys.iter().enumerate() {
            let rest = &keys[n + 1..];
            let page = self.send(|| self.bucket.list(&prefix, Some(behind), 3)).await;
            let first = &rest[..rest.len().min(3)];
            self.note(Rule::StartAfter, page, |page| wrong_keys(page, first, rest.len() > 3))?;
        }
        Ok(())
    }

    fn judge_date(&self, listing: &Listing) -> Option<String> {
        let Some(_) = self.bucket.clock_offset() else {
            return Some("no answer has one that can be read".to_owned());
        };
        let apart = |object: &crate::bucket::Listed| listing.date.duration_since(object.last_modified).abs();
        // The newest: those before it may have taken long to write.
        let apart = listing.objects.iter().map(apart).min()?;
        let seconds = apart.as_secs();
        (apart > FEW_SECONDS).then(|| format!("is {seconds} seconds off the times of what was just written"))
    }
}

/// What is wrong with a page that must have these keys.
fn wrong_keys(page: &Result<Listing>, keys: &[String], truncated: bool) -> Option<String> {
    let page = match page {
        Ok(page) => page,
        Err(error) => return Some(error.to_string()),
    };
    let names = |keys: Vec<&str>| {
        let names = keys.iter().map(|key| key.rsplit_once("/list/").map_or(*key, |(_, name)| name));
        format!("[{}]", names.collect::<Vec<_>>().join(" "))
    };
    let found: Vec<&str> = page.keys().map(Key::as_str).collect();
    let expected: Vec<&str> = keys.iter().map(String::as_str).collect();
    if found != expected {
        return Some(format!("answered {} instead of {}", names(found), names(expected)));
    }
    let says = if page.truncated { "that more follow" } else { "that nothing follows" };
    (page.truncated != truncated).then(|| format!("answered {says} behind {}", names(found)))
}
