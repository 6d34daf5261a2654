//! What is special about S3, against an emulator and against servers that say and do what S3 may. What every
//! bucket does is in the contract suite.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: a panic is how it reports")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use analysis_storage::bucket::s3::{S3Bucket, S3Settings};
use analysis_storage::bucket::{GetOptions, Got, Precondition, Put, RestoreTier, Restoring};
use analysis_storage::testing::ministack::Ministack;
use analysis_storage::{Bucket as _, ETag, Error, Key, SavedAt};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, StorageClass, VersioningConfiguration};

const NO_METADATA: Vec<(&str, String)> = Vec::new();

fn put(key: &str, body: &'static str) -> Put {
    Put {
        key: Key::new(key),
        body: body.into(),
        saved_at: SavedAt::from_micros(1_700_000_000_000_017),
        metadata: NO_METADATA,
        precondition: Precondition::None,
    }
}

fn version(id: &str) -> GetOptions {
    GetOptions { version_id: Some(id.into()), ..GetOptions::default() }
}

fn advice<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Misconfigured { advice, source: Some(_) }) => advice,
        other => panic!("{other:?}"),
    }
}

fn operation<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Refused { operation, .. } | Error::NoAnswer { operation, .. }) => operation,
        other => panic!("{other:?}"),
    }
}

/// A bucket at this address.
fn bucket_at(endpoint_url: &str) -> S3Bucket {
    let settings = S3Settings {
        bucket: "designs".into(),
        region: "us-east-1".into(),
        endpoint_url: Some(endpoint_url.into()),
    };
    S3Bucket::with_credentials(&settings, "test", "test")
}

/// A bucket whose server does this on every connection, and what it was asked.
fn bucket_of(serve: impl Fn(&mut TcpStream) + Send + 'static) -> (S3Bucket, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let bucket = bucket_at(&format!("http://{}", listener.local_addr().unwrap()));
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = read_request(&mut stream);
            seen.lock().unwrap().push(request);
            serve(&mut stream);
        }
    });
    (bucket, requests)
}

/// The head of a request, in lower case; its body is read and dropped.
fn read_request(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let count = stream.read(&mut chunk).unwrap();
        received.extend_from_slice(&chunk[..count]);
        let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&received[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if received.len() >= head.len() + 4 + length.map_or(0, |length| length.parse().unwrap()) {
            return head;
        }
    }
}

/// A bucket whose server always gives this answer: status line and headers, and a body.
fn bucket_saying(head: &'static str, body: &'static str) -> (S3Bucket, Arc<Mutex<Vec<String>>>) {
    let length = body.len();
    let answer = format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    bucket_of(move |stream| stream.write_all(answer.as_bytes()).unwrap())
}

#[tokio::test]
async fn every_put_asks_for_encryption_and_describes_itself() {
    let (bucket, requests) = bucket_saying("200 OK\r\nETag: \"tag\"", "");
    let document = Put {
        metadata: vec![("status", "success".into())],
        precondition: Precondition::Absent,
        ..put("analysis/a.json", "{}")
    };
    assert_eq!(bucket.put(document).await.unwrap(), ETag::new("\"tag\""));
    let replaced =
        Put { precondition: Precondition::Match(ETag::new("\"old\"")), ..put("metadata/ids/a", "") };
    bucket.put(replaced).await.unwrap();

    let requests = requests.lock().unwrap();
    let expected = [
        "x-amz-server-side-encryption: aes256",
        "content-type: application/json",
        "x-amz-meta-saved_at: 1700000000000017",
        "x-amz-meta-status: success",
        "if-none-match: *",
    ];
    for header in expected {
        assert!(requests[0].lines().any(|line| line == header), "{header} in {}", requests[0]);
    }
    let expected = [
        "x-amz-server-side-encryption: aes256",
        "content-type: application/octet-stream",
        "if-match: \"old\"",
    ];
    for header in expected {
        assert!(requests[1].lines().any(|line| line == header), "{header} in {}", requests[1]);
    }
}

