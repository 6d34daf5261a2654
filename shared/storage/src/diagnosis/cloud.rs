//! A bucket on S3, or on a store that calls itself so.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{Finding, State, lifecycle, permissions};
use crate::bucket::s3::{Encryption, S3Bucket, S3Settings};
use crate::bucket::{Bucket, BucketError, BucketInfo, MAX_KEYS};
use crate::clock::SystemClock;
use crate::config::StorageConfig;
use crate::conformance::{self, Conformance, Outcome, Rule};
use crate::layout::Layout;

/// Beyond this, logs of a host and of the store cannot be compared.
const CLOCK_OFF: SignedDuration = SignedDuration::from_secs(5);

/// What there is to say of a store in this bucket.
pub(super) async fn diagnose(settings: &S3Settings, prefix: &str, config: &StorageConfig) -> Vec<Finding> {
    let (bucket, layout) = (Arc::new(S3Bucket::connect(settings).await), Layout::new(prefix));
    // Without this nothing else can be asked.
    if let Err(error) = bucket.reach(&layout.index()).await {
        let what = if error.is_passing() { "cannot be reached" } else { "cannot be used" };
        return vec![Finding::new("bucket", State::Wrong, what, error.with_cause())];
    }
    let mut found = vec![
        Finding::ok("credentials", "accepted"),
        Finding::ok("region", format!("{} of bucket {}", settings.region, settings.bucket)),
        clock(bucket.clock_offset()),
    ];
    let shared: Arc<dyn Bucket> = bucket.clone();
    match conformance::try_out(&shared, &layout, &SystemClock).await {
        Ok(conformance) => {
            found.extend(rules(&conformance));
            if keeps_conditions(&conformance) {
                found.extend(permissions::diagnose(&*bucket, &layout, true).await);
            }
        }
        Err(error) => {
            let state = if error.is_denied() { State::Unknown } else { State::Wrong };
            found.push(Finding::new("conditions", state, "nothing could be tried out", error.with_cause()));
            // Nothing tells whether another store keeps the conditions that make such writes harmless.
            let keeps_conditions = conformance::needs_trying_out(settings).await.is_none();
            found.extend(permissions::diagnose(&*bucket, &layout, keeps_conditions).await);
        }
    }
    found.extend(set_up(&bucket, settings, &layout, config).await);
    found
}

fn clock(offset: Option<SignedDuration>) -> Finding {
    match offset {
        None => {
            Finding::new("clock", State::Wrong, "the store does not say what time it is", "use another store")
        }
        Some(offset) if offset.abs() > CLOCK_OFF => Finding::new(
            "clock",
            State::Advice,
            format!("this host is {} seconds off the store", offset.abs().as_secs()),
            "synchronise it (NTP); analyses are dated by the store's clock all the same",
        ),
        Some(_) => Finding::ok("clock", "this host and the store agree"),
    }
}

fn rules(conformance: &Conformance) -> impl Iterator<Item = Finding> {
    let untried =
        conformance.unknown().filter(|(rule, _)| !conformance.rules.iter().any(|(tried, _)| tried == rule));
    let untried = untried.map(|(rule, why)| Finding::new(rule.request(), State::Unknown, "not tried", why));
    let tried = conformance.rules.iter().map(|(rule, outcome)| match outcome {
        Outcome::Kept => Finding::ok(rule.request(), "answered as it must be"),
        Outcome::Broken(how) => Finding::new(
            rule.request(),
            State::Wrong,
            how.clone(),
            "use another store, or a later release of it (docs/stores.md): analyses would be lost on this one",
        ),
        Outcome::Denied(why) => Finding::new(rule.request(), State::Unknown, "denied", why.clone()),
        Outcome::Unanswered(why) => Finding::new(
            rule.request(),
            State::Wrong,
            "no answer that tells",
            format!("look into the log of the store; it said: {why}"),
        ),
    });
    tried.chain(untried)
}

/// Permissions are tried by writes whose condition does not hold.
fn keeps_conditions(conformance: &Conformance) -> bool {
    let kept =
        |wanted: Rule| conformance.rules.iter().any(|(rule, how)| *rule == wanted && *how == Outcome::Kept);
    kept(Rule::ReplaceMatching)
}

