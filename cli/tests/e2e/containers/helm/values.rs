//! What can be set in the chart arrives, and what cannot work is refused.

use std::collections::BTreeSet;
use std::fs;

use analysis_http::ServerConfig;
use analysis_http::telemetry::LogConfig;
use analysis_storage::StorageConfig;
use serde_json::{Value, json};

use super::super::manifests::{of_kind, yaml};
use super::{file, objects, render};
use crate::harness::root;

/// Variables that are other values than `settings`, or the image's and the Deployment's to set.
const NOT_SETTINGS: [&str; 9] = [
    "STORAGE_TYPE",
    "S3_BUCKET_NAME",
    "S3_PREFIX",
    "S3_REGION",
    "S3_ENDPOINT_URL",
    "API_TOKEN",
    "API_HOST",
    "API_PORT",
    "LOCAL_STORAGE_DIR",
];

/// As much as one can turn on, beside the example.
pub(in super::super) const MUCH: &str = r#"
image:
  digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  pullPolicy: Always
imagePullSecrets: [{ name: registry }]
store: { prefix: team/a, endpoint: "https://s3.example.com:9000" }
token: { existingSecret: mine, key: token }
settings:
  S3_SSE: aws:kms
  S3_KMS_KEY_ID: alias/analyses
  S3_EXPECTED_OWNER: "012345678901"
  RETENTION_DAYS: 3650
  MAX_DOCUMENT_BYTES: 5368709120
  ALLOWED_HOSTS: analyses.example.com
  CORS_ORIGINS: https://app.example.com,https://b.example.com
  MEMORY_BUDGET: 256MB
  CONNECTIONS_PER_PEER: 100
  AWS_LOG_LEVEL: WARN
  RUST_LOG: "info,analysis_storage=debug"
  NO_COLOR: true
extraEnv:
  - { name: AWS_ACCESS_KEY_ID, valueFrom: { secretKeyRef: { name: keys, key: id } } }
autoscaling: { enabled: false }
replicas: 2
service: { type: LoadBalancer, port: 8080, annotations: { example.com/internal: "true" } }
networkPolicy: { extraEgress: [{ ports: [{ port: 9000 }] }] }
ingress:
  enabled: true
  className: nginx
  hosts: [analyses.example.com]
  tls: [{ hosts: [analyses.example.com], secretName: certificate }]
podLabels: { team: a }
podAnnotations: { example.com/note: a }
priorityClassName: high
nodeSelector: { kubernetes.io/arch: amd64 }
tolerations: [{ key: analyses, operator: Exists }]
"#;

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(root().join("deploy/helm/values.schema.json")).unwrap()).unwrap()
}

