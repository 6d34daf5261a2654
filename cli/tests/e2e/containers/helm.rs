//! The Helm chart makes the objects that the kustomize example makes.

mod cluster;
pub(super) mod values;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::manifests::{self, of_kind, tool, yaml};
use crate::harness::root;

/// What Helm adds to the labels, as is the custom.
const LABELS: [&str; 4] = [
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/version",
    "helm.sh/chart",
];

/// A file with these values.
fn file(values: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(values.as_bytes()).unwrap();
    file
}

/// The values that deploy/README.md shows.
fn example() -> String {
    let page = fs::read_to_string(root().join("deploy/README.md")).unwrap();
    let (_, section) = page.split_once("\n## Helm\n").unwrap();
    let (_, block) = section.split_once("```yaml\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

/// What Helm renders of the chart for this release with the example and these options; or why it refuses.
fn render(release: &str, options: &[&str]) -> Result<String, String> {
    let example = file(&example());
    let ran = Command::new(tool(".venv-helm", "helm"))
        .args(["template", release, "deploy/helm", "--namespace", "design-analysis", "--values"])
        .arg(example.path())
        .args(options)
        .env("KUBECONFIG", "/dev/null")
        .current_dir(root())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if ran.status.success() { Ok(text(ran.stdout)) } else { Err(text(ran.stderr)) }
}

/// What a release named after the chart is rendered to, with these options.
pub(super) fn rendered(options: &[&str]) -> String {
    render("design-analysis", options).unwrap_or_else(|e| panic!("{options:?}: {e}"))
}

/// The objects of such a release.
pub(super) fn objects(options: &[&str]) -> Vec<Value> {
    yaml(&rendered(options))
}

/// Takes these keys out of every map.
fn strip(value: &mut Value, keys: &[&str]) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !keys.contains(&key.as_str()));
            map.values_mut().for_each(|value| strip(value, keys));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, keys)),
        _ => {}
    }
}

/// The objects by their kinds, of which each is there once. Of the Secret neither the token is compared, a random
/// one, nor the labels, which kustomize does not give to what overlays make.
fn by_kind(objects: Vec<Value>) -> BTreeMap<String, Value> {
    let count = objects.len();
    let mut kinds: BTreeMap<_, _> =
        objects.into_iter().map(|object| (object["kind"].as_str().unwrap().to_owned(), object)).collect();
    assert_eq!(kinds.len(), count);
    let secret = kinds.get_mut("Secret").unwrap();
    secret["data"]["API_TOKEN"].take();
    strip(secret, &["labels"]);
    kinds
}

/// The example overlay without the hashes in its names, and without the namespace, which Helm does not make.
fn overlay() -> BTreeMap<String, Value> {
    let objects = manifests::kubernetes();
    let hashed = ["ConfigMap", "Secret"].map(|kind| of_kind(&objects, kind)["metadata"]["name"].clone());
    let plain = |text: String, name: &Value| text.replace(name.as_str().unwrap(), "design-analysis");
    let text = hashed.iter().fold(json!(objects).to_string(), plain);
    let mut kinds = by_kind(serde_json::from_str(&text).unwrap());
    kinds.remove("Namespace").unwrap();
    kinds
}

#[test]
fn the_chart_makes_the_objects_of_the_kustomize_example() {
    let mut chart = objects(&[]);
    for object in &mut chart {
        strip(object, &LABELS);
    }
    let mut chart = by_kind(chart);
    let pod = chart.get_mut("Deployment").unwrap()["spec"]["template"]["metadata"].as_object_mut().unwrap();
    let annotations = pod.remove("annotations").unwrap();
    assert_eq!(annotations.as_object().unwrap().keys().collect::<Vec<_>>(), ["checksum/settings"]);
    let overlay = overlay();
    assert_eq!(chart.keys().collect::<Vec<_>>(), overlay.keys().collect::<Vec<_>>());
    for (kind, object) in overlay {
        assert_eq!(chart[&kind], object, "{kind}");
    }
}

#[test]
fn releases_in_one_namespace_are_apart() {
    let objects = yaml(&render("other", &[]).unwrap());
    for object in &objects {
        assert_eq!(object["metadata"]["name"], "other-design-analysis", "{}", object["kind"]);
    }
    let pods = json!({ "app.kubernetes.io/name": "design-analysis", "app.kubernetes.io/instance": "other" });
    let spec = |kind: &str| &of_kind(&objects, kind)["spec"];
    assert_eq!(spec("Deployment")["template"]["metadata"]["labels"], pods);
    assert_eq!(spec("Deployment")["selector"]["matchLabels"], pods);
    assert_eq!(spec("Service")["selector"], pods);
    assert_eq!(spec("PodDisruptionBudget")["selector"]["matchLabels"], pods);
    assert_eq!(spec("NetworkPolicy")["podSelector"]["matchLabels"], pods);
    assert_eq!(spec("HorizontalPodAutoscaler")["scaleTargetRef"]["name"], "other-design-analysis");
    let server = &spec("Deployment")["template"]["spec"]["containers"][0];
    assert_eq!(server["envFrom"][0]["configMapRef"]["name"], "other-design-analysis");
    assert_eq!(server["env"][0]["valueFrom"]["secretKeyRef"]["name"], "other-design-analysis");
}
