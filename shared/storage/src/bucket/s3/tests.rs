//! What each answer of S3 means to the caller.

use super::failure::{Answer, Failure};
use super::request::{Action, Request};
use super::{Encryption, S3Settings};
use crate::bucket::{BucketError, ETag, Precondition};
use crate::config::NamedBy;

const GET: Action = Action::Get { version: false };
const GET_VERSION: Action = Action::Get { version: true };
const PUT: Action = Action::Put { precondition: Precondition::None };
const CREATE: Action = Action::Put { precondition: Precondition::Absent };
const DELETE: Action = Action::Delete { conditional: false };
const DELETE_MATCHING: Action = Action::Delete { conditional: true };

fn settings(endpoint_url: Option<&str>) -> S3Settings {
    S3Settings::new("designs", "us-east-1", endpoint_url, NamedBy::Variables)
}

fn error(action: Action, answer: Answer) -> BucketError {
    Request { settings: &settings(None), action, target: "some/key" }.error(Failure::Answered(answer))
}

fn decide(action: Action, status: u16, code: &str) -> BucketError {
    error(action, Answer::sample(status, code, "S3 says why.", None))
}

fn advice(error: BucketError) -> String {
    match error {
        BucketError::Misconfigured { advice, source: Some(_) } => advice,
        other => panic!("{other:?}"),
    }
}

fn replace() -> Action {
    Action::Put { precondition: Precondition::Match(ETag::new("\"a\"")) }
}

/// What a passing failure says of the request, which it must name.
fn refused(error: BucketError) -> bool {
    let (operation, source, refused) = match error {
        BucketError::Refused { operation, source } => (operation, source, true),
        BucketError::NoAnswer { operation, source } => (operation, source, false),
        other => panic!("{other:?}"),
    };
    assert_eq!(operation, "PUT some/key");
    assert!(source.to_string().starts_with("S3 answered "), "{source}");
    refused
}

#[test]
fn an_answer_that_refuses_for_the_moment_says_that_nothing_happened() {
    let refusals = [
        (307, "TemporaryRedirect"),
        (400, "BadDigest"),
        (400, "IncompleteBody"),
        (400, "KMS.ThrottlingException"),
        (400, "RequestTimeout"),
        (400, "XAmzContentChecksumMismatch"),
        (403, "RequestThrottled"),
        // The very answer corrects the clock that the next request is signed with.
        (403, "RequestTimeTooSkewed"),
        (409, ""),
        (409, "ConditionalRequestConflict"),
        (409, "OperationAborted"),
        (429, ""),
        (429, "TooManyRequests"),
        (503, "ServiceUnavailable"),
        (503, "SlowDown"),
    ];
    for (status, code) in refusals {
        assert!(refused(decide(CREATE, status, code)), "{status} {code}");
    }
}

#[test]
fn an_answer_that_leaves_open_what_happened_is_no_answer() {
    // Without a code it may be a proxy's.
    for (status, code) in
        [(408, ""), (425, ""), (500, "InternalError"), (500, ""), (502, ""), (503, ""), (504, "")]
    {
        assert!(!refused(decide(CREATE, status, code)), "{status} {code}");
    }
}

#[test]
fn only_a_request_that_was_never_sent_is_known_to_have_had_no_effect() {
    let settings = settings(None);
    let request = Request { settings: &settings, action: PUT, target: "some/key" };
    for failure in [Failure::NotConnected("refused".into()), Failure::LateCredentials("late".into())] {
        assert!(matches!(request.error(failure), BucketError::Refused { .. }));
    }
    assert!(matches!(request.error(Failure::NoAnswer("reset".into())), BucketError::NoAnswer { .. }));
}

#[test]
fn a_condition_fails_by_412_and_by_404() {
    let failing = [
        (CREATE, 412, "PreconditionFailed"),
        (replace(), 412, "PreconditionFailed"),
        (replace(), 404, "NoSuchKey"),
        (DELETE_MATCHING, 404, "NoSuchKey"),
        (DELETE_MATCHING, 412, "PreconditionFailed"),
    ];
    for (action, status, code) in failing {
        let error = decide(action, status, code);
        assert!(
            matches!(&error, BucketError::PreconditionFailed(text) if text.contains("some/key")),
            "{error:?}"
        );
    }
}

#[test]
fn a_missing_bucket_is_never_a_failed_condition_nor_an_absent_object() {
    for action in [CREATE, replace(), DELETE_MATCHING, DELETE, GET, GET_VERSION, Action::List] {
        let request = Request { settings: &settings(None), action: action.clone(), target: "some/key" };
        assert!(!request.finds_nothing(&Answer::sample(404, "NoSuchBucket", "", None)));
        assert_eq!(
            advice(decide(action, 404, "NoSuchBucket")),
            "bucket `designs` does not exist in region us-east-1: set S3_BUCKET_NAME, or create it with \
             `sam deploy`; it is never created at run time"
        );
    }
}

