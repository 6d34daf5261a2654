//! What an operator has to do about a refusal, in one line each.

use std::error::Error;
use std::iter::successors;

use super::failure::Answer;
use super::request::{Action, Request};
use super::{Encryption, S3Settings};
use crate::bucket::Precondition;
use crate::config::Environment;

/// What remains to be done about a store that does something wrong.
const NOT_THIS_STORE: &str =
    "the protocol cannot work on it: use another store, or a later release of it (docs/stores.md)";

/// There are no credentials.
pub(super) fn no_credentials(request: &Request<'_>, cause: &(dyn Error + 'static)) -> String {
    let S3Settings { bucket, named_by, .. } = request.settings;
    let whose =
        if named_by.is_store() { String::new() } else { format!(" for {} s3://{bucket}", named_by.bucket()) };
    // The chain says of a profile that does not exist only that it had none.
    let profile = match Environment::of_process().lookup("AWS_PROFILE") {
        Some(name) => format!("or correct AWS_PROFILE, which is `{name}`"),
        None => "or AWS_PROFILE".to_owned(),
    };
    format!(
        "no usable AWS credentials{whose} ({}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, {profile}, or run \
         under an IAM role",
        root(cause)
    )
}

/// The SDK could not make the request.
pub(super) fn not_built(request: &Request<'_>, cause: &(dyn Error + 'static)) -> String {
    let S3Settings { bucket, region, endpoint_url, named_by, .. } = request.settings;
    let endpoint = endpoint_url.as_deref().unwrap_or_default();
    format!(
        "cannot make the request {request} of {}=`{bucket}` {}=`{region}` {}=`{endpoint}`: {}",
        named_by.bucket(),
        named_by.region(),
        named_by.endpoint(),
        root(cause)
    )
}

/// The deepest cause, in one line.
fn root(cause: &(dyn Error + 'static)) -> String {
    let root = successors(Some(cause), |&error| error.source()).last().unwrap_or(cause).to_string();
    root.lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches(" Attempted:")
        .trim_end_matches(['.', ' '])
        .to_owned()
}

/// S3 refused the request.
pub(super) fn on(request: &Request<'_>, answer: &Answer) -> String {
    let S3Settings { bucket, region, named_by, .. } = request.settings;
    let code = answer.code.as_str();
    if is_elsewhere(request, answer) {
        return wrong_region(request, answer);
    }
    if let Some(advice) = on_credentials(code) {
        return format!("S3 refused the AWS credentials ({code}): {advice}");
    }
    match (answer.status, code) {
        (_, "NoSuchBucket") => no_such_bucket(request),
        (_, "InvalidBucketName") => {
            format!("`{bucket}` cannot be the name of a bucket: set {}", named_by.bucket())
        }
        (_, "AllAccessDisabled" | "AccountProblem") => {
            format!("AWS has shut off bucket `{bucket}` or its account ({code}): ask AWS support")
        }
        (_, code) if code.starts_with("KMS.") => format!(
            "S3 cannot use the KMS key of `{}` in bucket `{bucket}` ({code}): enable the key and allow \
             kms:Decrypt and kms:GenerateDataKey on it",
            request.target
        ),
        (401 | 403, _) => denied(request, answer),
        (400, "") => format!(
            "S3 refused {request} and gives no reason to HEAD requests: check that the AWS credentials have not \
             expired, and that bucket `{bucket}` is in {}={region}",
            named_by.region()
        ),
        (404, "") => format!("{} does not answer as S3 does (404 to {request})", place(request)),
        (501, _) => format!(
            "{} does not implement {request}: the store must have conditional writes (If-None-Match, If-Match){}",
            place(request),
            or_encryption(request)
        ),
        (status, _) => {
            let what = format!("{} refused {request}: {status} {code}: {}", place(request), answer.message);
            if status == 400 { what + &or_encryption(request) } else { what }
        }
    }
}

/// A page of a listing begins at or before the key that it should begin behind.
pub(super) fn begins_before(request: &Request<'_>, behind: &str, first: &str) -> String {
    format!(
        "{} ignores start-after: a listing behind `{behind}` begins with `{first}`; {NOT_THIS_STORE}",
        place(request)
    )
}

/// A page of a listing is not in the order of its keys.
pub(super) fn out_of_order(request: &Request<'_>, (one, next): (&str, &str)) -> String {
    format!(
        "{} lists keys out of their byte order: `{next}` behind `{one}`; {NOT_THIS_STORE}",
        place(request)
    )
}

fn place(request: &Request<'_>) -> String {
    match &request.settings.endpoint_url {
        Some(url) => format!("the store at {}={url}", request.settings.named_by.endpoint()),
        None => "S3".to_owned(),
    }
}

fn no_such_bucket(request: &Request<'_>) -> String {
    let settings = request.settings;
    let whereabouts = match &settings.endpoint_url {
        Some(url) => format!("at {url}"),
        None => format!("in region {}", settings.region),
    };
    let (bucket, names) = (&settings.bucket, settings.named_by);
    if names.is_store() {
        format!(
            "bucket `{bucket}` does not exist {whereabouts}: set {}, or create it with `sam deploy`; it is never \
             created at run time",
            names.bucket()
        )
    } else {
        format!(
            "bucket `{bucket}` does not exist {whereabouts}: correct {}, {} or {}",
            names.bucket(),
            names.region(),
            names.endpoint()
        )
    }
}

fn on_credentials(code: &str) -> Option<&'static str> {
    Some(match code {
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "RequestExpired" => {
            "they have expired; renew AWS_SESSION_TOKEN and its keys, or log in to AWS_PROFILE again"
        }
        "InvalidAccessKeyId" | "InvalidClientTokenId" | "UnrecognizedClientException" | "NotSignedUp" => {
            "there is no such key; set AWS_ACCESS_KEY_ID or AWS_PROFILE"
        }
        "SignatureDoesNotMatch" => {
            "the secret does not belong to the key; set AWS_SECRET_ACCESS_KEY to that of AWS_ACCESS_KEY_ID"
        }
        "InvalidToken" | "InvalidSecurity" | "AuthFailure" | "CredentialsNotSupported" => {
            "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary credentials only, AWS_SESSION_TOKEN"
        }
        "RequestInTheFuture" => "the clock of this machine is more than 15 minutes off; synchronise it (NTP)",
        _ => return None,
    })
}

