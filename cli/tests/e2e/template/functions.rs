//! The functions and their surroundings.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use analysis_http::telemetry::LogConfig;
use analysis_storage::config::{Environment, Storage};
use analysis_storage::{Retention, StorageConfig};
use serde_json::{Value, json};

use super::{BUCKET, defaults, resources, stack, text};
use crate::harness::root;
use crate::privileges::{FUNCTIONS, Function};

#[test]
fn their_variables_are_a_configuration_of_the_same_bucket_and_retention() {
    let stack = stack(&["RetentionDays=700", "LogLevel=DEBUG", "S3Prefix=team/a"]);
    for (name, function) in resources(&stack, "AWS::Lambda::Function") {
        let variables = function["Environment"]["Variables"].as_object().unwrap();
        let asked = RefCell::new(BTreeSet::new());
        let environment = Environment::from_lookup(|variable| {
            asked.borrow_mut().insert(variable.to_owned());
            variables.get(variable).map(|value| text(value).to_owned())
        });
        let config = StorageConfig::from_environment(&environment).unwrap();
        let log = LogConfig::from_environment(&environment).unwrap();
        let unknown: Vec<_> = variables.keys().filter(|name| !asked.borrow().contains(*name)).collect();
        assert_eq!(unknown, Vec::<&String>::new(), "{name} has variables that nobody reads");
        let Storage::S3 { settings, prefix } = config.storage else { panic!("{name} is not on S3") };
        assert_eq!(format!("arn:aws:s3:::{}", settings.bucket), BUCKET);
        assert_eq!(
            (settings.region.as_str(), settings.endpoint_url, prefix.as_str()),
            ("us-east-1", None, "team/a")
        );
        assert_eq!(config.retention, Retention::days(700));
        assert_eq!((config.max_document_bytes, log.filter.as_deref()), (6_291_456, Some("debug")));
    }
}

#[test]
fn they_ask_for_the_encryption_of_the_bucket_and_expect_its_owner() {
    let key = "KmsKeyArn=arn:aws:kms:us-east-1:000000000000:key/1";
    let arn = key.split_once('=').unwrap().1;
    for (parameters, sse, id) in [(&[][..], "AES256", Value::Null), (&[key], "aws:kms", arn.into())] {
        let stack = stack(parameters);
        for (name, function) in resources(&stack, "AWS::Lambda::Function") {
            let variables = &function["Environment"]["Variables"];
            assert_eq!((&variables["S3_SSE"], &variables["S3_KMS_KEY_ID"]), (&sse.into(), &id), "{name}");
            assert_eq!(variables["S3_EXPECTED_OWNER"], "000000000000", "{name}");
        }
    }
}

#[test]
fn each_runs_its_own_binary_and_ends_before_the_gateway_gives_up() {
    for architecture in ["x86_64", "arm64"] {
        let stack = stack(&[&format!("Architecture={architecture}")]);
        let functions = resources(&stack, "AWS::Lambda::Function");
        assert_eq!(functions.len(), FUNCTIONS.len());
        for Function { name, resource, .. } in FUNCTIONS {
            let function = functions[format!("{resource}Function").as_str()];
            assert_eq!(function["Code"]["S3Key"], format!("target/lambda/{name}/"));
            assert!(root().join("functions").join(name).is_dir());
            assert_eq!(
                (&function["Runtime"], &function["Handler"]),
                (&"provided.al2023".into(), &"bootstrap".into())
            );
            assert_eq!(function["Architectures"], json!([architecture]));
            assert_eq!(function["TracingConfig"]["Mode"], "Active");
            let logs = json!({ "LogFormat": "JSON", "ApplicationLogLevel": "INFO",
                "LogGroup": { "Ref": format!("{resource}Logs") } });
            assert_eq!(function["LoggingConfig"], logs);
            let memory = match name {
                "save" | "load" => 512,
                "repair" => 1024,
                _ => 256,
            };
            assert_eq!(function["MemorySize"], memory, "{name}");
            let limit = if name == "repair" { 900 } else { 29 };
            assert_eq!(function["Timeout"], limit, "{name}");
        }
    }
}

/// Lambda refuses a reservation that leaves less than its minimum to others, so that none is made unasked.
#[test]
fn concurrency_is_reserved_where_asked_for_and_nowhere_else() {
    let reserved = |parameters: &[&str]| -> BTreeMap<String, Value> {
        let stack = stack(parameters);
        let functions = resources(&stack, "AWS::Lambda::Function");
        functions
            .iter()
            .map(|(name, f)| ((*name).to_owned(), f["ReservedConcurrentExecutions"].clone()))
            .collect()
    };
    let none = reserved(&[]);
    assert_eq!(none.len(), FUNCTIONS.len());
    assert!(none.values().all(Value::is_null), "{none:?}");
    let sizes = FUNCTIONS.iter().enumerate().map(|(n, f)| format!("{}Concurrency={}", f.resource, n + 1));
    let sizes: Vec<String> = sizes.collect();
    let all = reserved(&sizes.iter().map(String::as_str).collect::<Vec<_>>());
    for (n, Function { resource, .. }) in FUNCTIONS.iter().enumerate() {
        assert_eq!(all[&format!("{resource}Function")], (n + 1).to_string(), "{resource}");
    }
}

/// AWS Lambda Developer Guide, "Understanding Lambda function scaling": requests a second times their seconds. New
/// accounts may run ten functions at once.
#[test]
fn the_throttle_lets_through_what_a_new_account_can_run() {
    let default =
        |name: &str| defaults()["Parameters"][name]["Default"].as_u64().unwrap_or_else(|| panic!("{name}"));
    let milliseconds = 200;
    let at_once = default("RequestBurst") + default("RequestsPerSecond") * milliseconds / 1000;
    let repair = 1;
    assert!(at_once + repair <= 10, "{at_once}");
}

#[test]
fn repair_runs_every_day_and_goes_on_where_it_left_off() {
    let rules = resources(defaults(), "AWS::Events::Rule");
    let rule = rules["RepairFunctionDaily"];
    assert_eq!(rule["ScheduleExpression"], "cron(20 3 * * ? *)");
    assert_eq!(rule["Targets"][0]["Arn"], json!({ "Fn::GetAtt": ["RepairFunction", "Arn"] }));
    let rule = rules["RepairFunctionGoOn"];
    assert_eq!(rule["ScheduleExpression"], "rate(15 minutes)");
    assert_eq!(rule["Targets"][0]["Input"], r#"{"only_go_on": true}"#);
}

#[test]
fn logs_are_kept_for_a_limited_time() {
    let stack = stack(&["LogRetentionDays=14"]);
    let groups = resources(&stack, "AWS::Logs::LogGroup");
    assert_eq!(groups.len(), FUNCTIONS.len() + 1);
    assert!(groups.values().all(|group| group["RetentionInDays"] == "14"), "{groups:?}");
}

/// A group that stays has the name of its stack's id, so that it is not in the way of the next stack of that name.
#[test]
fn the_access_log_outlives_the_stack() {
    let group = &defaults()["Resources"]["AccessLogs"];
    assert_eq!(
        (&group["DeletionPolicy"], &group["UpdateReplacePolicy"]),
        (&"RetainExceptOnCreate".into(), &"Retain".into())
    );
    let name = text(&group["Properties"]["LogGroupName"]);
    assert_eq!(name, "/aws/vendedlogs/design-analysis/access-00000000-0000-0000-0000-000000000000");
}
