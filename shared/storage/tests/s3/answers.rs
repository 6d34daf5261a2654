//! What answers mean.

use std::io::Write as _;

use analysis_storage::bucket::GetOptions;
use analysis_storage::{Bucket as _, ETag, Key};

use crate::server::{advice, advice_alone, bucket_of, bucket_saying, put, unanswered};

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
    assert_eq!(unanswered(bucket.head(&Key::new("k")).await), "HEAD k");
    let (bucket, _) = bucket_saying("502 Bad Gateway", "<html><p>a proxy</html>");
    assert_eq!(unanswered(bucket.get(&Key::new("k"), GetOptions::default()).await), "GET k");
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

const OBJECT: &str =
    "<Size>1</Size><ETag>&quot;tag&quot;</ETag><LastModified>2026-01-15T12:00:00.000Z</LastModified>";

#[tokio::test]
async fn listings_in_plain_xml_are_read_as_they_are() {
    let body = format!(
        "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a+b%20&amp;!</Key>{OBJECT}</Contents>\
         </ListBucketResult>"
    );
    let (bucket, _) = bucket_saying("200 OK", body.leak());
    let listing = bucket.list("", None, 1).await.unwrap();
    assert_eq!((listing.keys().cloned().collect(), listing.truncated), (vec![Key::new("a+b%20&!")], true));
    let object = &listing.objects[0];
    assert_eq!((object.size, &object.etag, object.saved_at), (1, &ETag::new("\"tag\""), None));
    assert_eq!(object.last_modified.to_string(), "2026-01-15T12:00:00Z");
}

/// A listing may end early, even without a key, and not be the last.
#[tokio::test]
async fn a_page_without_keys_is_passed_over() {
    let empty = "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t/1</NextContinuationToken>\
                 </ListBucketResult>";
    let full = format!(
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key>{OBJECT}</Contents>\
                        </ListBucketResult>"
    );
    let mut answers = vec![full, empty.to_owned(), empty.to_owned()];
    let (bucket, requests) = bucket_of(move |stream| {
        let body = answers.pop().unwrap();
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all((head + &body).as_bytes()).unwrap();
    });
    let listing = bucket.list("", None, 1000).await.unwrap();
    assert_eq!((listing.keys().count(), listing.truncated), (1, false));
    let requests = requests.lock().unwrap();
    let goes_on: Vec<bool> = requests.iter().map(|head| head.contains("continuation-token=t%2f1")).collect();
    assert_eq!(goes_on, [false, true, true]);
}

/// A page with these keys, sized so, whose listing goes on if there is a token.
fn page(keys: &[(&str, u32)], token: Option<&str>) -> String {
    let contents = keys.iter().map(|(key, size)| {
        format!("<Contents><Key>{key}</Key>{}</Contents>", OBJECT.replace(">1<", &format!(">{size}<")))
    });
    let next = token.map(|token| format!("<NextContinuationToken>{token}</NextContinuationToken>"));
    format!(
        "<ListBucketResult><IsTruncated>{}</IsTruncated>{}{}</ListBucketResult>",
        token.is_some(),
        contents.collect::<String>(),
        next.unwrap_or_default()
    )
}

#[tokio::test]
async fn a_page_that_begins_where_the_last_one_ended_is_an_error_that_names_the_store() {
    for first in ["b", "a"] {
        let (bucket, requests) = bucket_saying("200 OK", page(&[(first, 1), ("c", 1)], Some("t")).leak());
        let told = advice_alone(bucket.list("", Some("b"), 2).await);
        assert!(told.starts_with("the store at S3_ENDPOINT_URL=http://127.0.0.1:"), "{told}");
        let what = format!("ignores start-after: a listing behind `b` begins with `{first}`");
        assert!(told.contains(&what), "{told}");
        assert_eq!(requests.lock().unwrap().len(), 1);
    }
    let (bucket, _) = bucket_saying("200 OK", page(&[("a", 1), ("c", 1), ("b", 1)], None).leak());
    let told = advice_alone(bucket.list("", None, 3).await);
    assert!(told.contains("lists keys out of their byte order: `b` behind `c`"), "{told}");
}

#[tokio::test]
async fn the_same_empty_page_again_and_again_is_no_answer() {
    let (bucket, requests) = bucket_saying("200 OK", page(&[], Some("t")).leak());
    assert!(unanswered(bucket.list("", None, 1).await).starts_with("LIST designs"));
    assert!(requests.lock().unwrap().len() < 20);
}

#[tokio::test]
async fn folder_markers_are_passed_over_and_do_not_end_a_listing() {
    let rest = page(&[("f/", 0), ("f/a", 1), ("f/full/", 1), ("g/", 0)], None);
    let mut answers = vec![rest, page(&[("d/", 0), ("e/", 0)], Some("t"))];
    let (bucket, _) = bucket_of(move |stream| {
        let body = answers.pop().unwrap();
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all((head + &body).as_bytes()).unwrap();
    });
    let listing = bucket.list("", None, 2).await.unwrap();
    assert_eq!(listing.keys().map(Key::as_str).collect::<Vec<_>>(), ["f/a", "f/full/"]);
}

#[tokio::test]
async fn answers_cut_short_or_incomplete_are_no_answers() {
    let head = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nLast-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n";
    let (bucket, _) = bucket_of(move |stream| {
        stream.write_all(format!("{head}Content-Length: 10\r\n\r\nabc").as_bytes()).unwrap();
    });
    assert!(
        unanswered(bucket.get(&Key::new("k"), GetOptions::default()).await).starts_with("GET k at http://")
    );
    let (bucket, _) = bucket_saying("200 OK", "not XML");
    assert!(unanswered(bucket.list("p", None, 1).await).starts_with("LIST p at http://"));
    let (bucket, _) = bucket_saying("200 OK", "");
    assert!(unanswered(bucket.put(put("k", "x")).await).starts_with("PUT k at http://"));
    let (bucket, _) = bucket_of(|_| ());
    assert!(unanswered(bucket.delete(&Key::new("k"), None).await).starts_with("DELETE k at http://"));
}
