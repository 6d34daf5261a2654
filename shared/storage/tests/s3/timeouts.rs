//! How long a request may take.

use std::io::Write as _;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use analysis_storage::bucket::s3::S3Bucket;
use analysis_storage::bucket::{GetOptions, Got, Put};
use analysis_storage::{Bucket as _, Key};

use crate::server::{bucket_of, put, unanswered};

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
        let operation = unanswered(bucket.get(&Key::new("k"), GetOptions::default()).await);
        assert!(operation.starts_with("GET k at http://"), "{operation}");
    };
    let all = async {
        futures::join!(get(silent.clone()), get(trickling), get(paused));
        let operation = unanswered(silent.put(put("k", "x")).await);
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
    unanswered(put_small);
    put_large.unwrap();
    unanswered(get_small);
    match get_large.unwrap() {
        Got::Found(object) => assert_eq!(object.body.len(), MEBIBYTES_4),
        other => panic!("{other:?}"),
    }
}
