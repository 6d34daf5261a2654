//! Save, load, list, totals, delete.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Deployment;
use crate::harness::{Client, JSON, examples, resolve};

pub(super) fn run(client: &Client, deployment: Deployment) {
    let saved = every_example_is_loaded_byte_for_byte(client, deployment);
    the_list_shows_them_newest_first(client, &saved);
    the_totals_count_them(client, deployment, &saved);
    filters_and_pages(client);
    an_id_is_created_once_and_replaced_in_place(client, deployment);
    versions(client, deployment);
    everything_can_be_deleted(client);
}

fn every_example_is_loaded_byte_for_byte(client: &Client, deployment: Deployment) -> Vec<(Value, usize)> {
    let mut saved = Vec::new();
    for (name, bytes) in examples() {
        let sent: Value = serde_json::from_slice(&bytes).unwrap();
        let answer = client.post(&bytes);
        let item = answer.json();
        assert_eq!(answer.status, 201, "{name}: {item}");
        let id = item["request_id"].as_str().unwrap();
        assert_eq!(answer.header("location"), format!("analyses/{id}"));
        let location = resolve("/analyses", answer.header("location"));
        if let Some(wanted) = sent["request_id"].as_str() {
            assert_eq!(id, wanted);
        }
        for field in ["implementation", "status", "execution_time"] {
            assert_eq!(item[field], sent[field], "{name}: {field}");
        }
        assert_eq!(item["storage_type"], deployment.storage_type);
        assert!(item["s3_key"].as_str().unwrap().ends_with(&format!("/{id}.json")));

        let loaded = client.get(&location);
        assert!(loaded.status == 200 && loaded.body == bytes, "{name}");
        assert_eq!(loaded.header("content-type"), "application/json");
        assert_eq!(loaded.header("etag"), answer.header("etag"));
        assert!(loaded.headers.contains_key("last-modified"));
        let head = client.send("HEAD", &location, &[], b"");
        assert_eq!((head.status, head.header("etag"), head.body.len()), (200, answer.header("etag"), 0));
        for answer in [&answer, &loaded, &head] {
            answer.assert_guarded(&name);
        }
        saved.push((item, bytes.len()));
    }
    saved
}

fn the_list_shows_them_newest_first(client: &Client, saved: &[(Value, usize)]) {
    let page = client.get("/analyses").json();
    let mut newest_first: Vec<&Value> = saved.iter().map(|(item, _)| item).collect();
    // Of one millisecond, in the order of their ids.
    let place = |item: &Value| {
        (
            std::cmp::Reverse(item["created_at"].as_str().unwrap().to_owned()),
            item["request_id"].as_str().unwrap().to_owned(),
        )
    };
    newest_first.sort_by_key(|item| place(item));
    assert_eq!(page["analyses"].as_array().unwrap().iter().collect::<Vec<_>>(), newest_first);
    assert_eq!(page["next_cursor"], Value::Null);
}

fn the_totals_count_them(client: &Client, deployment: Deployment, saved: &[(Value, usize)]) {
    let mut implementations = BTreeMap::<&str, u64>::new();
    for (item, _) in saved {
        *implementations.entry(item["implementation"].as_str().unwrap()).or_default() += 1;
    }
    let size: usize = saved.iter().map(|(_, size)| size).sum();
    let stats = client.get("/stats").json();
    assert_eq!(stats["total_analyses"], saved.len(), "{stats}");
    assert_eq!(stats["total_size_bytes"], size);
    assert_eq!(stats["implementations_used"], json!(implementations));
    assert_eq!(stats["statuses"], json!({ "success": saved.len() - 1, "error": 1 }));
    assert_eq!(stats["newest"], saved.last().unwrap().0["created_at"]);
    assert_eq!(stats["oldest"], saved[0].0["created_at"]);
    let month = &saved[0].0["created_at"].as_str().unwrap()[..7];
    assert!(stats["by_month"][month].as_u64().unwrap() >= 1, "{stats}");
    let times: f64 = saved.iter().map(|(item, _)| item["execution_time"].as_f64().unwrap()).sum();
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let mean = times / saved.len() as f64;
    assert!((stats["average_execution_time"].as_f64().unwrap() - mean).abs() < 0.001, "{stats}");

    let info = client.get("/storage/info").json();
    assert_eq!(info["storage_type"], deployment.storage_type);
    assert_eq!(info["stats"]["total_analyses"], saved.len());
    assert_eq!(info["stats"]["implementations_used"], stats["implementations_used"]);
    let versioning = if deployment.versions { "Enabled" } else { "Disabled" };
    assert_eq!(info["storage_info"]["versioning_status"], versioning, "{info}");
}

