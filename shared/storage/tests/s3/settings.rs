//! Settings that lead nowhere.

use std::net::TcpListener;
use std::process::Command;

use analysis_storage::bucket::s3::{S3Bucket, S3Settings};
use analysis_storage::config::NamedBy;
use analysis_storage::{Bucket as _, Key};

use crate::server::{advice, bucket_at, refused};

fn in_region(region: &str) -> S3Settings {
    S3Settings::new("designs", region, None, NamedBy::Variables)
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_is_named() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{closed}");
    assert_eq!(refused(bucket_at(&url).head(&Key::new("k")).await), format!("HEAD k at {url}"));
    let unknown = "http://no-such-host.invalid:9000";
    assert_eq!(refused(bucket_at(unknown).head(&Key::new("k")).await), format!("HEAD k at {unknown}"));
}

#[tokio::test]
async fn settings_that_make_no_request_are_named() {
    let malformed = advice(bucket_at("localhost:9000").head(&Key::new("k")).await);
    assert!(malformed.contains("S3_ENDPOINT_URL=`localhost:9000`"), "{malformed}");
    let settings = in_region("us east 1");
    let bucket = S3Bucket::with_credentials(&settings, "test", "test");
    let malformed = advice(bucket.head(&Key::new("k")).await);
    assert!(malformed.contains("S3_REGION=`us east 1`"), "{malformed}");
}

#[test]
fn without_credentials_the_message_says_what_to_set() {
    // The SDK reads the environment, and a process must not change its own under other threads.
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "settings::connects_without_credentials", "--ignored"])
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
    let settings = in_region("us-east-1");
    let bucket = S3Bucket::connect(&settings).await;
    let advice = advice(bucket.head(&Key::new("k")).await);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "role"] {
        assert!(advice.contains(name), "{advice}");
    }
}
