//! `samconfig.toml`, as SAM reads it, and what deploying again does to a stack that exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{checked, defaults, schemas, text};
use crate::harness::root;
use crate::stack::python;

const STAGES: [&str; 2] = ["dev", "prod"];

/// What SAM makes of `sam deploy` with these arguments, in this directory.
pub(super) fn deploying(directory: &Path, arguments: &[&str]) -> Value {
    let mut sam = python();
    sam.arg(root().join("cli/tests/e2e/template/sam.py")).arg("deploy").args(arguments);
    sam.envs([("SAM_CLI_TELEMETRY", "0"), ("AWS_DEFAULT_REGION", "us-east-1")]);
    checked(sam.current_dir(directory))
}

fn stage(name: &str) -> Value {
    deploying(&root(), &["--config-env", name])
}

/// A directory with the template, and with a stage `own` that sets these parameters.
fn own_stage(parameters: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::copy(root().join("template.yaml"), directory.path().join("template.yaml")).unwrap();
    let config = format!(
        "version = 0.1\n[own.deploy.parameters]\ntemplate_file = \"template.yaml\"\nstack_name = \"own\"\n\
         [own.deploy.parameters.parameter_overrides]\n{parameters}"
    );
    fs::write(directory.path().join("samconfig.toml"), config).unwrap();
    directory
}

fn names(pairs: &Value) -> BTreeSet<&str> {
    pairs.as_object().unwrap().keys().map(String::as_str).collect()
}

/// To a parameter that is not listed SAM gives the value that the stack has, not the default.
#[test]
fn every_stage_sets_every_parameter() {
    let declared = names(&defaults()["Parameters"]);
    let partial = own_stage("LogLevel = \"WARN\"\n");
    let sent = deploying(partial.path(), &["--config-env", "own"])["parameters"].clone();
    let kept = sent.as_array().unwrap().iter().filter(|one| one["UsePreviousValue"] == true).count();
    assert_eq!(kept, declared.len() - 1, "SAM keeps what is not listed");
    for name in STAGES {
        let stage = stage(name);
        assert_eq!(names(&stage["options"]["parameter_overrides"]), declared, "{name}");
        let sent = stage["parameters"].as_array().unwrap();
        assert!(sent.iter().all(|one| one["ParameterValue"].is_string()), "{name}: {sent:?}");
    }
}