fn filters_and_pages(client: &Client) {
    let all = client.ids("");
    for limit in 1..=all.len() {
        assert_eq!(client.ids(&format!("limit={limit}")), all);
    }
    let errors = client.get("/analyses?status=error").json();
    assert_eq!(errors["analyses"].as_array().unwrap().len(), 1);
    let implementations =
        ["hybrid", "openai", "langchain"].map(|name| client.ids(&format!("implementation={name}")).len());
    assert_eq!(implementations.iter().sum::<usize>(), all.len());
    assert_eq!(client.ids("from=2020-01&to=2020-12"), Vec::<String>::new());
    assert_eq!(client.ids("from=2020-01-01T00:00:00%2B02:00"), all);

    let first = client.get("/analyses?limit=2&from=2020-01-01T00:00:00%2B02:00");
    let link = first.header("link");
    let next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap();
    let second = client.get(&format!("/analyses{next}")).json();
    assert_eq!(second["analyses"][0]["request_id"], all[2]);
}

fn an_id_is_created_once_and_replaced_in_place(client: &Client, deployment: Deployment) {
    for id in ["replaced", "018cc251-f400-7000-8000-00000000cafe"] {
        let before = client.ids("").len();
        let first = client.put(id, br#"{"status":"running"}"#);
        let second = client.put(id, br#"{"status":"success","n":2}"#);
        let third = client.post(format!(r#"{{"request_id":"{id}","n":3}}"#).as_bytes());
        assert_eq!(resolve(&format!("/analyses/{id}"), first.header("location")), format!("/analyses/{id}"));
        assert_eq!([first.status, second.status, third.status], [201, 200, 200]);
        assert_eq!(first.json()["created_at"], third.json()["created_at"]);
        assert_eq!(
            client.get(&format!("/analyses/{id}")).body,
            format!(r#"{{"request_id":"{id}","n":3}}"#).as_bytes()
        );
        assert_eq!(client.ids("").len(), before + 1);
    }
    assert!(client.get("/analyses/018cc251-f400-7000-8000-00000000cafe").status == 200);
    for json in ["application/vnd.team+json; charset=\"UTF-8\"", "Application/JSON;charset=utf-8"] {
        assert_eq!(client.send("PUT", "/analyses/replaced", &[("content-type", json)], b"{}").status, 200);
    }
    let largest =
        format!(r#"{{"text":"{}"}}"#, "x".repeat(deployment.max_document_bytes.min(5_000_000) - 11));
    assert_eq!(client.put("large", largest.as_bytes()).status, 201);
    assert!(client.get("/analyses/large").body == largest.as_bytes());
}

fn versions(client: &Client, deployment: Deployment) {
    let answer = client.get("/analyses/replaced/versions");
    if !deployment.versions {
        answer.assert_problem("versions", 501, "not_supported", "keeps no versions");
        client.get("/analyses/replaced?version_id=x").assert_problem(
            "version",
            501,
            "not_supported",
            "keeps no versions",
        );
        return;
    }
    let versions = answer.json();
    let versions = versions["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 5, "{versions:?}");
    assert_eq!((&versions[0]["is_latest"], &versions[1]["is_latest"]), (&true.into(), &false.into()));
    let load = |version: &Value| {
        client.get(&format!("/analyses/replaced?version_id={}", version["version_id"].as_str().unwrap()))
    };
    assert_eq!(load(&versions[4]).body, br#"{"status":"running"}"#);
    assert_eq!(load(&versions[3]).body, br#"{"status":"success","n":2}"#);
    let immutable = "private, max-age=31536000, immutable";
    assert_eq!(load(&versions[3]).header("cache-control"), immutable, "a version never changes");
    assert_eq!(client.get("/analyses/replaced").header("cache-control"), "private, no-cache");
    client.get("/analyses/replaced?version_id=none").assert_problem(
        "version",
        404,
        "not_found",
        "version \"none\"",
    );
    client.get("/analyses/nothing/versions").assert_problem("versions", 404, "not_found", "`nothing`");
}

fn everything_can_be_deleted(client: &Client) {
    for id in client.ids("") {
        let answer = client.delete(&id);
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{id}");
        client.get(&format!("/analyses/{id}")).assert_problem(&id, 404, "not_found", &id);
        assert_eq!(client.send("HEAD", &format!("/analyses/{id}"), &[], b"").status, 404);
        client.delete(&id).assert_problem(&id, 404, "not_found", &id);
    }
    assert_eq!(client.ids(""), Vec::<String>::new());
    let stats = client.get("/stats").json();
    assert_eq!((&stats["total_analyses"], &stats["oldest"]), (&0.into(), &Value::Null));
    let again = client.send("PUT", "/analyses/replaced", &[JSON], b"{}");
    assert_eq!(again.status, 201, "a deleted id can be saved again");
    assert_eq!(client.delete("replaced").status, 204);
}