#[test]
fn a_read_finds_nothing_in_these_answers_only() {
    let cases = [
        (GET, 404, "NoSuchKey", true),
        (GET, 404, "", false),
        (GET, 405, "MethodNotAllowed", false),
        (GET, 400, "InvalidArgument", false),
        (GET_VERSION, 404, "NoSuchKey", true),
        (GET_VERSION, 404, "NoSuchVersion", true),
        (GET_VERSION, 405, "MethodNotAllowed", true),
        (GET_VERSION, 400, "InvalidArgument", true),
        (GET_VERSION, 400, "ExpiredToken", false),
    ];
    for (action, status, code, nothing) in cases {
        let request = Request { settings: &settings(None), action, target: "some/key" };
        let found = request.finds_nothing(&Answer::sample(status, code, "", None));
        assert_eq!(found, nothing, "{request} {status} {code}");
    }
}

#[test]
fn a_store_without_room_says_so() {
    let cases = [
        (507, "XMinioStorageFull"),
        (400, "XMinioAdminBucketQuotaExceeded"),
        (403, "QuotaExceeded"),
        (507, ""),
    ];
    for (status, code) in cases {
        let error = decide(PUT, status, code);
        let BucketError::StorageFull { advice, .. } = error else { panic!("{code}: {error:?}") };
        assert!(advice.contains("some/key") && advice.ends_with("make room there"), "{advice}");
    }
}

#[test]
fn an_archived_object_is_no_denied_object() {
    let error = decide(GET, 403, "InvalidObjectState");
    assert!(matches!(&error, BucketError::Archived(key) if key == "some/key"), "{error:?}");
}

#[test]
fn a_denial_names_the_permissions_of_the_request() {
    let cases = [
        (PUT, "denies s3:PutObject on `some/key` in bucket `designs`"),
        (replace(), "denies s3:PutObject or s3:GetObject on `some/key`"),
        (GET, "denies s3:GetObject or s3:ListBucket on `some/key`"),
        (GET_VERSION, "denies s3:GetObjectVersion or s3:ListBucketVersions on `some/key`"),
        (DELETE, "denies s3:DeleteObject on `some/key`"),
        (DELETE_MATCHING, "denies s3:DeleteObject or s3:GetObject on `some/key`"),
        (Action::List, "denies s3:ListBucket on bucket `designs`"),
        (Action::Versions, "denies s3:ListBucketVersions on bucket `designs`"),
        (Action::GetVersioning, "denies s3:GetBucketVersioning on bucket `designs`"),
        (Action::GetEncryption, "denies s3:GetEncryptionConfiguration on bucket `designs`"),
    ];
    for (action, expected) in cases {
        let advice = advice(decide(action, 403, "AccessDenied"));
        assert!(advice.contains(expected) && advice.contains("(AccessDenied)"), "{advice}");
    }
    let head = advice(decide(Action::Head, 403, ""));
    assert!(head.contains("denies s3:GetObject or s3:ListBucket") && head.contains("credentials"), "{head}");
}

#[test]
fn what_an_operator_must_mend_says_how() {
    let cases = [
        (PUT, 400, "ExpiredToken", "they have expired"),
        (PUT, 403, "InvalidAccessKeyId", "set AWS_ACCESS_KEY_ID"),
        (PUT, 403, "SignatureDoesNotMatch", "set AWS_SECRET_ACCESS_KEY"),
        (PUT, 400, "InvalidToken", "AWS_SESSION_TOKEN"),
        (PUT, 403, "AllAccessDisabled", "AWS has shut off bucket `designs`"),
        (PUT, 400, "InvalidBucketName", "set S3_BUCKET_NAME"),
        (GET, 400, "KMS.DisabledException", "KMS key of `some/key`"),
        (GET, 400, "KMS.AccessDeniedException", "kms:Decrypt"),
        (CREATE, 501, "NotImplemented", "conditional writes"),
        (PUT, 400, "KeyTooLongError", "S3 refused PUT some/key: 400 KeyTooLongError: S3 says why."),
        (Action::Head, 400, "", "credentials"),
        (GET, 404, "", "does not answer as S3 does"),
    ];
    for (action, status, code, expected) in cases {
        let advice = advice(decide(action, status, code));
        assert!(advice.contains(expected), "{advice}");
        assert!(!advice.contains('\n'), "{advice}");
    }
}

