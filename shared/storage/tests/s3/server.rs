//! Servers that say what S3 may, and what requests and answers look like from the bucket's side.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use analysis_storage::bucket::s3::{S3Bucket, S3Settings};
use analysis_storage::bucket::{GetOptions, Precondition, Put};
use analysis_storage::config::NamedBy;
use analysis_storage::{BucketError, Key, SavedAt};

pub(crate) const NO_METADATA: Vec<(&str, String)> = Vec::new();

pub(crate) fn put(key: &str, body: &'static str) -> Put {
    Put {
        key: Key::new(key),
        body: body.into(),
        saved_at: SavedAt::from_micros(1_700_000_000_000_017),
        metadata: NO_METADATA,
        precondition: Precondition::None,
    }
}

pub(crate) fn version(id: &str) -> GetOptions {
    GetOptions { version_id: Some(id.into()), ..GetOptions::default() }
}

pub(crate) fn advice<T: std::fmt::Debug>(result: Result<T, BucketError>) -> String {
    match result {
        Err(BucketError::Misconfigured { advice, source: Some(_) }) => advice,
        other => panic!("{other:?}"),
    }
}

/// What an operator has to do about what the store does, though no request has failed.
pub(crate) fn advice_alone<T: std::fmt::Debug>(result: Result<T, BucketError>) -> String {
    match result {
        Err(BucketError::Misconfigured { advice, source: None }) => advice,
        other => panic!("{other:?}"),
    }
}

/// What was attempted, if it may have had its effect.
pub(crate) fn unanswered<T: std::fmt::Debug>(result: Result<T, BucketError>) -> String {
    match result {
        Err(BucketError::NoAnswer { operation, .. }) => operation,
        other => panic!("{other:?}"),
    }
}

/// What was attempted, if it had no effect.
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, BucketError>) -> String {
    match result {
        Err(BucketError::Refused { operation, .. }) => operation,
        other => panic!("{other:?}"),
    }
}

/// A bucket at this address.
pub(crate) fn bucket_at(endpoint_url: &str) -> S3Bucket {
    let settings = S3Settings::new("designs", "us-east-1", Some(endpoint_url), NamedBy::Variables);
    S3Bucket::with_credentials(&settings, "test", "test")
}

/// A bucket whose server does this on every connection, and what it was asked.
pub(crate) fn bucket_of(
    serve: impl FnMut(&mut TcpStream) + Send + 'static,
) -> (S3Bucket, Arc<Mutex<Vec<String>>>) {
    let (url, requests) = server_of(serve);
    (bucket_at(&url), requests)
}

/// Where a server listens that does this on every connection, and what it was asked.
pub(crate) fn server_of(
    mut serve: impl FnMut(&mut TcpStream) + Send + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
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
    (url, requests)
}

/// The head of a request, in lower case; its body is read and dropped.
pub(crate) fn read_request(stream: &mut TcpStream) -> String {
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
pub(crate) fn bucket_saying(head: &'static str, body: &'static str) -> (S3Bucket, Arc<Mutex<Vec<String>>>) {
    let length = body.len();
    let answer = format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    bucket_of(move |stream| stream.write_all(answer.as_bytes()).unwrap())
}
