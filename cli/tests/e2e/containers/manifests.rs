//! The container that each manifest asks for.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tempfile::TempDir;

use super::dockerfile::Image;
use crate::harness::root;

/// What callers send. The manifests name it and do not hold it.
pub(super) const TOKEN: &str = "a-token-of-the-tests";

/// A container of the server as one manifest has it, with what it leaves to the image.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) environment: BTreeMap<String, String>,
    pub(super) user: String,
    pub(super) arguments: Vec<String>,
    pub(super) read_only: bool,
    /// The port that traffic is sent to.
    pub(super) port: u64,
    /// How many seconds after SIGTERM it is killed.
    pub(super) grace: u64,
}

/// A program that `make setup` installs in this environment.
pub(super) fn tool(environment: &str, name: &str) -> PathBuf {
    let path = root().join(environment).join("bin").join(name);
    assert!(path.exists(), "{} is missing; run `make setup`", path.display());
    path
}

/// Runs a program to its end; what it printed.
pub(super) fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::piped()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{printed}{errors}", output.status);
    printed
}

/// The documents of a YAML text.
pub(super) fn yaml(text: &str) -> Vec<Value> {
    const CODE: &str = "import json, sys, yaml; json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)";
    let mut python = Command::new(tool(".venv", "python"))
        .args(["-c", CODE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    serde_json::from_slice(&python.wait_with_output().unwrap().stdout).unwrap()
}

/// The Compose file, with the token in its environment.
pub(super) fn compose() -> Value {
    let text = fs::read_to_string(root().join("deploy/docker/compose.yaml")).unwrap();
    let (before, rest) = text.split_once("${API_TOKEN:?").unwrap_or_else(|| panic!("no token is required"));
    let (_, after) = rest.split_once('}').unwrap();
    let text = format!("{before}{TOKEN}{after}").replace("${PORT:-8000}", "8000").replace("$$", "$");
    yaml(&text).remove(0)
}

/// The example overlay as kustomize renders it, with a token beside it: its text.
pub(super) fn rendered() -> String {
    let directory = TempDir::new().unwrap();
    let copy = directory.path().join("kubernetes");
    output(Command::new("cp").arg("-r").arg(root().join("deploy/kubernetes")).arg(&copy));
    let overlay = copy.join("overlays/example");
    fs::write(overlay.join("token.env"), format!("API_TOKEN={TOKEN}\n")).unwrap();
    output(Command::new(tool(".venv", "kubectl")).arg("kustomize").arg(&overlay))
}

/// The objects of the example overlay.
pub(super) fn kubernetes() -> Vec<Value> {
    yaml(&rendered())
}

/// The object of this kind.
pub(super) fn of_kind<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    found.next().unwrap_or_else(|| panic!("there is no {kind}"))
}

/// The CloudFormation template, with its short forms written out.
pub(super) fn ecs() -> Value {
    const CODE: &str =
        "import json, sys, cfnlint.decode as d; json.dump(d.decode(sys.argv[1])[0], sys.stdout)";
    let python = Command::new(tool(".venv-sam", "python"))
        .args(["-c", CODE])
        .arg(root().join("deploy/ecs/template.yaml"))
        .output()
        .unwrap();
    serde_json::from_slice(&python.stdout).unwrap()
}

/// The container that ECS runs.
pub(super) fn ecs_server(template: &Value) -> &Value {
    &template["Resources"]["Task"]["Properties"]["ContainerDefinitions"][0]
}

/// A value of the template with these parameters in the place of references.
pub(super) fn resolved(value: &Value, parameters: &[(&str, &str)]) -> Value {
    let named = |name: &str| parameters.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
    match value {
        Value::Object(map) => match map.iter().next() {
            Some((key, Value::String(name))) if key == "Ref" => {
                named(name).unwrap_or_else(|| panic!("{name} is not given")).into()
            }
            Some((key, Value::String(text))) if key == "Fn::Sub" => parameters
                .iter()
                .fold(text.clone(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
                .into(),
            _ => map.iter().map(|(key, value)| (key.clone(), resolved(value, parameters))).collect(),
        },
        Value::Array(items) => items.iter().map(|item| resolved(item, parameters)).collect(),
        other => other.clone(),
    }
}

pub(super) fn strings(list: &Value) -> Vec<String> {
    let items = list.as_array().unwrap_or_else(|| panic!("{list} is no list"));
    items.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// A map as variables, whatever its values are in YAML.
pub(super) fn variables(map: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    map.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn seconds(text: &Value) -> u64 {
    text.as_str().unwrap().strip_suffix('s').unwrap().parse().unwrap()
}

impl Container {
    fn new(image: &Image, own: BTreeMap<String, String>) -> Self {
        let environment = image.environment.clone().into_iter().chain(own).collect();
        let arguments = image.command.clone();
        let port = u64::from(image.port);
        // Docker waits ten seconds unless it is told otherwise, as README.md does.
        Self { environment, user: image.user.clone(), arguments, read_only: true, port, grace: 35 }
    }

    /// `docker run` as deploy/README.md has it: the image, and a token.
    pub(super) fn of_docker(image: &Image) -> Self {
        Self::new(image, [("API_TOKEN".to_owned(), TOKEN.to_owned())].into())
    }

    pub(super) fn of_compose(image: &Image) -> Self {
        let compose = compose();
        let api = &compose["services"]["api"];
        Self {
            user: api["user"].as_str().unwrap().to_owned(),
            arguments: strings(&api["command"]),
            read_only: api["read_only"] == true,
            port: api["ports"][0].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap(),
            grace: seconds(&api["stop_grace_period"]),
            ..Self::new(image, variables(&api["environment"]))
        }
    }

    pub(super) fn of_kubernetes(image: &Image, objects: &[Value]) -> Self {
        let pod = &of_kind(objects, "Deployment")["spec"]["template"]["spec"];
        let (security, server) = (&pod["securityContext"], &pod["containers"][0]);
        let (config, secret) = (of_kind(objects, "ConfigMap"), of_kind(objects, "Secret"));
        assert_eq!(server["envFrom"][0]["configMapRef"]["name"], config["metadata"]["name"]);
        let key = &server["env"][0]["valueFrom"]["secretKeyRef"];
        assert_eq!(key["name"], secret["metadata"]["name"]);
        let token = secret["data"][key["key"].as_str().unwrap()].as_str().unwrap();
        let token = String::from_utf8(BASE64_STANDARD.decode(token).unwrap()).unwrap();
        let mut own = variables(&config["data"]);
        own.insert(server["env"][0]["name"].as_str().unwrap().to_owned(), token);
        let pre_stop = server["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().unwrap();
        Self {
            user: format!("{}:{}", security["runAsUser"], security["runAsGroup"]),
            arguments: strings(&server["args"]),
            read_only: server["securityContext"]["readOnlyRootFilesystem"] == true,
            port: server["ports"][0]["containerPort"].as_u64().unwrap(),
            grace: pod["terminationGracePeriodSeconds"].as_u64().unwrap() - pre_stop,
            ..Self::new(image, own)
        }
    }

    pub(super) fn of_ecs(image: &Image, parameters: &[(&str, &str)]) -> Self {
        let template = ecs();
        let server = resolved(ecs_server(&template), parameters);
        let entry = |item: &Value| (item["Name"].as_str().unwrap().to_owned(), item["Value"].clone());
        let map = server["Environment"].as_array().unwrap().iter().map(entry).collect();
        let mut own = variables(&map);
        for secret in server["Secrets"].as_array().unwrap() {
            own.insert(secret["Name"].as_str().unwrap().to_owned(), TOKEN.to_owned());
        }
        Self {
            user: server["User"].as_str().unwrap().to_owned(),
            arguments: strings(&server["Command"]),
            read_only: server["ReadonlyRootFilesystem"] == true,
            port: server["PortMappings"][0]["ContainerPort"].as_u64().unwrap(),
            grace: server["StopTimeout"].as_u64().unwrap(),
            ..Self::new(image, own)
        }
    }
}