#[tokio::test]
async fn a_request_that_fails_is_not_sent_again() {
    let busy = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    let (bucket, requests) = bucket_saying("503 Slow Down\r\nx-amz-request-id: 4711", busy);
    let result = bucket.put(put("k", "x")).await;
    match result {
        Err(Error::Refused { operation, source }) => {
            assert_eq!(operation, "PUT k");
            let expected = "S3 answered 503 SlowDown: Please reduce your request rate. (request id 4711)";
            assert_eq!(source.to_string(), expected);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn refusals_are_understood_with_and_without_a_body() {
    let moved = "<Error><Code>PermanentRedirect</Code><Message>Use the other endpoint.</Message></Error>";
    let (bucket, _) = bucket_saying("301 Moved Permanently\r\nx-amz-bucket-region: eu-west-1", moved);
    let told = "bucket `designs` is in region eu-west-1, not us-east-1: set S3_REGION=eu-west-1";
    assert_eq!(advice(bucket.get(&Key::new("k"), GetOptions::default()).await), told);
    assert_eq!(advice(bucket.list("p", None, 1).await), told);
    let (bucket, _) = bucket_saying("301 Moved Permanently\r\nx-amz-bucket-region: eu-west-1", "");
    assert_eq!(advice(bucket.head(&Key::new("k")).await), told);
    let (bucket, _) = bucket_saying("403 Forbidden", "");
    assert!(advice(bucket.head(&Key::new("k")).await).contains("s3:GetObject or s3:ListBucket"));
    let (bucket, _) = bucket_saying("503 Service Unavailable", "");
    assert_eq!(operation(bucket.head(&Key::new("k")).await), "HEAD k");
    let (bucket, _) = bucket_saying("502 Bad Gateway", "<html><p>a proxy</html>");
    assert_eq!(operation(bucket.get(&Key::new("k"), GetOptions::default()).await), "GET k");
}

#[tokio::test]
async fn a_store_that_may_not_be_asked_about_itself_is_unknown() {
    let denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    let (bucket, _) = bucket_saying("403 Forbidden", denied);
    let info = bucket.info().await.unwrap();
    assert_eq!((info.versioning_status.as_str(), info.encryption_enabled), ("unknown", None));
    let missing = "<Error><Code>ServerSideEncryptionConfigurationNotFoundError</Code></Error>";
    let (bucket, _) = bucket_saying("404 Not Found", missing);
    assert!(advice(bucket.info().await).contains("GET VERSIONING designs"));
}

#[tokio::test]
async fn listings_in_plain_xml_are_read_as_they_are() {
    let listing = "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a+b%20&amp;!</Key></Contents>\
                   </ListBucketResult>";
    let (bucket, _) = bucket_saying("200 OK", listing);
    let listing = bucket.list("", None, 1).await.unwrap();
    assert_eq!((listing.keys, listing.truncated), (vec![Key::new("a+b%20&!")], true));
}

#[tokio::test]
async fn answers_cut_short_or_incomplete_are_no_answers() {
    let head = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nLast-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n";
    let (bucket, _) = bucket_of(move |stream| {
        stream.write_all(format!("{head}Content-Length: 10\r\n\r\nabc").as_bytes()).unwrap();
    });
    assert!(
        operation(bucket.get(&Key::new("k"), GetOptions::default()).await).starts_with("GET k at http://")
    );
    let (bucket, _) = bucket_saying("200 OK", "not XML");
    assert!(operation(bucket.list("p", None, 1).await).starts_with("LIST p at http://"));
    let (bucket, _) = bucket_saying("200 OK", "");
    assert!(operation(bucket.put(put("k", "x")).await).starts_with("PUT k at http://"));
    let (bucket, _) = bucket_of(|_| ());
    assert!(operation(bucket.delete(&Key::new("k"), None).await).starts_with("DELETE k at http://"));
}

const MEBIBYTES_4: usize = 4 << 20;

/// A server that pauses in the middle of the body that is asked for.
fn pausing(pause: Duration, size: usize) -> S3Bucket {
    let (bucket, _) = bucket_of(move |stream| {
        let head = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nLast-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n";
        stream.write_all(format!("{head}Content-Length: {size}\r\n\r\n").as_bytes()).unwrap();
        stream.write_all(&vec![b'.'; size - 1]).unwrap();
        thread::sleep(pause);
        // By then the client may have left.
        let _ = stream.write_all(b".");
    });
    bucket
}

/// Takes as long as two timeouts, 10 seconds; the servers hold on for a minute.
#[tokio::test]
async fn no_server_can_hold_a_request_for_long() {
    let (silent, _) = bucket_of(|_| thread::sleep(Duration::from_mins(1)));
    let (trickling, _) = bucket_of(|stream| {
        let head = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nLast-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n";
        stream.write_all(format!("{head}Content-Length: 1000\r\n\r\n").as_bytes()).unwrap();
        while stream.write_all(b"....").is_ok() {
            thread::sleep(Duration::from_millis(500));
        }
    });
    let paused = pausing(Duration::from_mins(1), 100_000);
    let get = async |bucket: S3Bucket| {
        let operation = operation(bucket.get(&Key::new("k"), GetOptions::default()).await);
        assert!(operation.starts_with("GET k at http://"), "{operation}");
    };
    let all = async {
        futures::join!(get(silent.clone()), get(trickling), get(paused));
        let operation = operation(silent.put(put("k", "x")).await);
        assert!(operation.starts_with("PUT k at http://"), "{operation}");
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.unwrap();
}

/// A pause that ends a small request is within the time of a large one, in either direction.
#[tokio::test]
async fn a_large_document_has_time_by_its_size() {
    let slow_answer = |stream: &mut TcpStream| {
        thread::sleep(Duration::from_millis(6500));
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 0\r\n\r\n");
    };
    let (small, _) = bucket_of(slow_answer);
    let (large, _) = bucket_of(slow_answer);
    let document = Put { body: vec![b'.'; MEBIBYTES_4].into(), ..put("k", "") };
    let pause = Duration::from_millis(4200);
    let (brief, long) = (pausing(pause, 100), pausing(pause, MEBIBYTES_4));
    let (key, whole) = (Key::new("k"), GetOptions::default);
    let (put_small, put_large, get_small, get_large) = futures::join!(
        small.put(put("k", "x")),
        large.put(document),
        brief.get(&key, whole()),
        long.get(&key, whole()),
    );
    operation(put_small);
    put_large.unwrap();
    operation(get_small);
    match get_large.unwrap() {
        Got::Found(object) => assert_eq!(object.body.len(), MEBIBYTES_4),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_is_named() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{closed}");
    assert_eq!(operation(bucket_at(&url).head(&Key::new("k")).await), format!("HEAD k at {url}"));
    let unknown = "http://no-such-host.invalid:9000";
    assert_eq!(operation(bucket_at(unknown).head(&Key::new("k")).await), format!("HEAD k at {unknown}"));
}

#[tokio::test]
async fn settings_that_make_no_request_are_named() {
    let malformed = advice(bucket_at("localhost:9000").head(&Key::new("k")).await);
    assert!(malformed.contains("S3_ENDPOINT_URL=`localhost:9000`"), "{malformed}");
    let settings = S3Settings { bucket: "designs".into(), region: "us east 1".into(), endpoint_url: None };
    let bucket = S3Bucket::with_credentials(&settings, "test", "test");
    let malformed = advice(bucket.head(&Key::new("k")).await);
    assert!(malformed.contains("S3_REGION=`us east 1`"), "{malformed}");
}

#[test]
fn without_credentials_the_message_says_what_to_set() {
    // The SDK reads the environment, and a process must not change its own under other threads.
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "connects_without_credentials", "--ignored"])
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && report.contains("1 passed"), "{report}");
}

#[tokio::test]
#[ignore = "run in an empty environment by the test above"]
async fn connects_without_credentials() {
    let settings = S3Settings { bucket: "designs".into(), region: "us-east-1".into(), endpoint_url: None };
    let bucket = S3Bucket::connect(&settings).await;
    let advice = advice(bucket.head(&Key::new("k")).await);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "role"] {
        assert!(advice.contains(name), "{advice}");
    }
}

#[tokio::test]
async fn wrong_credentials_and_missing_permissions_are_told_apart() {
    let ministack = Ministack::start_with(true);
    let key = Key::new("k");
    ministack.bucket("designs", false).await.put(put("k", "x")).await.unwrap();

    let settings = ministack.settings("designs");
    let stranger = S3Bucket::with_credentials(&settings, "AKIAIOSFODNN7EXAMPLE", "secret");
    assert!(advice(stranger.put(put("k", "y")).await).contains("set AWS_ACCESS_KEY_ID"));
    assert!(advice(stranger.head(&key).await).contains("credentials"));

    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["s3:PutObject","s3:GetObject"],"Resource":"arn:aws:s3:::designs/*"}]}"#;
    let user = ministack.bucket_as("designs", "writer", policy);
    user.put(put("k", "y")).await.unwrap();
    assert_eq!(user.head(&key).await.unwrap().unwrap().size, 1);
    let denied = advice(user.delete(&key, None).await);
    assert!(denied.contains("denies s3:DeleteObject on `k` in bucket `designs` (AccessDenied)"), "{denied}");
    let denied = advice(user.list("", None, 1).await);
    assert!(denied.contains("denies s3:ListBucket on bucket `designs` (AccessDenied)"), "{denied}");
    let info = user.info().await.unwrap();
    assert_eq!((info.versioning_status.as_str(), info.encryption_enabled), ("unknown", None));
}

