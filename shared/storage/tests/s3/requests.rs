//! What is sent.

use analysis_storage::bucket::{Precondition, Put};
use analysis_storage::{Bucket as _, BucketError, ETag};

use crate::server::{bucket_saying, put};

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
