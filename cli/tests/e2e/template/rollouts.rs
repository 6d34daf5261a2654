//! Versions of the functions, the alias that callers get, and how it moves from one to the next.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{defaults, resources, stack, text};
use crate::privileges::{FUNCTIONS, Function};

const CANARY: &str = "Rollout=Canary10Percent5Minutes";

/// The functions that answer requests.
fn called() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().filter(|function| function.name != "repair")
}

/// The version that an alias names, with its description.
fn version(stack: &Value, function: &Function) -> (String, String) {
    let aliases = resources(stack, "AWS::Lambda::Alias");
    let alias = aliases[format!("{}FunctionAliaslive", function.resource).as_str()];
    assert_eq!(alias["Name"], "live");
    let version = text(&alias["FunctionVersion"]["Fn::GetAtt"][0]).to_owned();
    let description = resources(stack, "AWS::Lambda::Version")[version.as_str()]["Description"].clone();
    (version, text(&description).to_owned())
}

#[test]
fn callers_get_the_version_that_an_alias_names() {
    let stack = defaults();
    let aliases = resources(stack, "AWS::Lambda::Alias");
    assert_eq!(aliases.len(), called().count());
    let integrations = resources(stack, "AWS::ApiGatewayV2::Integration");
    for function in called() {
        let alias = json!({ "Ref": format!("{}FunctionAliaslive", function.resource) });
        assert_eq!(
            integrations[format!("{}Integration", function.resource).as_str()]["IntegrationUri"],
            alias
        );
        let (version, _) = version(stack, function);
        assert_eq!(stack["Resources"][version]["DeletionPolicy"], "Retain");
    }
}

/// SAM names a version by the properties of its function as they are written, in which parameters are not resolved. What
/// CloudFormation makes a new version of is another description.
#[test]
fn whatever_a_function_runs_with_makes_a_new_version() {
    let function = called().next().unwrap();
    let (name, before) = version(defaults(), function);
    for changed in [
        "Architecture=arm64",
        "LogLevel=DEBUG",
        "MaxDocumentBytes=1000",
        "RetentionDays=700",
        "BucketName=other",
        "ExistingBucketName=other",
        "S3Prefix=other",
        "KmsKeyArn=arn:aws:kms:us-east-1:000000000000:key/1",
    ] {
        let stack = stack(&[changed]);
        let (same, after) = version(&stack, function);
        assert_eq!(same, name, "SAM sees no difference by {changed}");
        assert_ne!(after, before, "{changed}");
    }
    let variables = |stack: &Value| {
        let functions = resources(stack, "AWS::Lambda::Function");
        functions["SaveFunction"]["Environment"]["Variables"].as_object().unwrap().len()
    };
    // Its description is to have what a new one says. STORAGE_TYPE, S3_REGION and S3_EXPECTED_OWNER never change.
    assert_eq!(variables(defaults()), 9);
    assert_eq!(variables(&stack(&["KmsKeyArn=arn:aws:kms:us-east-1:000000000000:key/1"])), 10);
    let longest = [
        format!("BucketName={}", "b".repeat(63)),
        format!("S3Prefix={}", "p".repeat(64)),
        "MaxDocumentBytes=33554432".into(),
        "RetentionDays=36500".into(),
        format!("KmsKeyArn=arn:aws-us-gov:kms:us-gov-west-1:000000000000:key/mrk-{}", "0".repeat(32)),
    ];
    let longest: Vec<_> = longest.iter().map(String::as_str).collect();
    // AWS Lambda API Reference, "PublishVersion".
    assert!(version(&stack(&longest), function).1.len() <= 256);
}

#[test]
fn a_canary_is_rolled_back_by_an_alarm() {
    let stack = stack(&[CANARY]);
    let groups = resources(&stack, "AWS::CodeDeploy::DeploymentGroup");
    assert_eq!(groups.len(), called().count());
    for Function { resource, .. } in called() {
        let name = format!("{resource}FunctionDeploymentGroup");
        let group = groups[name.as_str()];
        assert_eq!(group["DeploymentConfigName"], "CodeDeployDefault.LambdaCanary10Percent5Minutes");
        let alarms = json!([{ "Name": { "Ref": format!("{resource}ErrorsAlarm") } }, { "Name": { "Ref": "ServerErrorAlarm" } }]);
        assert_eq!(group["AlarmConfiguration"], json!({ "Enabled": true, "Alarms": alarms }));
        let events = group["AutoRollbackConfiguration"]["Events"].to_string();
        assert!(
            events.contains("DEPLOYMENT_STOP_ON_ALARM") && events.contains("DEPLOYMENT_FAILURE"),
            "{events}"
        );
        assert_eq!(group["ServiceRoleArn"], json!({ "Fn::GetAtt": ["RolloutRole", "Arn"] }));
        let alias = &stack["Resources"][format!("{resource}FunctionAliaslive")];
        assert_eq!(
            alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"],
            json!({ "Ref": name })
        );
    }
    let role = resources(&stack, "AWS::IAM::Role")["RolloutRole"];
    let statements = &role["Policies"][0]["PolicyDocument"]["Statement"];
    let aliases = "arn:aws:lambda:us-east-1:000000000000:function:design-analysis-*";
    assert_eq!(statements[0]["Resource"], aliases);
}

#[test]
fn nothing_of_codedeploy_is_there_unless_chosen() {
    let kinds = |stack: &Value| -> BTreeSet<String> {
        let all = stack["Resources"].as_object().unwrap().values();
        all.map(|resource| text(&resource["Type"]).to_owned()).collect()
    };
    let is_codedeploy = |kind: &String| kind.starts_with("AWS::CodeDeploy");
    assert!(!kinds(defaults()).iter().any(is_codedeploy));
    assert!(kinds(&stack(&[CANARY])).iter().any(is_codedeploy));
    assert!(!resources(defaults(), "AWS::IAM::Role").contains_key("RolloutRole"));
    // Each way that is allowed is one that SAM knows.
    for rollout in defaults()["Parameters"]["Rollout"]["AllowedValues"].as_array().unwrap() {
        let rollout = text(rollout);
        let stack = stack(&[&format!("Rollout={rollout}")]);
        for group in resources(&stack, "AWS::CodeDeploy::DeploymentGroup").values() {
            assert_eq!(group["DeploymentConfigName"], format!("CodeDeployDefault.Lambda{rollout}"));
        }
    }
}
