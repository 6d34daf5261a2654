//! A server that is killed in the middle of its work loses nothing that it has acknowledged.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::harness::random::Random;
use crate::harness::writer::{Writer, check_exactly, check_list};
use crate::harness::{Client, Cloud, Server, repair_after_failures};

/// How often a server is killed.
const KILLS_ON_FILES: usize = 40;
const KILLS_ON_S3: usize = 25;
const KILLS_BESIDE: usize = 25;
/// The most that one writer does between two kills.
const MOST_STEPS: usize = 200;
/// What a writer does on a server that lives while another is killed.
const STEPS_BESIDE: usize = 10;

/// One step on this server; whether it lives. A living server has no reason for a 503 here.
fn step(writer: &mut Writer, client: &Client) -> bool {
    writer.step(&|method, path, headers, body| {
        let answer = client.try_send_with(method, path, headers, body)?;
        assert_ne!(answer.status, 503, "{method} {path}: {}", answer.text());
        Some(answer)
    })
}

/// Kills the server while the writers are at work, and returns when all have noticed.
fn work_until_killed(server: Server, writers: &mut [Writer], random: &mut Random) {
    let client = server.client();
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        for writer in writers {
            let (client, tell) = (&client, tell.clone());
            scope.spawn(move || {
                let is_over = |_: &usize| {
                    let answered = step(writer, client);
                    // Nobody listens once the server is gone.
                    let _ = tell.send(());
                    !answered
                };
                let steps = (0..MOST_STEPS).find(is_over);
                assert!(steps.is_some(), "the server was not killed");
            });
        }
        for _ in 0..10 + random.below(30) {
            told.recv_timeout(Duration::from_mins(1)).unwrap();
        }
        // Some time within one request, so that no step of it is always spared.
        thread::sleep(Duration::from_micros(random.below(5000)));
        drop(server);
    });
}

/// Kills servers again and again; after each restart everything acknowledged is there.
fn kill_again_and_again(kills: usize, seed: u64, start: impl Fn() -> Server, variables: &[(&str, &str)]) {
    let mut writers = Writer::several(4, seed);
    let mut random = Random::new(seed);
    for _ in 0..kills {
        let server = start();
        work_until_killed(server, &mut writers, &mut random);
        let server = start();
        let client = server.client();
        for writer in &mut writers {
            writer.check_touched(&client);
        }
        check_list(&writers, &client);
    }
    assert!(writers.iter().all(|writer| writer.tally.acknowledged > kills), "{writers:?}");
    assert!(writers.iter().any(|writer| writer.tally.unanswered > 0), "{writers:?}");
    repair_after_failures(variables);
    check_exactly(&writers, &start().client());
}

#[test]
fn on_files_no_kill_loses_what_was_acknowledged() {
    let directory = TempDir::new().unwrap();
    let variables = [("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap())];
    kill_again_and_again(KILLS_ON_FILES, 1, || Server::start(&variables), &variables);
}

#[test]
fn on_s3_no_kill_loses_what_was_acknowledged() {
    let cloud = Cloud::alone();
    kill_again_and_again(KILLS_ON_S3, 2, || cloud.server(), &cloud.variables());
}

/// One of two servers on a directory is killed again and again; its locks and half-written files never stand in
/// the way of the other.
#[test]
fn the_other_server_on_the_directory_works_on() {
    let directory = TempDir::new().unwrap();
    let survivor = Server::on_files(directory.path());
    let (mut victims, mut others) = (Writer::several(4, 3), Writer::several(4, 4));
    let mut random = Random::new(5);
    for _ in 0..KILLS_BESIDE {
        let server = Server::on_files(directory.path());
        let client = survivor.client();
        thread::scope(|scope| {
            for writer in &mut others {
                let client = &client;
                scope.spawn(move || {
                    for _ in 0..STEPS_BESIDE {
                        assert!(step(writer, client), "the other server has gone");
                    }
                });
            }
            work_until_killed(server, &mut victims, &mut random);
        });
        for writer in victims.iter_mut().chain(&mut others) {
            writer.check_touched(&client);
        }
    }
    repair_after_failures(&[("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap())]);
    victims.append(&mut others);
    check_exactly(&victims, &survivor.client());
}
