//! What the functions' roles may do.

use serde_json::{Value, json};

use super::{BUCKET, PREFIX, defaults, resources, stack};
use crate::privileges::{FUNCTIONS, Function, Keys};

/// The statements that the table of privileges asks for, with a key of KMS if there is one.
fn expected(function: Function, key: Option<&str>) -> Value {
    let objects =
        |keys: &[Keys]| one_or_all(keys.iter().map(|k| format!("{BUCKET}/{PREFIX}/{}", k.pattern())));
    let list = |sid: &str, action: &str, keys: &[Keys]| {
        let prefixes: Vec<_> = keys.iter().map(|k| format!("{PREFIX}/{}", k.pattern())).collect();
        json!({ "Sid": sid, "Effect": "Allow", "Action": action, "Resource": BUCKET,
            "Condition": { "StringLike": { "s3:prefix": prefixes } } })
    };
    let allow = |sid: &str, action: Value, resource: Value| json!({ "Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource });
    let mut statements = Vec::new();
    if !function.get.is_empty() {
        statements.push(allow("Read", "s3:GetObject".into(), objects(function.get)));
    }
    if function.versions {
        let documents = objects(&[Keys::Documents]);
        statements.push(allow("ReadVersions", "s3:GetObjectVersion".into(), documents));
    }
    for (sid, action, keys) in
        [("Write", "s3:PutObject", function.put), ("Remove", "s3:DeleteObject", function.delete)]
    {
        if !keys.is_empty() {
            statements.push(allow(sid, action.into(), objects(keys)));
        }
    }
    statements.push(list("List", "s3:ListBucket", function.list));
    if function.versions {
        statements.push(list("ListVersions", "s3:ListBucketVersions", &[Keys::Documents]));
    }
    if function.describe {
        let actions = json!(["s3:GetBucketVersioning", "s3:GetEncryptionConfiguration"]);
        statements.push(allow("DescribeBucket", actions, BUCKET.into()));
    }
    statements.push(json!({ "Sid": "OwnAccount", "Effect": "Deny", "Action": "s3:*", "Resource": "*",
        "Condition": { "StringNotEquals": { "aws:ResourceAccount": "000000000000" },
            "Null": { "aws:ResourceAccount": "false" } } }));
    statements.extend(key.and_then(|key| use_of(key, function)));
    let logs = json!({ "Fn::GetAtt": [format!("{}Logs", function.resource), "Arn"] });
    statements.push(allow("Log", json!(["logs:CreateLogStream", "logs:PutLogEvents"]), logs));
    let trace = json!(["xray:PutTraceSegments", "xray:PutTelemetryRecords"]);
    statements.push(allow("Trace", trace, "*".into()));
    statements.into()
}

/// What a key is used for by who reads, and by who writes objects.
fn use_of(key: &str, function: Function) -> Option<Value> {
    let reads = (!function.get.is_empty()).then_some("kms:Decrypt");
    let writes = (!function.put.is_empty()).then_some("kms:GenerateDataKey");
    let actions: Vec<_> = reads.into_iter().chain(writes).map(str::to_owned).collect();
    let statement = || {
        json!({ "Sid": "Key", "Effect": "Allow", "Action": one_or_all(actions.iter().cloned()), "Resource": key,
            "Condition": { "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } } })
    };
    (!actions.is_empty()).then(statement)
}

fn one_or_all(resources: impl Iterator<Item = String>) -> Value {
    let mut all: Vec<String> = resources.collect();
    if all.len() == 1 { all.remove(0).into() } else { all.into() }
}

#[test]
fn each_function_has_a_role_of_its_own_with_just_its_permissions() {
    let stack = defaults();
    let roles = resources(stack, "AWS::IAM::Role");
    assert_eq!(roles.len(), FUNCTIONS.len());
    for function in FUNCTIONS {
        let name = format!("{}Role", function.resource);
        let role = roles[name.as_str()];
        let lambda =
            &resources(stack, "AWS::Lambda::Function")[format!("{}Function", function.resource).as_str()];
        assert_eq!(lambda["Role"], json!({ "Fn::GetAtt": [name, "Arn"] }));
        assert_eq!(role["ManagedPolicyArns"], Value::Null, "{name}");
        assert_eq!(role["Policies"].as_array().unwrap().len(), 1, "{name}");
        assert_eq!(role["Policies"][0]["PolicyName"], function.name);
        assert_eq!(role["Policies"][0]["PolicyDocument"]["Statement"], expected(function, None), "{name}");
        let trust = &role["AssumeRolePolicyDocument"]["Statement"];
        let lambda_only = json!([{ "Effect": "Allow", "Principal": { "Service": "lambda.amazonaws.com" },
            "Action": "sts:AssumeRole" }]);
        assert_eq!(*trust, lambda_only, "{name}");
    }
}

/// Amazon S3 User Guide, "Using server-side encryption with AWS KMS keys": reading takes `kms:Decrypt`, writing
/// `kms:GenerateDataKey`. A LIST takes neither.
#[test]
fn a_key_may_be_used_by_just_the_functions_that_read_and_write_objects() {
    let key = "arn:aws:kms:us-east-1:000000000000:key/1";
    let stack = stack(&[&format!("KmsKeyArn={key}")]);
    let roles = resources(&stack, "AWS::IAM::Role");
    for function in FUNCTIONS {
        let name = format!("{}Role", function.resource);
        let statements = &roles[name.as_str()]["Policies"][0]["PolicyDocument"]["Statement"];
        assert_eq!(*statements, expected(function, Some(key)), "{name}");
        assert_eq!(statements.to_string().contains("kms:"), function.name != "list", "{name}");
    }
}

#[test]
fn the_permissions_follow_bucket_and_prefix() {
    let stack = stack(&["ExistingBucketName=other-bucket", "S3Prefix=team/a"]);
    assert!(
        !stack.to_string().contains(BUCKET)
            && !stack["Resources"]["SaveRole"].to_string().contains("design-analysis/")
    );
    let statements =
        &resources(&stack, "AWS::IAM::Role")["SaveRole"]["Policies"][0]["PolicyDocument"]["Statement"];
    assert_eq!(statements[0]["Resource"][0], "arn:aws:s3:::other-bucket/team/a/analysis/*");
    assert_eq!(statements[3]["Resource"], "arn:aws:s3:::other-bucket");
    assert_eq!(statements[3]["Condition"]["StringLike"]["s3:prefix"][0], "team/a/metadata/index/*");
}
