//! What an emulator of S3 does.

use std::time::{Duration, Instant};

use analysis_storage::bucket::s3::S3Bucket;
use analysis_storage::bucket::{GetOptions, Got, Precondition, Put, RestoreTier, Restoring};
use analysis_storage::testing::ministack::Ministack;
use analysis_storage::{Bucket as _, BucketError, Clock as _, ETag, Key, SystemClock};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, StorageClass, VersioningConfiguration};

use crate::server::{advice, put, version};

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
    assert_eq!(all.keys().cloned().collect::<Vec<_>>(), keys.map(Key::new));
    for (key, next) in keys.iter().zip(&keys[1..]) {
        let page = bucket.list("", Some(key), 1).await.unwrap();
        assert_eq!(page.keys().collect::<Vec<_>>(), [&Key::new(*next)], "after {key:?}");
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
    assert!(matches!(refused, Err(BucketError::PreconditionFailed(_))), "{refused:?}");
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
    assert!(matches!(&frozen, Err(BucketError::Archived(key)) if key == "k"), "{frozen:?}");

    // The second time, it is under way.
    for _ in 0..2 {
        let restoring = bucket.restore(&key, 1, RestoreTier::Bulk).await.unwrap();
        assert_eq!(restoring, Restoring::Accepted);
    }
    assert!(bucket.head(&key).await.unwrap().unwrap().archived, "the restore is under way");
    let deadline = Instant::now() + Duration::from_secs(15);
    while bucket.head(&key).await.unwrap().unwrap().archived {
        assert!(Instant::now() < deadline, "the restore never ends");
        SystemClock.sleep(Duration::from_millis(100)).await;
    }
    match bucket.get(&key, GetOptions::default()).await.unwrap() {
        Got::Found(object) => assert_eq!((object.body.as_ref(), object.meta.archived), (&b"ice"[..], false)),
        other => panic!("{other:?}"),
    }
    assert_eq!(bucket.restore(&key, 2, RestoreTier::Standard).await.unwrap(), Restoring::Accepted);
}
