//! Many clients at once lose nothing, and a server that is told to stop finishes what it has begun.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::harness::{Client, Cloud, Server, resolve};

const CLIENTS: usize = 8;
const SAVES: usize = 2000;

fn document(n: usize) -> Vec<u8> {
    let (kind, text) = (["hybrid", "openai", "langchain"][n % 3], "x".repeat(n % 700));
    format!(r#"{{"implementation":"{kind}","status":"success","n":{n},"text":"{text}"}}"#).into_bytes()
}

/// Saves from all clients at once; a third of the ids are named, a tenth are saved twice.
fn save_all(clients: &[Client]) -> BTreeMap<String, usize> {
    let save = |client: &Client, n: usize| {
        let answer = if n.is_multiple_of(3) {
            client.put(&format!("named-{n}"), &document(n))
        } else {
            client.post(&document(n))
        };
        assert_eq!(answer.status, 201, "{n}: {}", String::from_utf8_lossy(&answer.body));
        let id = answer.header("location").rsplit('/').next().unwrap().to_owned();
        if n.is_multiple_of(10) {
            assert_eq!(client.put(&id, &document(n)).status, 200);
        }
        (id, n)
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..CLIENTS)
            .map(|worker| {
                let client = &clients[worker % clients.len()];
                scope.spawn(move || {
                    (worker..SAVES).step_by(CLIENTS).map(|n| save(client, n)).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

/// Every save is on exactly one page, is counted, and loads with its own bytes.
fn check_all(clients: &[Client], saved: &BTreeMap<String, usize>) {
    assert_eq!(saved.len(), SAVES);
    let listed = clients[0].ids("limit=300");
    assert_eq!(listed.len(), SAVES);
    assert_eq!(listed.iter().collect::<BTreeSet<_>>(), saved.keys().collect::<BTreeSet<_>>());
    let stats = clients[0].get("/stats").json();
    let size: usize = (0..SAVES).map(|n| document(n).len()).sum();
    assert_eq!((&stats["total_analyses"], &stats["total_size_bytes"]), (&SAVES.into(), &size.into()));
    thread::scope(|scope| {
        for worker in 0..CLIENTS {
            let client = &clients[worker % clients.len()];
            scope.spawn(move || {
                for (id, n) in saved.iter().skip(worker).step_by(CLIENTS) {
                    let loaded = client.get(&format!("/analyses/{id}"));
                    assert!(loaded.status == 200 && loaded.body == document(*n), "{id}");
                }
            });
        }
    });
}

#[test]
fn eight_clients_of_two_servers_on_one_directory_lose_nothing() {
    let directory = TempDir::new().unwrap();
    let servers = [Server::on_files(directory.path()), Server::on_files(directory.path())];
    let clients: Vec<Client> = servers.iter().map(Server::client).collect();
    let saved = save_all(&clients);
    check_all(&clients, &saved);
}

#[test]
fn eight_clients_of_two_servers_on_one_bucket_lose_nothing() {
    let cloud = Cloud::start();
    let servers = [cloud.server(), cloud.server()];
    let clients: Vec<Client> = servers.iter().map(Server::client).collect();
    let saved = save_all(&clients);
    check_all(&clients, &saved);
}

#[test]
fn one_of_many_creators_of_an_id_wins_across_servers() {
    let directory = TempDir::new().unwrap();
    let servers = [Server::on_files(directory.path()), Server::on_files(directory.path())];
    for round in 0..20 {
        let path = format!("/analyses/race-{round}");
        let create = |n: usize| {
            let headers = [("content-type", "application/json"), ("if-none-match", "*")];
            servers[n % 2].client().send("PUT", &path, &headers, &document(n)).status
        };
        let statuses: Vec<u16> = thread::scope(|scope| {
            let workers: Vec<_> = (0..CLIENTS).map(|n| scope.spawn(move || create(n))).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        let winner = statuses.iter().position(|status| *status == 201).unwrap();
        assert_eq!(statuses.iter().filter(|status| **status == 412).count(), CLIENTS - 1, "{statuses:?}");
        assert_eq!(servers[0].client().get(&path).body, document(winner));
    }
}

#[test]
fn a_server_that_is_told_to_stop_finishes_what_it_has_begun() {
    let directory = TempDir::new().unwrap();
    let server = Server::on_files(directory.path());
    let client = server.client();
    let (tell, told) = mpsc::channel();
    let saver = thread::spawn(move || {
        let mut acknowledged = Vec::new();
        for n in 0.. {
            match client.try_send("POST", "/analyses", &document(n)) {
                Some(answer) => acknowledged.push((resolve("/analyses", answer.header("location")), n)),
                None => return acknowledged,
            }
            if n == 20 {
                tell.send(()).unwrap();
            }
        }
        acknowledged
    });
    told.recv_timeout(Duration::from_mins(1)).unwrap();
    assert!(server.terminate(), "a clean exit");
    let acknowledged = saver.join().unwrap();

    let server = Server::on_files(directory.path());
    for (location, n) in &acknowledged {
        assert_eq!(server.client().get(location).body, document(*n));
    }
    let documents = walk(&directory.path().join("analysis"));
    assert_eq!(
        server.client().ids("limit=1000").len(),
        documents,
        "no save was cut off between document and entry"
    );
    assert!(documents >= acknowledged.len() && documents <= acknowledged.len() + 1);
}

fn walk(directory: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { walk(&path) } else { 1 }).sum()
}
