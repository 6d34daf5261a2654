//! The server and clients that do not mean well, or cannot do better: its memory is bounded, and `/health` answers.

mod raw;
mod web_pages;

use std::time::{Duration, Instant};

use crate::harness::{Client, JSON, Server, until};
use raw::Raw;
use tempfile::TempDir;

/// What a server takes beside its budget: the program itself in a build for tests, and what it reads into.
const PROGRAM: u64 = 60 << 20;

/// A document of nearly the largest size.
fn large() -> Vec<u8> {
    [br#"{"text":""#, &*vec![b'x'; 31 << 20], br#""}"#].concat()
}

fn on_files(directory: &TempDir, variables: &[(&str, &str)]) -> Server {
    let files = [("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap())];
    Server::start(&[&files, variables].concat())
}

/// The process lives, and small requests are served.
fn assert_serves(client: &Client) {
    assert_eq!(client.get("/health").status, 200);
    assert_eq!(client.put("small", b"{}").status, 200);
    assert_eq!(client.get("/analyses/small").body, b"{}");
}

#[test]
fn thirty_clients_that_do_not_read_take_no_more_than_the_budget() {
    let directory = TempDir::new().unwrap();
    let server = on_files(&directory, &[("MEMORY_BUDGET", "128MB")]);
    let client = server.client();
    let document = large();
    assert_eq!(client.put("large", &document).status, 201);
    assert_eq!(client.put("small", b"{}").status, 201);

    let mut readers: Vec<_> = (0..30).map(|_| Raw::asking(&server, "GET", "/analyses/large")).collect();
    let statuses = readers.iter_mut().map(Raw::status);
    let (answered, busy): (Vec<_>, Vec<_>) = statuses.partition(|status| *status == 200);
    assert_eq!((answered.len(), busy), (3, vec![503; 27]), "three fit into 7/8 of the budget");
    assert_serves(&client);
    let refused = client.get("/analyses/large");
    refused.assert_problem("a load", 503, "busy", "no memory is left");
    assert_eq!(refused.header("retry-after"), "1");
    client.put("more", &document).assert_problem("a save", 503, "busy", "MEMORY_BUDGET");
    let chunked = Raw::asking_with(
        &server,
        "PUT",
        "/analyses/more",
        &["Transfer-Encoding: chunked", "Connection: close"],
    );
    let chunk = [format!("{:x}\r\n", document.len()).as_bytes(), &document, b"\r\n0\r\n\r\n"].concat();
    assert!(chunked.sending(&chunk).answer().starts_with("HTTP/1.1 503 "));
    assert!(server.peak_memory() < PROGRAM + (128 << 20), "{}", server.peak_memory());

    // Those that do not read lose their connections, and their memory is free again.
    until(|| client.get("/analyses/large").status == 200);
    assert_eq!(client.put("more", &document).status, 201);
    assert!(readers.iter_mut().all(|reader| reader.rest().len() < document.len()));
    assert!(server.peak_memory() < PROGRAM + (128 << 20), "{}", server.peak_memory());
}

#[test]
fn a_budget_for_one_document_serves_the_whole_to_who_has_a_part_of_another() {
    let directory = TempDir::new().unwrap();
    let limits = [("MAX_DOCUMENT_BYTES", "1000000"), ("MEMORY_BUDGET", "1200000")];
    let server = on_files(&directory, &limits);
    let client = server.client();
    let document = [br#"{"text":""#, &*vec![b'x'; 999_000], br#""}"#].concat();
    assert_eq!(client.put("one", &document).status, 201);
    let resume = [("range", "bytes=100000-"), ("if-range", "\"another\"")];
    let answer = client.send("GET", "/analyses/one", &resume, b"");
    assert_eq!((answer.status, answer.body.len()), (200, document.len()));
}

#[test]
fn a_document_takes_its_size_once_and_gives_it_back() {
    let directory = TempDir::new().unwrap();
    let server = on_files(&directory, &[]);
    let client = server.client();
    assert_eq!(client.put("small", b"{}").status, 201);
    let (before, document) = (server.memory(), large());
    let size = document.len() as u64;
    for _ in 0..4 {
        assert!(client.put("large", &document).status < 300);
        assert_eq!(client.get("/analyses/large").body.len(), document.len());
        // A moment after the client has the last byte.
        until(|| server.memory() < before + size / 2);
    }
    assert!(server.peak_memory() < before + size * 3 / 2, "{} at most", server.peak_memory());
}

#[test]
fn a_hundred_thousand_requests_in_a_row_whose_answers_nobody_reads_end() {
    let directory = TempDir::new().unwrap();
    let server = on_files(&directory, &[]);
    let client = server.client();
    (0..200).for_each(|n| assert_eq!(client.put(&format!("study-{n}"), b"{}").status, 201));
    assert_eq!(client.put("small", b"{}").status, 201);
    let before = server.peak_memory();
    let requests = Raw::request(&server, "GET", "/analyses?limit=200", &[]).repeat(100_000);
    let sender = Raw::connect(&server);
    let begin = Instant::now();
    // Ends when the server closes the connection: it reads no further than it can answer.
    assert!(sender.try_send(&requests).is_err());
    assert!(begin.elapsed() < Duration::from_secs(45));
    assert_serves(&client);
    assert!(server.peak_memory() < before + (16 << 20), "{before} before, {}", server.peak_memory());
}

#[test]
fn eleven_hundred_idle_connections_keep_nobody_out() {
    let directory = TempDir::new().unwrap();
    let files = directory.path().to_str().unwrap();
    let server = Server::start_with_open_files(1024, &[("LOCAL_STORAGE_DIR", files)]);
    let client = server.client();
    assert_eq!(client.put("small", b"{}").status, 201);
    let mut idle = Vec::new();
    // The idle ones keep their seats for no more than some seconds, which a busy machine may need to open them all.
    let mut answers = (0..10).map(|_| {
        idle.clear();
        idle.extend((0..1100).map(|_| Raw::connect(&server)));
        server.client().get("/analyses/small")
    });
    let refused = answers.find(|answer| answer.status != 200).unwrap();
    refused.assert_problem("beyond the limits", 503, "busy", "connections");
    for _ in 0..20 {
        assert_eq!(server.client().get("/health").status, 200);
    }
    // Who sends nothing is sent away.
    until(|| server.client().get("/analyses/small").status == 200);
    assert_serves(&server.client());
    drop(idle);
}

#[test]
fn slow_heads_and_those_of_one_peer_keep_nobody_out() {
    let directory = TempDir::new().unwrap();
    let server = on_files(&directory, &[("CONNECTIONS_PER_PEER", "20")]);
    let client = server.client();
    assert_eq!(client.put("small", b"{}").status, 201);
    let mut slow: Vec<_> = (0..100).map(|_| Raw::connect(&server)).collect();
    let begin = Instant::now();
    let mut is_closed = vec![false; slow.len()];
    // A byte of the head a second, for ever.
    until(|| {
        for (connection, is_closed) in slow.iter_mut().zip(&mut is_closed) {
            *is_closed |= connection.try_send(b"G").is_err();
        }
        assert_eq!(server.client().get("/health").status, 200);
        is_closed.iter().all(|closed| *closed)
    });
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert_serves(&server.client());
}

#[test]
fn what_the_http_library_would_refuse_without_a_word_is_a_problem() {
    let directory = TempDir::new().unwrap();
    let server = on_files(&directory, &[]);
    let client = server.client();
    let long = "x".repeat(9 << 10);
    client.get(&format!("/analyses?cursor={long}")).assert_problem("path", 414, "target_too_long", "8192");
    let headers: Vec<_> = (0..4).map(|_| ("x-long", long.as_str())).collect();
    client.send("GET", "/stats", &headers, b"").assert_problem("headers", 431, "headers_too_large", "32768");
    let many: Vec<_> = (0..120).map(|_| ("x-many", "1")).collect();
    client.send("GET", "/stats", &many, b"").assert_problem("headers", 431, "headers_too_large", "100");

    let nameless =
        Raw::connect(&server).sending(b"GET /stats HTTP/1.1\r\nConnection: close\r\n\r\n").answer();
    assert!(nameless.starts_with("HTTP/1.1 400 ") && nameless.contains(r#""invalid_header""#), "{nameless}");
    let old = Raw::connect(&server).sending(b"GET /stats HTTP/1.0\r\n\r\n").answer();
    assert!(old.starts_with("HTTP/1.0 200 "), "HTTP/1.0 knows no Host: {old}");
    // What is no HTTP at all is the library's: a status without a body.
    let garbage = Raw::connect(&server).sending(b"\x16\x03\x01 hello\r\n\r\n").answer();
    assert!(garbage.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{garbage}");
    assert_eq!(client.send("POST", "/analyses", &[JSON], b"{}").status, 201);
}