#[test]
fn the_wrong_region_is_told_with_the_right_one() {
    let malformed =
        "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'";
    let told = "bucket `designs` is in region eu-west-1, not us-east-1: set S3_REGION=eu-west-1";
    let guess = "bucket `designs` is not in region us-east-1: set S3_REGION to the region it is in";
    let cases = [
        (GET, 301, "PermanentRedirect", "", Some("eu-west-1"), told),
        (GET, 301, "PermanentRedirect", "", None, guess),
        (Action::Head, 301, "", "", Some("eu-west-1"), told),
        (Action::Head, 400, "", "", Some("eu-west-1"), told),
        (Action::Head, 403, "", "", Some("eu-west-1"), told),
        (PUT, 307, "TemporaryRedirect", "", Some("eu-west-1"), told),
        (PUT, 400, "AuthorizationHeaderMalformed", malformed, None, told),
        (PUT, 400, "AuthorizationHeaderMalformed", "", Some("eu-west-1"), told),
        (PUT, 400, "IllegalLocationConstraintException", "", None, guess),
    ];
    for (action, status, code, message, region, expected) in cases {
        let answer = Answer::sample(status, code, message, region);
        assert_eq!(advice(error(action, answer)), expected, "{status} {code}");
    }
    let key = Answer::sample(400, "AuthorizationHeaderMalformed", "a non-empty Access Key is required", None);
    assert!(!advice(error(PUT, key)).contains("S3_REGION"));
}

#[test]
fn another_store_is_named_by_its_url() {
    let settings = settings(Some("http://store:9000"));
    let request = Request { settings: &settings, action: GET, target: "some/key" };
    let missing = Failure::Answered(Answer::sample(404, "NoSuchBucket", "", None));
    assert!(advice(request.error(missing)).contains("does not exist at http://store:9000"));
    match request.error(Failure::NoAnswer("lost".into())) {
        BucketError::NoAnswer { operation, .. } => assert_eq!(operation, "GET some/key at http://store:9000"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bucket_that_options_name_is_corrected_by_them() {
    for (named_by, names) in [
        (NamedBy::FromOption, ["--from", "--from-region", "--from-endpoint"]),
        (NamedBy::StoreOption, ["--store", "S3_REGION", "S3_ENDPOINT_URL"]),
    ] {
        let [bucket, region, endpoint] = names;
        let advice_of = |url: Option<&str>, status, code, answered: Option<&str>| {
            let settings = S3Settings { named_by, ..settings(url) };
            let request = Request { settings: &settings, action: Action::List, target: "some/" };
            let answer = Answer::sample(status, code, "", answered);
            advice(request.error(Failure::Answered(answer)))
        };
        let store = Some("http://store:9000");
        for (text, name) in [
            (advice_of(store, 404, "NoSuchBucket", None), bucket.to_owned()),
            (advice_of(None, 400, "InvalidBucketName", None), format!("set {bucket}")),
            (advice_of(None, 301, "", Some("eu-west-1")), format!("set {region}=eu-west-1")),
            (advice_of(None, 301, "", None), format!("set {region} to")),
            (advice_of(store, 404, "", None), format!("{endpoint}=http://store:9000")),
        ] {
            assert!(text.contains(&name), "{name}: {text}");
            assert!(!text.contains("S3_BUCKET_NAME"), "{text}");
        }
    }
    let settings = S3Settings { named_by: NamedBy::FromOption, ..settings(Some("http://store:9")) };
    let request = Request { settings: &settings, action: Action::List, target: "some/" };
    let error = request.error(Failure::NotConnected("refused".into())).to_string();
    assert!(error.ends_with("LIST some/ at http://store:9 (--from-endpoint)"), "{error}");
}

#[test]
fn a_denied_put_says_that_the_policy_may_want_other_headers() {
    let denied = |action, settings| {
        let request = Request { settings: &settings, action, target: "some/key" };
        let answer = Answer::sample(403, "AccessDenied", "S3 says why.", None);
        advice(request.error(Failure::Answered(answer)))
    };
    let kms = Encryption::Kms { key_id: Some("1234abcd".into()) };
    for (encryption, told) in [
        (Encryption::Aes256, "may also be x-amz-server-side-encryption: AES256: set S3_SSE"),
        (kms, "aws:kms, or the use of the key 1234abcd: set S3_SSE"),
        (Encryption::None, "that x-amz-server-side-encryption is not sent: set S3_SSE"),
    ] {
        let text = denied(CREATE, S3Settings { encryption, ..settings(None) });
        assert!(text.contains(told), "{text}");
    }
    assert!(!denied(GET, settings(None)).contains("S3_SSE"), "a GET asks for no encryption");
    let expected_owner = Some("123456789012".to_owned());
    let text = denied(GET, S3Settings { expected_owner, ..settings(None) });
    assert!(text.contains("123456789012 does not own the bucket: correct S3_EXPECTED_OWNER"), "{text}");
}