#[tokio::test]
async fn a_missing_bucket_is_never_created_nor_taken_for_an_empty_one() {
    let settings = Ministack::shared().settings("no-such-bucket");
    let bucket = S3Bucket::with_credentials(&settings, "test", "test");
    let key = Key::new("k");
    let told = format!(
        "bucket `no-such-bucket` does not exist at {}: set S3_BUCKET_NAME, or create it with `sam deploy`; it is \
         never created at run time",
        Ministack::shared().endpoint()
    );
    let create = Put { precondition: Precondition::Absent, ..put("k", "x") };
    assert_eq!(advice(bucket.put(create).await), told);
    assert_eq!(advice(bucket.get(&key, GetOptions::default()).await), told);
    assert_eq!(advice(bucket.get(&key, version("v")).await), told);
    assert_eq!(advice(bucket.delete(&key, None).await), told);
    assert_eq!(advice(bucket.delete(&key, Some(&ETag::new("\"a\""))).await), told);
    assert_eq!(advice(bucket.list("", None, 1).await), told);
    assert_eq!(advice(bucket.versions(&key).await), told);
    assert_eq!(advice(bucket.info().await), told);
    assert_eq!(bucket.head(&key).await.unwrap(), None, "the answer to HEAD has no room for the difference");
}

#[tokio::test]
async fn an_object_of_another_program_has_its_modification_time_for_a_token() {
    let bucket = Ministack::shared().bucket("foreign", false).await;
    let body = ByteStream::from_static(b"{}");
    let object = bucket.client().put_object().bucket("foreign").key("k").body(body);
    object.metadata("status", "success").send().await.unwrap();
    let head = bucket.head(&Key::new("k")).await.unwrap().unwrap();
    assert_eq!(head.saved_at, head.last_modified.into());
    assert_eq!(head.metadata, [("status".to_owned(), "success".to_owned())].into());
    assert_eq!((head.size, head.version_id, head.archived), (2, None, false));
    bucket.put(put("k", "x")).await.unwrap();
    let head = bucket.head(&Key::new("k")).await.unwrap().unwrap();
    assert_eq!(head.saved_at.micros(), 1_700_000_000_000_017);
}

