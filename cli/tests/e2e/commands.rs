//! The everyday commands: what they print, what they leave, and how they end.

mod completion;
mod creation_time;
mod deprecated;
mod documents;
mod endings;
mod help;
mod overviews;
mod room;
mod selecting;
mod settings;
mod standard_input;
mod which_store;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Client, Cloud, Server, examples, program, root};

/// How a command ended.
struct Run {
    code: Option<i32>,
    out: Vec<u8>,
    messages: String,
}

impl Run {
    /// What it printed; it must have gone well.
    fn text(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.messages);
        String::from_utf8(self.out).unwrap()
    }

    /// What it printed as JSON lines.
    fn json(self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn assert_ends(&self, code: i32, message: &str) {
        assert_eq!(self.code, Some(code), "{}", self.messages);
        assert!(self.messages.contains(message), "{message:?} in {:?}", self.messages);
    }
}

/// A storage, as commands and servers see it.
struct Place<'a>(&'a [(&'a str, &'a str)]);

impl Place<'_> {
    fn run(&self, arguments: &[&str]) -> Run {
        self.pipe(arguments, b"")
    }

    fn pipe(&self, arguments: &[&str], input: &[u8]) -> Run {
        let mut command = program(self.0);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        let messages = String::from_utf8(output.stderr).unwrap();
        Run { code: output.status.code(), out: output.stdout, messages }
    }
}

fn on_files(check: impl Fn(&Place<'_>, &Path)) {
    let directory = TempDir::new().unwrap();
    let store = directory.path().join("store");
    check(&Place(&[("LOCAL_STORAGE_DIR", store.to_str().unwrap())]), directory.path());
}

fn write(directory: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Every command, beside a server on the same storage.
fn everyday(place: &Place<'_>, client: &Client) {
    let files: Vec<String> = examples()
        .iter()
        .map(|(name, _)| root().join(format!("examples/{name}.json")).to_str().unwrap().to_owned())
        .collect();
    let saved =
        place.run(&[&["save"], &*files.iter().map(String::as_str).collect::<Vec<_>>()].concat()).text();
    let ids: Vec<&str> = saved.lines().collect();
    assert_eq!(ids.len(), examples().len());
    for ((name, bytes), id) in examples().iter().zip(&ids) {
        let loaded = place.run(&["load", id]);
        assert_eq!((loaded.code, &loaded.out), (Some(0), bytes), "{name}: {}", loaded.messages);
        assert_eq!(&client.get(&format!("/analyses/{id}")).body, bytes, "{name}");
    }
    same_as_the_api(place, client);

    // A document goes through a pipe as it is, and back under another id.
    let piped = place.run(&["load", ids[0]]).out;
    assert_eq!(place.pipe(&["save", "-", "--id", "copy-1"], br#"{"n":1}"#).text(), "copy-1\n");
    let item = &place.pipe(&["save", "-", "--id", ids[0], "--json"], &piped).json()[0];
    let listed = client.get("/analyses?limit=1000").json()["analyses"].clone();
    assert!(listed.as_array().unwrap().contains(item), "{item} in {listed}");

    let gone = place.run(&["delete", "copy-1", "no-such-id", ids[1]]);
    gone.assert_ends(1, "no-such-id: not deleted: there is no analysis `no-such-id`");
    gone.assert_ends(1, "error: 1 of 3 analyses not deleted");
    assert_eq!(gone.out, format!("copy-1\n{}\n", ids[1]).into_bytes());
    assert_eq!(client.get(&format!("/analyses/{}", ids[1])).status, 404);
    place.run(&["load", "copy-1"]).assert_ends(1, "error: there is no analysis `copy-1`");
    same_as_the_api(place, client);
}

/// `list --json` and `stats --json` say what the API says.
fn same_as_the_api(place: &Place<'_>, client: &Client) {
    let listed = client.get("/analyses?limit=1000").json()["analyses"].clone();
    assert_eq!(Value::from(place.run(&["list", "--json", "--all"]).json()), listed);
    let hybrid = client.get("/analyses?implementation=hybrid&from=2020-01").json()["analyses"].clone();
    let filters = ["list", "--json", "--implementation", "hybrid", "--from", "2020-01"];
    assert_eq!(Value::from(place.run(&filters).json()), hybrid);
    let without_time = |mut stats: Value| {
        assert!(stats.as_object_mut().unwrap().remove("as_of").is_some());
        stats
    };
    let stats = place.run(&["stats", "--json"]).json().remove(0);
    assert_eq!(without_time(stats), without_time(client.get("/stats").json()));
}

#[test]
fn every_command_on_files() {
    let directory = TempDir::new().unwrap();
    let server = Server::on_files(directory.path());
    everyday(&Place(&[("LOCAL_STORAGE_DIR", directory.path().to_str().unwrap())]), &server.client());
}

#[test]
fn every_command_on_s3() {
    let cloud = Cloud::start();
    let server = cloud.server();
    let place = Place(&cloud.variables());
    everyday(&place, &server.client());

    place.pipe(&["save", "-", "--id", "v"], br#"{"n":1}"#).text();
    place.pipe(&["save", "-", "--id", "v"], br#"{"n":2}"#).text();
    let versions = server.client().get("/analyses/v/versions").json();
    let first =
        versions["versions"].as_array().unwrap().last().unwrap()["version_id"].as_str().unwrap().to_owned();
    assert_eq!(place.run(&["load", "v", "--version-id", &first]).text(), r#"{"n":1}"#);
    place.run(&["load", "v", "--version-id", "none-such"]).assert_ends(1, "error: there is no version");
}