fn denied(request: &Request<'_>, answer: &Answer) -> String {
    let bucket = &request.settings.bucket;
    let what = match request.action {
        Action::List | Action::Versions | Action::GetVersioning | Action::GetEncryption => {
            format!("bucket `{bucket}`")
        }
        _ => format!("`{}` in bucket `{bucket}`", request.target),
    };
    let reason = match answer.code.as_str() {
        "" => "403 without a reason; the credentials may be wrong, too",
        code => code,
    };
    format!(
        "S3 denies {} on {what} ({reason}): allow it in the IAM policy and the bucket policy{}{}",
        needs(request),
        or_header(request),
        or_owner(request)
    )
}

/// A policy may deny a PUT for how it asks to be encrypted.
fn or_header(request: &Request<'_>) -> String {
    if !matches!(request.action, Action::Put { .. }) {
        return String::new();
    }
    let header = match &request.settings.encryption {
        Encryption::None => "that x-amz-server-side-encryption is not sent".to_owned(),
        Encryption::Kms { key_id: Some(key_id) } => {
            format!("x-amz-server-side-encryption: aws:kms, or the use of the key {key_id}")
        }
        sent => format!("x-amz-server-side-encryption: {sent}"),
    };
    format!("; what a policy denies may also be {header}: set S3_SSE")
}

/// To requests that name another owner, the answer is the same.
fn or_owner(request: &Request<'_>) -> String {
    match &request.settings.expected_owner {
        Some(owner) => format!("; or the account {owner} does not own the bucket: correct S3_EXPECTED_OWNER"),
        None => String::new(),
    }
}

/// What else a store may not know of a PUT.
fn or_encryption(request: &Request<'_>) -> String {
    match (&request.action, &request.settings.encryption) {
        (Action::Put { .. }, sent) if *sent != Encryption::None => {
            format!("; if it only lacks server-side encryption with {sent}, set S3_SSE=none")
        }
        _ => String::new(),
    }
}

/// The permissions that a request takes.
fn needs(request: &Request<'_>) -> &'static str {
    match &request.action {
        Action::Put { precondition: Precondition::Match(_) } => "s3:PutObject or s3:GetObject",
        Action::Put { .. } => "s3:PutObject",
        // Without s3:ListBucket, S3 hides that there is no such key behind a 403.
        Action::Get { version: true } => "s3:GetObjectVersion or s3:ListBucketVersions",
        Action::Get { version: false } | Action::Head => "s3:GetObject or s3:ListBucket",
        Action::Delete { conditional: true } => "s3:DeleteObject or s3:GetObject",
        Action::Delete { conditional: false } => "s3:DeleteObject",
        Action::List => "s3:ListBucket",
        Action::Versions => "s3:ListBucketVersions",
        Action::Restore => "s3:RestoreObject",
        Action::GetVersioning => "s3:GetBucketVersioning",
        Action::GetEncryption => "s3:GetEncryptionConfiguration",
    }
}

/// Whether the answer says that the bucket is in another region.
pub(super) fn is_elsewhere(request: &Request<'_>, answer: &Answer) -> bool {
    let named = answer.region.as_ref().is_some_and(|region| *region != request.settings.region);
    match answer.code.as_str() {
        "PermanentRedirect" | "IllegalLocationConstraintException" => true,
        // The same code tells of an access key that is not one.
        "AuthorizationHeaderMalformed" => named || answer.message.contains("region"),
        "" | "BadRequest" | "TemporaryRedirect" => answer.status == 301 || (named && answer.status <= 403),
        _ => answer.status == 301,
    }
}

fn wrong_region(request: &Request<'_>, answer: &Answer) -> String {
    let settings = request.settings;
    let setting = settings.named_by.region();
    let expected = answer.message.split_once("expecting '").and_then(|(_, rest)| rest.split_once('\''));
    let right = answer.region.as_deref().or(expected.map(|(region, _)| region));
    match right {
        Some(region) => format!(
            "bucket `{}` is in region {region}, not {}: set {setting}={region}",
            settings.bucket, settings.region
        ),
        None => format!(
            "bucket `{}` is not in region {}: set {setting} to the region it is in",
            settings.bucket, settings.region
        ),
    }
}