#[tokio::test]
async fn every_character_survives_in_a_key() {
    let bucket = Ministack::shared().bucket("characters", true).await;
    let mut keys =
        ["a b", "a!b", "a+b", "a%20b", "a&<>\"'b", "a/é/日本/🦀", "a\tb\n", "a\u{1}b", " a ", "a=b?c#d"];
    for key in keys {
        bucket.put(put(key, "x")).await.unwrap();
        assert!(bucket.head(&Key::new(key)).await.unwrap().is_some(), "{key:?}");
        // MiniStack lists versions in plain XML only, whatever is asked for.
        if !key.contains(char::is_control) {
            assert_eq!(bucket.versions(&Key::new(key)).await.unwrap().len(), 1, "{key:?}");
        }
    }
    keys.sort_unstable();
    let all = bucket.list("", None, 1000).await.unwrap();
    assert_eq!(all.keys, keys.map(Key::new));
    for (key, next) in keys.iter().zip(&keys[1..]) {
        let page = bucket.list("", Some(key), 1).await.unwrap();
        assert_eq!(page.keys, [Key::new(*next)], "after {key:?}");
    }
}

#[tokio::test]
async fn versions_are_kept_and_deletions_marked() {
    let bucket = Ministack::shared().bucket("versions", true).await;
    let key = Key::new("k.json");
    bucket.put(put("k.json", "one")).await.unwrap();
    let two = bucket.put(put("k.json", "two!")).await.unwrap();
    bucket.put(put("k.json.bak", "neighbour")).await.unwrap();
    let current = bucket.head(&key).await.unwrap().unwrap().version_id;
    bucket.delete(&key, Some(&two)).await.unwrap();

    let versions = bucket.versions(&key).await.unwrap();
    let shape: Vec<_> = versions.iter().map(|v| (v.deleted, v.is_latest, v.size)).collect();
    assert_eq!(shape, [(true, true, 0), (false, false, 4), (false, false, 3)]);
    assert_eq!((versions[1].etag.as_deref(), &versions[0].etag), (Some(two.as_str()), &None));
    assert_eq!(Some(&versions[1].version_id), current.as_ref());
    assert!(versions.windows(2).all(|pair| pair[0].last_modified >= pair[1].last_modified));

    for (index, body) in [(1, "two!"), (2, "one")] {
        match bucket.get(&key, version(&versions[index].version_id)).await.unwrap() {
            Got::Found(object) => assert_eq!(object.body, body),
            other => panic!("{other:?}"),
        }
    }
    for gone in [versions[0].version_id.as_str(), "no-such-version"] {
        assert!(matches!(bucket.get(&key, version(gone)).await.unwrap(), Got::Absent), "{gone}");
    }
    assert!(matches!(bucket.get(&key, GetOptions::default()).await.unwrap(), Got::Absent));
    assert_eq!(bucket.head(&key).await.unwrap(), None);
    let refused = bucket.delete(&key, Some(&two)).await;
    assert!(matches!(refused, Err(Error::PreconditionFailed(_))), "{refused:?}");
}