#[test]
fn a_stage_differs_from_the_defaults_only_where_it_means_to() {
    let differing = |name: &str| -> Vec<String> {
        let stage = stage(name);
        let set = stage["options"]["parameter_overrides"].as_object().unwrap().clone();
        let default = |name: &str| match &defaults()["Parameters"][name]["Default"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let differing = set.iter().filter(|(name, value)| text(value) != default(name));
        differing.map(|(name, value)| format!("{name}={}", text(value))).collect()
    };
    let mut dev = differing("dev");
    dev.sort();
    assert_eq!(dev, ["LogLevel=DEBUG", "LogRetentionDays=7", "OldVersionDays=7"]);
    assert_eq!(differing("prod"), Vec::<String>::new());
}

#[test]
fn a_parameter_is_cleared_by_an_empty_text_or_list() {
    let cleared = own_stage("AlarmEmail = \"\"\nCorsOrigins = []\n");
    let sent = deploying(cleared.path(), &["--config-env", "own"])["parameters"].clone();
    for name in ["AlarmEmail", "CorsOrigins"] {
        assert!(
            sent.as_array().unwrap().contains(&json!({ "ParameterKey": name, "ParameterValue": "" })),
            "{sent}"
        );
    }
    // As `make cloud` spells it for the command line.
    let words = ["--config-env", "own", "--parameter-overrides", "AlarmEmail=\"\""];
    let given = deploying(cleared.path(), &words)["options"]["parameter_overrides"].clone();
    assert_eq!(given, json!({ "AlarmEmail": "" }));
}

/// Whether CloudFormation would take this value for the parameter.
fn is_allowed(parameter: &str, value: &str) -> bool {
    let pattern = text(&defaults()["Parameters"][parameter]["AllowedPattern"]);
    let mut matcher = python();
    matcher.args(["-c", "import re, sys; print(int(bool(re.fullmatch(*sys.argv[1:]))))", pattern, value]);
    checked(&mut matcher) == 1
}

#[test]
fn a_value_that_lost_what_follows_a_blank_is_refused() {
    let stage = own_stage("");
    let parsed = |word: &str| {
        let answer = deploying(stage.path(), &["--config-env", "own", "--parameter-overrides", word]);
        text(&answer["options"]["parameter_overrides"]["RepairSchedule"]).to_owned()
    };
    let schedule = "cron(0 1 * * ? *)";
    let cut = parsed(&format!("RepairSchedule={schedule}"));
    assert_eq!(cut, "cron(0");
    assert!(!is_allowed("RepairSchedule", &cut));
    assert_eq!(parsed(&format!("RepairSchedule=\"{schedule}\"")), schedule);
    for whole in [schedule, "cron(20 3 * * ? *)", "rate(12 hours)"] {
        assert!(is_allowed("RepairSchedule", whole), "{whole}");
    }
    assert!(is_allowed("CorsOrigins", "https://app.example.com") && is_allowed("CorsOrigins", "*"));
    assert!(!is_allowed("CorsOrigins", "https://a.example, https://b.example"));
}

/// The block of docs/deploy.md, run through SAM.
#[test]
fn the_documented_parameters_arrive_whole() {
    let page = fs::read_to_string(root().join("docs/deploy.md")).unwrap();
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let stage = own_stage(rest.split_once("```").unwrap().0);
    let set = deploying(stage.path(), &["--config-env", "own"])["options"]["parameter_overrides"].clone();
    let expected = json!({ "RepairSchedule": "cron(0 1 * * ? *)", "AlarmEmail": "",
        "CorsOrigins": "https://app.example.com,https://admin.example.com" });
    assert_eq!(set, expected);
    assert!(is_allowed("RepairSchedule", text(&set["RepairSchedule"])));
}

/// Without a name SAM prefers what a `sam build` has left.
#[test]
fn a_stage_names_its_template() {
    let directory = tempfile::tempdir().unwrap();
    for file in ["template.yaml", "samconfig.toml"] {
        fs::copy(root().join(file), directory.path().join(file)).unwrap();
    }
    let built = directory.path().join(".aws-sam/build");
    fs::create_dir_all(&built).unwrap();
    fs::copy(root().join("template.yaml"), built.join("template.yaml")).unwrap();
    for name in STAGES {
        let stage = deploying(directory.path(), &["--config-env", name]);
        let file = Path::new(text(&stage["options"]["template_file"])).canonicalize().unwrap();
        assert_eq!(file, directory.path().join("template.yaml").canonicalize().unwrap(), "{name}");
    }
}

/// AWS CloudFormation User Guide, "Understand CloudFormation quotas": 51,200 bytes in a request, 1 MB in S3.
#[test]
fn the_template_goes_over_s3_where_it_may_be_large() {
    for name in STAGES {
        assert_eq!(stage(name)["options"]["resolve_s3"], true, "{name}");
    }
    assert!(fs::metadata(root().join("template.yaml")).unwrap().len() < 500_000);
}

/// To CloudFormation the attribute of another resource may have changed whenever that resource has. In a property
/// whose change means replacement it makes change sets cry wolf. What may look so holds nothing.
#[test]
fn nothing_that_holds_data_looks_replaced_when_another_resource_changes() {
    let found = schemas()["references"].clone();
    let found: BTreeSet<_> = found.as_array().unwrap().iter().map(|one| text(&one[0]).to_owned()).collect();
    let harmless = ["BackupSelection", "RepairFunctionDailyPermission", "RepairFunctionGoOnPermission"];
    assert_eq!(found, harmless.map(str::to_owned).into());
}
