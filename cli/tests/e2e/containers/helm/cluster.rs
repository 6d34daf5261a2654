//! The token in the Secret of a release: what Helm makes of the one that the cluster has.
//!
//! A server that answers as that of Kubernetes does stands in for the cluster.

use std::net::Ipv4Addr;
use std::thread;

use axum::http::{StatusCode, Uri};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::super::manifests::{of_kind, yaml};
use super::{objects, rendered};

/// The kinds that the chart makes, by where they are.
const KINDS: [(&str, &[&str]); 5] = [
    ("v1", &["ConfigMap", "Secret", "Service", "ServiceAccount"]),
    ("apps/v1", &["Deployment"]),
    ("autoscaling/v2", &["HorizontalPodAutoscaler"]),
    ("networking.k8s.io/v1", &["NetworkPolicy"]),
    ("policy/v1", &["PodDisruptionBudget"]),
];

fn resources(group: &str, kinds: &[&str]) -> Value {
    let resource = |kind: &&str| {
        let name = kind.to_lowercase();
        json!({
            "kind": kind, "name": format!("{name}s"), "singularName": name, "namespaced": true,
            "verbs": ["get"],
        })
    };
    let resources: Vec<_> = kinds.iter().map(resource).collect();
    json!({ "kind": "APIResourceList", "groupVersion": group, "resources": resources })
}

/// A cluster in which the release has been installed, with `kept` for the token.
fn answer(path: &str) -> Option<Value> {
    let groups = KINDS[1..].iter().map(|(group, _)| {
        let (name, version) = group.split_once('/').unwrap();
        json!({ "name": name, "versions": [{ "groupVersion": group, "version": version }] })
    });
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "data": { "API_TOKEN": BASE64_STANDARD.encode("kept") },
        "metadata": {
            "name": "design-analysis", "namespace": "design-analysis",
            "labels": { "app.kubernetes.io/managed-by": "Helm" },
            "annotations": {
                "meta.helm.sh/release-name": "design-analysis",
                "meta.helm.sh/release-namespace": "design-analysis",
            },
        },
    });
    match path {
        "/version" => Some(json!({ "major": "1", "minor": "37", "gitVersion": "v1.37.0" })),
        "/api" => Some(json!({ "kind": "APIVersions", "versions": ["v1"] })),
        "/apis" => {
            Some(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups.collect::<Vec<_>>() }))
        }
        "/api/v1/namespaces/design-analysis/secrets/design-analysis" => Some(secret),
        _ => {
            let group = path.strip_prefix("/apis/").or_else(|| path.strip_prefix("/api/"))?;
            KINDS.iter().find(|(known, _)| *known == group).map(|(group, kinds)| resources(group, kinds))
        }
    }
}

/// Starts it, for as long as the tests run; its URL.
fn cluster() -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let missing = || json!({ "kind": "Status", "apiVersion": "v1", "reason": "NotFound", "code": 404 });
    let respond = move |uri: Uri| async move {
        match answer(uri.path()) {
            Some(found) => (StatusCode::OK, Json(found)),
            None => (StatusCode::NOT_FOUND, Json(missing())),
        }
    };
    thread::spawn(move || {
        runtime.block_on(axum::serve(listener, Router::new().fallback(respond)).into_future()).unwrap();
    });
    url
}

fn token(objects: &[Value]) -> String {
    let token = of_kind(objects, "Secret")["data"]["API_TOKEN"].as_str().unwrap();
    String::from_utf8(BASE64_STANDARD.decode(token).unwrap()).unwrap()
}

#[test]
fn a_release_gets_a_random_token_and_keeps_it() {
    let [one, two] = [(); 2].map(|()| token(&objects(&[])));
    assert_ne!(one, two);
    assert!(one.len() == 48 && one.chars().all(|c| c.is_ascii_alphanumeric()), "{one}");
    let url = cluster();
    let asking = ["--dry-run=server", "--disable-openapi-validation", "--kube-apiserver", &url];
    assert_eq!(token(&yaml(&rendered(&asking))), "kept");
}

#[test]
fn a_secret_that_is_there_already_is_used_and_none_is_made() {
    let objects = objects(&["--set", "token.existingSecret=mine,token.key=token"]);
    assert!(objects.iter().all(|object| object["kind"] != "Secret"));
    let server = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    let expected = json!({ "secretKeyRef": { "name": "mine", "key": "token" } });
    assert_eq!((&server["env"][0]["name"], &server["env"][0]["valueFrom"]), (&json!("API_TOKEN"), &expected));
}