/// The names of the values of a map in the schema.
fn names(schema: &Value) -> BTreeSet<&str> {
    schema["properties"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn every_variable_of_the_configuration_is_a_setting_or_has_a_value_of_its_own() {
    let variables = [&StorageConfig::VARIABLES[..], &ServerConfig::VARIABLES, &LogConfig::VARIABLES].concat();
    let variables: BTreeSet<_> = variables.iter().map(|variable| variable.name).collect();
    let schema = schema();
    let settings = names(&schema["properties"]["settings"]);
    assert_eq!(settings.iter().copied().chain(NOT_SETTINGS).collect::<BTreeSet<_>>(), variables);
    assert_eq!(settings.len() + NOT_SETTINGS.len(), variables.len());
    let much = yaml(MUCH).remove(0);
    let given: BTreeSet<_> = much["settings"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(given, settings, "the tests give each");
}

#[test]
fn settings_reach_the_server_as_they_are_written() {
    let much = file(MUCH);
    let objects = objects(&["--values", much.path().to_str().unwrap()]);
    let config = json!({
        "STORAGE_TYPE": "s3", "S3_BUCKET_NAME": "my-analyses", "S3_PREFIX": "team/a",
        "S3_REGION": "eu-west-1", "S3_ENDPOINT_URL": "https://s3.example.com:9000",
        "S3_SSE": "aws:kms", "S3_KMS_KEY_ID": "alias/analyses", "S3_EXPECTED_OWNER": "012345678901",
        "RETENTION_DAYS": "3650", "MAX_DOCUMENT_BYTES": "5368709120", "MEMORY_BUDGET": "256MB",
        "ALLOWED_HOSTS": "analyses.example.com", "CONNECTIONS_PER_PEER": "100", "AWS_LOG_LEVEL": "WARN",
        "CORS_ORIGINS": "https://app.example.com,https://b.example.com",
        "RUST_LOG": "info,analysis_storage=debug", "NO_COLOR": "true",
    });
    assert_eq!(of_kind(&objects, "ConfigMap")["data"], config);
    let server = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    let environment = json!([
        { "name": "API_TOKEN", "valueFrom": { "secretKeyRef": { "name": "mine", "key": "token" } } },
        { "name": "AWS_ACCESS_KEY_ID", "valueFrom": { "secretKeyRef": { "name": "keys", "key": "id" } } },
    ]);
    assert_eq!(server["env"], environment);
    let image = server["image"].as_str().unwrap();
    assert!(image.contains("/design-analysis@sha256:0123456789abcdef"), "{image}");
}

#[test]
fn a_change_of_a_setting_rolls_the_pods() {
    let checksum = |options: &[&str]| {
        let objects = objects(options);
        let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["metadata"];
        pod["annotations"]["checksum/settings"].as_str().unwrap().to_owned()
    };
    assert_eq!(checksum(&[]), checksum(&["--set", "replicas=5"]));
    assert_ne!(checksum(&[]), checksum(&["--set", "settings.RETENTION_DAYS=90"]));
    assert_ne!(checksum(&[]), checksum(&["--set", "store.prefix=other"]));
}

#[test]
fn a_number_of_pods_stands_where_no_autoscaler_does() {
    let objects = objects(&["--set", "autoscaling.enabled=false,replicas=5"]);
    assert_eq!(of_kind(&objects, "Deployment")["spec"]["replicas"], 5);
    assert!(objects.iter().all(|object| object["kind"] != "HorizontalPodAutoscaler"));
}

#[test]
fn an_ingress_is_made_on_demand_and_is_not_taken_for_one_caller() {
    assert!(objects(&[]).iter().all(|object| object["kind"] != "Ingress"));
    let on = ["--set", "ingress.enabled=true,ingress.hosts={analyses.example.com}"];
    let objects = objects(&on);
    let backend = json!({ "service": { "name": "design-analysis", "port": { "name": "http" } } });
    let path = json!({ "path": "/", "pathType": "Prefix", "backend": backend });
    let rule = json!({ "host": "analyses.example.com", "http": { "paths": [path] } });
    assert_eq!(of_kind(&objects, "Ingress")["spec"], json!({ "rules": [rule] }));
    assert_eq!(of_kind(&objects, "ConfigMap")["data"]["CONNECTIONS_PER_PEER"], "0");
}

#[test]
fn values_that_cannot_work_are_refused_with_what_is_wrong() {
    let refused = [
        ("store.bucket=", "store.bucket is required"),
        ("store.bucket=s3://my-analyses", "'/store/bucket': 's3://my-analyses' does not match pattern"),
        ("store.buckte=other", "additional properties 'buckte' not allowed"),
        ("store.endpoint=minio:9000", "'/store/endpoint': 'minio:9000' does not match pattern"),
        ("store.endpoint=http://minio:9000", "port 9000, and the network policy lets out to port 443 only"),
        ("store.endpoint=http://minio", "port 80, and the network policy lets out to port 443 only"),
        ("image.repository=", "image.repository is required"),
        ("image.repository=registry:5000/server:1", "'/image/repository': 'registry:5000/server:1'"),
        ("settings.API_TOKEN=secret", "'/settings': additional properties 'API_TOKEN' not allowed"),
        ("settings.RETENTION_DAYS=a week", "'/settings/RETENTION_DAYS': got string, want integer"),
        ("settings.S3_EXPECTED_OWNER=111122223333", "'/settings/S3_EXPECTED_OWNER': got number, want string"),
        ("extraEnv[0].name=API_TOKEN,extraEnv[0].value=secret", "token.existingSecret"),
        ("serviceAccount.create=false", "serviceAccount.name is required"),
        ("autoscaling.minReplicas=21", "autoscaling.minReplicas is more than autoscaling.maxReplicas"),
        ("ingress.enabled=true", "ingress.hosts is required"),
    ];
    for (set, expected) in refused {
        let said = render("design-analysis", &["--set", set]).expect_err(set);
        assert!(said.contains(expected), "{set}: {said}");
    }
    let said = render("design-analysis", &["--kube-version", "1.29.0"]).unwrap_err();
    assert!(said.contains("chart requires kubeVersion: >=1.30.0"), "{said}");
    let allowed = "store.endpoint=http://minio:9000,networkPolicy.extraEgress[0].ports[0].port=9000";
    render("design-analysis", &["--set", allowed]).unwrap();
    render("design-analysis", &["--set", "store.endpoint=https://s3.example.com/"]).unwrap();
}

/// The schema knows the names in the file, and no others.
fn assert_same_names(path: &str, schema: &Value, values: &Value) {
    let given: BTreeSet<_> = values.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names(schema), given, "{path}");
    for (name, value) in values.as_object().unwrap() {
        let inner = &schema["properties"][name];
        if inner["properties"].is_object() && name != "settings" {
            assert_same_names(&format!("{path}/{name}"), inner, value);
        }
    }
}

#[test]
fn every_value_has_a_default_and_a_place_in_the_schema() {
    let values = fs::read_to_string(root().join("deploy/helm/values.yaml")).unwrap();
    let mut schema = schema();
    schema["properties"].as_object_mut().unwrap().remove("global").unwrap();
    assert_same_names("", &schema, &yaml(&values)[0]);
}