#[tokio::test]
async fn a_bucket_tells_how_it_is_set_up() {
    let bucket = Ministack::shared().bucket("set-up", false).await;
    bucket.put(put("k", "x")).await.unwrap();
    let versions = bucket.versions(&Key::new("k")).await.unwrap();
    assert_eq!((versions.len(), versions[0].version_id.as_str()), (1, "null"));
    let info = bucket.info().await.unwrap();
    assert_eq!((info.bucket_name.as_str(), info.region.as_str()), ("set-up", "us-east-1"));
    assert_eq!((info.versioning_status.as_str(), info.encryption_enabled), ("Disabled", Some(true)));
    for status in [BucketVersioningStatus::Enabled, BucketVersioningStatus::Suspended] {
        let wanted = VersioningConfiguration::builder().status(status.clone()).build();
        let put = bucket.client().put_bucket_versioning().bucket("set-up");
        put.versioning_configuration(wanted).send().await.unwrap();
        assert_eq!(bucket.info().await.unwrap().versioning_status, status.as_str());
    }
}

#[tokio::test]
async fn an_archived_object_is_readable_again_once_restored() {
    let bucket = Ministack::shared().bucket("archive", false).await;
    let key = Key::new("k");
    let freeze =
        bucket.client().put_object().bucket("archive").key("k").body(ByteStream::from_static(b"ice"));
    freeze.storage_class(StorageClass::Glacier).send().await.unwrap();
    assert!(bucket.head(&key).await.unwrap().unwrap().archived);
    let frozen = bucket.get(&key, GetOptions::default()).await;
    assert!(matches!(&frozen, Err(Error::Archived(key)) if key == "k"), "{frozen:?}");

    // The second time, it is under way.
    for _ in 0..2 {
        let restoring = bucket.restore(&key, 1, RestoreTier::Bulk).await.unwrap();
        assert_eq!(restoring, Restoring::Accepted);
    }
    assert!(bucket.head(&key).await.unwrap().unwrap().archived, "the restore is under way");
    let deadline = Instant::now() + Duration::from_secs(15);
    while bucket.head(&key).await.unwrap().unwrap().archived {
        assert!(Instant::now() < deadline, "the restore never ends");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    match bucket.get(&key, GetOptions::default()).await.unwrap() {
        Got::Found(object) => assert_eq!((object.body.as_ref(), object.meta.archived), (&b"ice"[..], false)),
        other => panic!("{other:?}"),
    }
    assert_eq!(bucket.restore(&key, 2, RestoreTier::Standard).await.unwrap(), Restoring::Accepted);
}
