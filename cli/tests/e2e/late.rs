//! What S3 does at another time than its clients think: later, or for a while not at all.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::harness::proxy::{Fault, Proxy};
use crate::harness::{Client, Cloud, JSON, Server};

const ID: &str = "018cc251-f400-7000-8000-00000000000a";
const KEY: &str = "/analysis/2024/01/018cc251-f400-7000-8000-00000000000a.json";
const FIRST: &[u8] = br#"{"status":"first"}"#;
const SECOND: &[u8] = br#"{"status":"second","text":"longer than the first"}"#;
const THIRD: &[u8] = br#"{"status":"third","text":"longer than the first and the second"}"#;

/// A server whose requests pass a proxy, and another whose do not.
struct Setting {
    proxy: Proxy,
    behind: Server,
    direct: Server,
    _cloud: Cloud,
}

impl Setting {
    fn start() -> Self {
        let cloud = Cloud::alone();
        let proxy = cloud.proxy();
        let behind = cloud.server_behind(&proxy, "design-analysis");
        Self { behind, direct: cloud.server(), proxy, _cloud: cloud }
    }

    fn client(&self) -> Client {
        Client::as_a_gateway(&self.behind.url)
    }
}

/// Load, list and totals agree on just this document.
fn assert_stored(client: &Client, document: &[u8]) {
    assert_eq!(client.get(&format!("/analyses/{ID}")).body, document);
    let page = client.get("/analyses").json();
    let document: Value = serde_json::from_slice(document).unwrap();
    let listed: Vec<&Value> =
        page["analyses"].as_array().unwrap().iter().map(|item| &item["status"]).collect();
    assert_eq!(listed, [&document["status"]], "{page}");
    let stats = client.get("/stats").json();
    assert_eq!(stats["statuses"][document["status"].as_str().unwrap()], 1, "{stats}");
    assert_eq!(stats["total_analyses"], 1, "{stats}");
}

#[test]
fn a_replace_that_s3_carries_out_after_its_client_gave_up_changes_nothing() {
    let setting = Setting::start();
    let other = setting.direct.client();
    assert_eq!(other.put(ID, FIRST).status, 201);
    // After the create that meets the document, and the look at it.
    setting.proxy.plan(KEY, 2, &[Fault::Late]);
    let replaced = setting.client().put(ID, SECOND);
    assert_eq!(replaced.status, 200, "{}", replaced.text());
    assert_eq!(other.put(ID, THIRD).status, 200);
    let late = setting.proxy.deliver_late();
    assert!(matches!(&late[..], [answer] if answer.starts_with("HTTP/1.1 412")), "{late:?}");
    assert_stored(&other, THIRD);
}

#[test]
fn a_delete_that_s3_carries_out_after_its_client_gave_up_removes_nothing_that_was_saved_since() {
    let setting = Setting::start();
    let other = setting.direct.client();
    assert_eq!(other.put(ID, FIRST).status, 201);
    // After the look at the document.
    setting.proxy.plan(KEY, 1, &[Fault::Late]);
    let deleted = setting.client().delete(ID);
    assert_eq!(deleted.status, 204, "{}", deleted.text());
    assert_eq!(other.put(ID, THIRD).status, 201);
    let late = setting.proxy.deliver_late();
    assert!(matches!(&late[..], [answer] if answer.starts_with("HTTP/1.1 412")), "{late:?}");
    assert_stored(&other, THIRD);
}

#[test]
fn while_s3_refuses_everything_for_ten_seconds_nothing_is_lost_or_half_saved() {
    let setting = Setting::start();
    let client = setting.client();
    for id in ["replaced", "deleted"] {
        assert_eq!(client.put(id, FIRST).status, 201);
    }
    setting.proxy.refuse_everything_for(Duration::from_secs(10));
    let calls: [(&str, &str, &[u8], u16); 7] = [
        ("POST", "/analyses", FIRST, 201),
        ("PUT", "/analyses/created", FIRST, 201),
        ("PUT", "/analyses/replaced", SECOND, 200),
        ("DELETE", "/analyses/deleted", b"", 204),
        ("GET", "/analyses/replaced", b"", 200),
        ("GET", "/analyses", b"", 200),
        ("GET", "/stats", b"", 200),
    ];
    thread::scope(|scope| {
        for (method, path, body, status) in calls {
            let client = &client;
            scope.spawn(move || {
                let answer = client.send(method, path, &[JSON], body);
                assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
            });
        }
    });
    assert_eq!(client.get("/analyses/replaced").body, SECOND);
    let listed = client.ids("limit=10");
    assert_eq!(listed.len(), 3, "{listed:?}");
    assert!(["created", "replaced"].iter().all(|id| listed.iter().any(|listed| listed == id)), "{listed:?}");
    assert_eq!(client.get("/stats").json()["total_analyses"], 3);
}
