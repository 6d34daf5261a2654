//! The bucket's clock, as its answers show it.

use std::io::Write as _;

use analysis_storage::{Bucket as _, Clock as _, Key, SystemClock};
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use jiff::{SignedDuration, Timestamp};

use crate::server::{bucket_of, bucket_saying, refused};

const EMPTY: &str = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";

/// The present, so many hours later, as in a header.
fn http_date(hours: i64) -> (Timestamp, String) {
    let at = SystemClock.now() + SignedDuration::from_hours(hours);
    let at = Timestamp::from_second(at.as_second()).unwrap();
    (at, DateTime::from_secs(at.as_second()).fmt(DateTimeFormat::HttpDate).unwrap())
}

#[tokio::test]
async fn every_answer_tells_the_time_of_the_bucket() {
    for hours in [-8, 8] {
        let (_, date) = http_date(hours);
        let (bucket, _) = bucket_saying(format!("404 Not Found\r\nDate: {date}").leak(), "");
        assert_eq!(bucket.clock_offset(), None, "nothing was said yet");
        assert_eq!(bucket.head(&Key::new("k")).await.unwrap(), None);
        let off = bucket.clock_offset().unwrap() - SignedDuration::from_hours(hours);
        assert!(off.abs() < SignedDuration::from_secs(5), "{off:?}");
    }
}

#[tokio::test]
async fn a_listing_has_the_date_of_its_own_answer() {
    let (at, date) = http_date(8);
    let (bucket, _) = bucket_saying(format!("200 OK\r\nDate: {date}").leak(), EMPTY);
    assert_eq!(bucket.list("", None, 1).await.unwrap().date, at);
    let (bucket, _) = bucket_saying("200 OK", EMPTY);
    let before = SystemClock.now();
    assert!(bucket.list("", None, 1).await.unwrap().date >= before, "a store without dates has the host's");
}

/// S3 refuses requests that are signed for another time, and says which time it is.
#[tokio::test]
async fn requests_are_signed_with_the_time_of_the_bucket() {
    let (at, date) = http_date(8);
    let skewed = "<Error><Code>RequestTimeTooSkewed</Code><Message>Too large.</Message></Error>";
    let (bucket, requests) = bucket_of(move |stream| {
        let length = skewed.len();
        let head = format!(
            "HTTP/1.1 403 Forbidden\r\nDate: {date}\r\nConnection: close\r\nContent-Length: {length}"
        );
        stream.write_all(format!("{head}\r\n\r\n{skewed}").as_bytes()).unwrap();
    });
    for _ in 0..2 {
        assert_eq!(refused(bucket.list("p", None, 1).await), "LIST p");
    }
    let minutes = [0, 1].map(|later| at + SignedDuration::from_mins(later));
    let expected = minutes.map(|minute| minute.strftime("x-amz-date: %Y%m%dt%H%M").to_string());
    let requests = requests.lock().unwrap();
    let is_right: Vec<bool> =
        requests.iter().map(|head| expected.iter().any(|minute| head.contains(minute))).collect();
    assert_eq!(is_right, [false, true]);
}
