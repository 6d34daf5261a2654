//! What is sent.

use std::io::Write as _;

use analysis_storage::bucket::s3::{Encryption, S3Bucket, S3Settings};
use analysis_storage::bucket::{GetOptions, Precondition, Put, RestoreTier};
use analysis_storage::config::NamedBy;
use analysis_storage::{Bucket as _, BucketError, ETag, Key};

use crate::server::{bucket_saying, put, server_of};

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
    let busy =
        "<BucketError><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></BucketError>";
    let (bucket, requests) = bucket_saying("503 Slow Down\r\nx-amz-request-id: 4711", busy);
    let result = bucket.put(put("k", "x")).await;
    match result {
        Err(BucketError::Refused { operation, source }) => {
            assert_eq!(operation, "PUT k");
            let expected = "S3 answered 503 SlowDown: Please reduce your request rate. (request id 4711)";
            assert_eq!(source.to_string(), expected);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(requests.lock().unwrap().len(), 1);
}

/// What a bucket with settings like these is asked for, whatever is done with it.
async fn asked(settings: impl FnOnce(S3Settings) -> S3Settings) -> Vec<String> {
    let (url, requests) = server_of(|stream| {
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
    });
    let plain = S3Settings::new("designs", "us-east-1", Some(&url), NamedBy::Variables);
    let bucket = S3Bucket::with_credentials(&settings(plain), "test", "test");
    let key = Key::new("k");
    drop(bucket.put(put("k", "x")).await);
    drop(bucket.get(&key, GetOptions::default()).await);
    drop(bucket.head(&key).await);
    drop(bucket.delete(&key, None).await);
    drop(bucket.list("", None, 1).await);
    drop(bucket.versions(&key).await);
    drop(bucket.restore(&key, 1, RestoreTier::Bulk).await);
    drop(bucket.info().await);
    requests.lock().unwrap().clone()
}

#[tokio::test]
async fn encryption_is_what_the_settings_say() {
    let put = async |encryption| asked(|settings| S3Settings { encryption, ..settings }).await.remove(0);
    let lines = async |encryption| {
        let put = put(encryption).await;
        let about = put.lines().filter(|line| line.starts_with("x-amz-server-side-encryption"));
        let mut about: Vec<String> = about.map(str::to_owned).collect();
        about.sort();
        about
    };
    let key_id = Some("1234abcd".to_owned());
    let kms = "x-amz-server-side-encryption: aws:kms";
    let key = "x-amz-server-side-encryption-aws-kms-key-id: 1234abcd";
    assert_eq!(lines(Encryption::default()).await, ["x-amz-server-side-encryption: aes256"]);
    assert_eq!(lines(Encryption::Kms { key_id }).await, [key, kms]);
    assert_eq!(lines(Encryption::Kms { key_id: None }).await, [kms]);
    assert_eq!(lines(Encryption::None).await, [""; 0]);
}

#[tokio::test]
async fn every_request_names_the_owner_that_is_expected() {
    let expected_owner = Some("123456789012".to_owned());
    let requests = asked(|settings| S3Settings { expected_owner, ..settings }).await;
    assert!(requests.len() >= 8, "{}", requests.len());
    for request in requests {
        let is_named = request.lines().any(|line| line == "x-amz-expected-bucket-owner: 123456789012");
        let is_signed = request.contains("x-amz-expected-bucket-owner;");
        assert!(is_named && is_signed, "{request}");
    }
    let plain = asked(|settings| settings).await;
    assert!(plain.iter().all(|request| !request.contains("expected-bucket-owner")), "{plain:?}");
}
