//! The manifests say the same, and it is what the code does.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use analysis_http::ServerConfig;
use analysis_http::telemetry::LogConfig;
use analysis_storage::StorageConfig;
use analysis_storage::config::{Environment, Storage};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::dockerfile::Image;
use super::helm;
use super::manifests::{Container, compose, ecs, ecs_server, kubernetes, of_kind, output, strings};
use crate::harness::root;

const PARAMETERS: [(&str, &str); 7] = [
    ("ImageUri", "image"),
    ("BucketName", "my-analyses"),
    ("S3Prefix", "design-analysis"),
    ("RetentionDays", "365"),
    ("AWS::Region", "eu-west-1"),
    ("Logs", "logs"),
    ("Token", "token"),
];

fn containers() -> [(&'static str, Container); 5] {
    let image = Image::read();
    [
        ("docker", Container::of_docker(&image)),
        ("compose", Container::of_compose(&image)),
        ("kubernetes", Container::of_kubernetes(&image, &kubernetes())),
        ("helm", Container::of_kubernetes(&image, &helm::objects(&[]))),
        ("ecs", Container::of_ecs(&image, &PARAMETERS)),
    ]
}

/// Every variable that the program asks for, on S3 and on files.
fn known() -> BTreeSet<String> {
    let asked = RefCell::new(BTreeSet::new());
    for storage in ["s3", "local"] {
        let set = BTreeMap::from([("STORAGE_TYPE", storage), ("S3_BUCKET_NAME", "analyses")]);
        let lookup = |name: &str| {
            asked.borrow_mut().insert(name.to_owned());
            set.get(name).map(|value| (*value).to_owned())
        };
        let environment = Environment::from_lookup(lookup);
        StorageConfig::from_environment(&environment).unwrap();
        ServerConfig::from_environment(&environment).unwrap();
        LogConfig::from_environment(&environment).unwrap();
    }
    asked.into_inner()
}

#[test]
fn every_variable_is_one_that_the_program_reads_and_none_is_missing() {
    let known = known();
    assert!(known.contains("LOCAL_STORAGE_DIR") && known.contains("S3_PREFIX"), "{known:?}");
    for (name, container) in containers() {
        let credentials = |variable: &&String| !variable.starts_with("AWS_") || name != "compose";
        let unknown: Vec<_> =
            container.environment.keys().filter(|v| !known.contains(*v)).filter(credentials).collect();
        assert_eq!(unknown, Vec::<&String>::new(), "{name}");
        let environment = Environment::from_lookup(|variable| container.environment.get(variable).cloned());
        let store = StorageConfig::from_environment(&environment).unwrap_or_else(|e| panic!("{name}: {e}"));
        let server = ServerConfig::from_environment(&environment).unwrap_or_else(|e| panic!("{name}: {e}"));
        LogConfig::from_environment(&environment).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((server.host.as_str(), u64::from(server.port)), ("0.0.0.0", container.port), "{name}");
        assert!(server.token.is_some(), "{name}: an address that others reach needs a token");
        assert_eq!(matches!(store.storage, Storage::S3 { .. }), name != "docker", "{name}");
    }
}

#[test]
fn all_containers_have_one_user_who_is_not_root_and_nothing_to_write_to() {
    let image = Image::read();
    assert!(image.base.ends_with(":nonroot"), "{}", image.base);
    for (name, container) in containers() {
        assert_eq!(container.user, "65532:65532", "{name}");
        assert!(container.read_only, "{name}");
        assert_eq!(container.arguments, ["serve"], "{name}");
    }
    let hardened = &compose()["services"];
    for service in ["api", "bucket", "s3"] {
        assert_eq!(hardened[service]["cap_drop"], json!(["ALL"]), "{service}");
        assert_eq!(hardened[service]["security_opt"], json!(["no-new-privileges:true"]), "{service}");
        assert_eq!(hardened[service]["read_only"], true, "{service}");
    }
    assert_eq!(ecs_server(&ecs())["LinuxParameters"]["Capabilities"]["Drop"], json!(["ALL"]));
}

#[test]
fn ports_and_probes_are_those_of_the_server() {
    let (image, objects, template) = (Image::read(), kubernetes(), ecs());
    let port = u64::from(image.port);
    for (name, container) in containers() {
        assert_eq!(container.port, port, "{name}");
    }
    assert!(
        strings(&compose()["services"]["api"]["ports"])[0].starts_with("127.0.0.1:"),
        "this machine only"
    );

    let server = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(of_kind(&objects, "Service")["spec"]["ports"][0]["targetPort"], server["ports"][0]["name"]);
    for (probe, path) in
        [("startupProbe", "/health"), ("livenessProbe", "/health"), ("readinessProbe", "/health")]
    {
        let expected = json!({ "path": path, "port": server["ports"][0]["name"] });
        assert_eq!(server[probe]["httpGet"], expected, "{probe}");
    }

    let of = |resource: &str| template["Resources"][resource]["Properties"].clone();
    assert_eq!(
        (&of("TargetGroup")["Port"], &of("TargetGroup")["HealthCheckPath"]),
        (&port.into(), &"/health".into())
    );
    assert_eq!(of("Service")["LoadBalancers"][0]["ContainerPort"], port);
    for rule in [&of("TaskSecurityGroup")["SecurityGroupIngress"][0], &of("LoadBalancerToTasks")] {
        assert_eq!((&rule["FromPort"], &rule["ToPort"]), (&port.into(), &port.into()));
    }
    let check = strings(&ecs_server(&template)["HealthCheck"]["Command"]);
    assert_eq!(check, [vec!["CMD".to_owned()], image.health.clone()].concat());
    assert_eq!(image.health, [image.entrypoint[0].clone(), "health".into()]);
    assert!(image.copied.contains(&image.entrypoint[0]));
}

/// A constant of the program, in seconds.
fn constant(file: &str, name: &str) -> u64 {
    let code = fs::read_to_string(root().join(file)).unwrap();
    let definition = format!("const {name}: Duration = Duration::from_secs(");
    let (_, rest) = code.split_once(&definition).unwrap_or_else(|| panic!("{file} has no {name}"));
    rest.split_once(')').unwrap().0.parse().unwrap()
}

#[test]
fn nothing_ends_a_server_or_a_connection_before_its_time() {
    let serve = "cli/src/serve.rs";
    let drain = constant(serve, "DRAIN") + constant(serve, "LAST_WRITES");
    assert_eq!(Image::read().stop_signal, "SIGTERM");
    for (name, container) in containers() {
        assert!(container.grace > drain, "{name}: {} seconds for a drain of {drain}", container.grace);
    }
    let (template, longest) = (ecs(), constant("shared/http/src/app.rs", "DEADLINE"));
    let attribute = |resource: &str, list: &str, key: &str| -> u64 {
        let attributes = template["Resources"][resource]["Properties"][list].as_array().unwrap().clone();
        let found = attributes.into_iter().find(|attribute| attribute["Key"] == key).unwrap();
        found["Value"].as_str().unwrap().parse().unwrap()
    };
    let idle = attribute("LoadBalancer", "LoadBalancerAttributes", "idle_timeout.timeout_seconds");
    assert!(longest < idle && idle < constant("cli/src/listen.rs", "IDLE_TIMEOUT"), "{idle}");
    let leave = attribute("TargetGroup", "TargetGroupAttributes", "deregistration_delay.timeout_seconds");
    assert!(leave > longest, "{leave}");
}

#[test]
fn a_health_check_waits_longer_than_its_command() {
    let patience = constant("cli/src/health.rs", "PATIENCE");
    let dockerfile = fs::read_to_string(root().join("deploy/docker/Dockerfile")).unwrap();
    assert!(dockerfile.contains("--timeout=3s") && 3 > patience);
    assert!(ecs_server(&ecs())["HealthCheck"]["Timeout"].as_u64().unwrap() > patience);
}

/// The files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn no_secret_is_in_git() {
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap();
    for made_by_users in ["/deploy/docker/.env", "/deploy/kubernetes/overlays/*/token.env"] {
        assert!(ignored.lines().any(|line| line == made_by_users), "{made_by_users}");
    }
    let is_a_word = |value: &str| value.starts_with(|c: char| c.is_ascii_alphanumeric());
    for file in files(&root().join("deploy")) {
        if file.ends_with(".env") || file.ends_with("token.env") {
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let assigned = |line: &&str| line.split_once("API_TOKEN=").is_some_and(|(_, value)| is_a_word(value));
        assert_eq!(text.lines().find(assigned), None, "{}", file.display());
    }
    let secret = &ecs()["Resources"]["Token"]["Properties"];
    assert_eq!(
        (&secret["SecretString"], &secret["GenerateSecretString"]["PasswordLength"]),
        (&Value::Null, &48.into())
    );
}

#[test]
fn versions_are_those_of_the_project() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let of = |key: &str| {
        let line = manifest.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
        line.split('"').nth(1).unwrap().to_owned()
    };
    let (version, image, objects) = (of("version"), Image::read(), kubernetes());
    assert_eq!(image.bases[0], format!("rust:{}-trixie", of("rust-version")));
    assert_eq!(image.arguments["VERSION"], version);
    let services = compose()["services"].clone();
    assert_eq!(services["api"]["image"], format!("design-analysis:{version}"));
    for objects in [objects, helm::objects(&[])] {
        let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"];
        let image = pod["containers"][0]["image"].as_str().unwrap();
        assert!(image.ends_with(&format!("/design-analysis:{version}")), "{image}");
    }
    let chart = fs::read_to_string(root().join("deploy/helm/Chart.yaml")).unwrap();
    assert!(chart.lines().any(|line| line == format!("version: {version}")), "{chart}");
    let tools = fs::read_to_string(root().join(".config/requirements-dev.txt")).unwrap();
    for service in ["s3", "bucket"] {
        let (name, tag) = services[service]["image"].as_str().unwrap().split_once(':').unwrap();
        assert_eq!(name, "ministackorg/ministack");
        assert!(tools.lines().any(|line| line == format!("ministack=={tag}")), "{service}: {tag}");
    }
}

#[test]
fn the_build_context_holds_every_member_of_the_workspace() {
    let rules = fs::read_to_string(root().join(".dockerignore")).unwrap();
    let directory = TempDir::new().unwrap();
    for rule in rules.lines().filter_map(|line| line.strip_prefix('!')) {
        output(Command::new("cp").arg("-r").arg(root().join(rule)).arg(directory.path()));
    }
    assert!(rules.lines().any(|line| line == "**/tests"));
    output(
        Command::new("find").arg(directory.path()).args(["-name", "tests", "-exec", "rm", "-r", "{}", "+"]),
    );
    let metadata = output(
        Command::new("cargo")
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .current_dir(directory.path()),
    );
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let names: Vec<_> =
        metadata["packages"].as_array().unwrap().iter().map(|package| &package["name"]).collect();
    assert!(names.contains(&&json!("design-analysis")), "{names:?}");
}