async fn set_up(
    bucket: &S3Bucket,
    settings: &S3Settings,
    layout: &Layout,
    config: &StorageConfig,
) -> Vec<Finding> {
    let mut found = match bucket.info().await {
        Ok(info) => vec![versioning(&info), encryption(&info, settings)],
        Err(error) => vec![unknown("versioning and encryption", &error)],
    };
    match bucket.lifecycle().await {
        Some(rules) => found.extend(lifecycle::judge(&rules, layout, config.retention)),
        None => found.push(may_not_ask("lifecycle rules", "s3:GetLifecycleConfiguration")),
    }
    found.push(public_access(bucket.blocks_public_access().await, bucket.has_public_policy().await));
    found.extend(leftovers(bucket, layout).await);
    found
}

fn unknown(check: &str, error: &BucketError) -> Finding {
    Finding::new(check, State::Unknown, "no answer", error.with_cause())
}

fn may_not_ask(check: &str, action: &str) -> Finding {
    let advice =
        format!("to have it looked at, run this as somebody who may {action}, if the store knows it");
    Finding::new(check, State::Unknown, "the store does not say", advice)
}

fn versioning(info: &BucketInfo) -> Finding {
    match info.versioning_status.as_str() {
        "Enabled" => Finding::ok("versioning", "enabled"),
        "unknown" => may_not_ask("versioning", "s3:GetBucketVersioning"),
        other => Finding::new(
            "versioning",
            State::Advice,
            other.to_lowercase(),
            "enable it, so that what is replaced or deleted by mistake can be brought back",
        ),
    }
}

fn encryption(info: &BucketInfo, settings: &S3Settings) -> Finding {
    let asks = &settings.encryption;
    match (info.encryption_enabled, asks) {
        (_, Encryption::Aes256 | Encryption::Kms { .. }) => {
            Finding::ok("encryption", format!("asked for with every PUT: S3_SSE={asks}"))
        }
        (Some(true), Encryption::None) => {
            Finding::ok("encryption", "by the bucket; S3_SSE=none asks for nothing")
        }
        (Some(false), Encryption::None) => Finding::new(
            "encryption",
            State::Advice,
            "none: neither the bucket encrypts, nor does S3_SSE ask for it",
            "set S3_SSE=AES256, if the store knows it, or encrypt the disks beneath it",
        ),
        (None, Encryption::None) => may_not_ask("encryption", "s3:GetEncryptionConfiguration"),
    }
}

fn public_access(blocks: Option<bool>, has_public_policy: Option<bool>) -> Finding {
    let advice = "block all public access in the bucket's settings, as the template does";
    match (blocks, has_public_policy) {
        (_, Some(true)) => {
            Finding::new("public access", State::Wrong, "the bucket policy lets everybody in", advice)
        }
        (Some(true), _) => Finding::ok("public access", "blocked"),
        (Some(false), _) => Finding::new("public access", State::Advice, "not blocked", advice),
        (None, _) => may_not_ask("public access", "s3:GetBucketPublicAccessBlock"),
    }
}

async fn leftovers(bucket: &S3Bucket, layout: &Layout) -> Vec<Finding> {
    let probes = bucket.list(&layout.probes(), None, MAX_KEYS).await.map_or(0, |page| page.objects.len());
    let uploads = bucket.unfinished_uploads(&layout.root()).await.unwrap_or_default();
    let mut found = Vec::new();
    if probes > 0 {
        let what = format!("{probes} objects below {}", layout.probes());
        found.push(Finding::new(
            "leftovers",
            State::Advice,
            what,
            "another process is trying the store out, or could not remove them: allow s3:DeleteObject there",
        ));
    }
    if uploads > 0 {
        found.push(Finding::new(
            "leftovers",
            State::Advice,
            format!("{uploads} uploads in parts that have not ended"),
            "they are not of this software; add a lifecycle rule with AbortIncompleteMultipartUpload, or pay for them",
        ));
    }
    if found.is_empty() {
        found.push(Finding::ok("leftovers", "none"));
    }
    found
}
