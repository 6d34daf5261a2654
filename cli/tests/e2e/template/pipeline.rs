//! `deploy/aws/pipeline.yaml`: who may deploy, and that it is neither less nor more than the template takes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use super::deploying::deploying;
use super::{EVERYTHING, checked, resolved, resources, schemas, stack, text, texts};
use crate::harness::root;
use crate::stack::python;

/// Of features that the template does not use. What reads settings is not among them: CloudFormation reads them all.
const UNUSED: &[&str] = &[
    "billing:GetBillingViewData",
    "backup:DeleteBackupVaultAccessPolicy",
    "backup:DeleteBackupVaultLockConfiguration",
    "backup:DeleteBackupVaultNotifications",
    "backup:PutBackupVaultAccessPolicy",
    "backup:PutBackupVaultLockConfiguration",
    "backup:PutBackupVaultNotifications",
    "cloudfront:CreateConnectionGroup",
    "cloudfront:CreateDistributionWithTags",
    "cloudfront:GetConnectionGroup",
    "cloudfront:GetVpcOrigin",
    "cloudfront:ListDistributions",
    "cloudfront:UpdateDistributionWithStagingConfig",
    "codedeploy:RegisterOnPremisesInstance",
    "ec2:DescribeNetworkInterfaces",
    "elasticfilesystem:DescribeMountTargets",
    "firehose:TagDeliveryStream",
    // Never: it would take the boundary off.
    "iam:DeleteRolePermissionsBoundary",
    "iam:AttachRolePolicy",
    "iam:DetachRolePolicy",
    "kms:Encrypt",
    "lambda:AssociateRuntimeAlias",
    "lambda:DeleteFunctionCodeSigningConfig",
    "lambda:GetCodeSigningConfig",
    "lambda:GetLayerVersion",
    "lambda:PassCapacityProvider",
    "lambda:DeleteProvisionedConcurrencyConfig",
    "lambda:PutProvisionedConcurrencyConfig",
    "lambda:PutFunctionCodeSigningConfig",
    "lambda:PutFunctionRecursionConfig",
    "lambda:PutFunctionScalingConfig",
    "lambda:PutRuntimeManagementConfig",
    "logs:AssociateKmsKey",
    "logs:DeleteDataProtectionPolicy",
    "logs:DeleteIndexPolicy",
    "logs:DeleteResourcePolicy",
    "logs:DisassociateKmsKey",
    "logs:PutBearerTokenAuthentication",
    "logs:PutDataProtectionPolicy",
    "logs:PutIndexPolicy",
    "logs:PutLogGroupDeletionProtection",
    "s3:CreateBucketMetadataTableConfiguration",
    "s3:DeleteBucketAnalyticsConfiguration",
    "s3:DeleteBucketMetadataTableConfiguration",
    "s3:DeleteBucketWebsite",
    // Of objects, which CloudFormation never needs to touch.
    "s3:DeleteObject",
    "s3:PutObjectAcl",
    "s3:PutAccelerateConfiguration",
    "s3:PutAnalyticsConfiguration",
    "s3:PutBucketAbac",
    "s3:PutBucketAcl",
    "s3:PutBucketLogging",
    "s3:PutBucketNotification",
    "s3:PutBucketWebsite",
    "s3:PutIntelligentTieringConfiguration",
    "s3:PutInventoryConfiguration",
    "sns:PutDataProtectionPolicy",
    "vpce:AllowMultiRegion",
];
/// Names in AWS's schemas that no action of IAM has.
const NO_ACTIONS: &[&str] = &[
    "apigateway:TagResource",
    "apigateway:UntagResource",
    "backup-storage:Mount",
    "s3:DeleteBucketCors",
    "s3:DeleteBucketEncryption",
    "s3:DeleteBucketLifecycle",
    "s3:DeleteBucketMetricsConfiguration",
    "s3:DeleteBucketReplication",
    "s3:PutBucketReplication",
    "s3:PutObjectLockConfiguration",
    "s3:PutBucketCORS",
    "s3:REST.PUT.OBJECT",
];
/// Services of features that the template does not use.
const UNUSED_SERVICES: [&str; 3] = ["s3files", "s3tables", "vpc-lattice"];

fn pipeline(parameters: &[&str]) -> Value {
    resolved(&[&["deploy/aws/pipeline.yaml", "Repository=owner/name"], parameters].concat())
}

/// The statements of a role, or of a managed policy.
fn statements(stack: &Value, name: &str) -> Vec<Value> {
    let properties = &stack["Resources"][name]["Properties"];
    let inline = properties["Policies"].as_array().into_iter().flatten();
    let attached = properties["ManagedPolicyArns"].as_array().into_iter().flatten();
    let attached = attached.map(|policy| &stack["Resources"][text(&policy["Ref"])]["Properties"]);
    let documents =
        inline.chain([properties]).chain(attached).map(|policy| &policy["PolicyDocument"]["Statement"]);
    documents.filter_map(Value::as_array).flatten().cloned().collect()
}

fn actions(statements: &[Value]) -> BTreeSet<String> {
    statements.iter().flat_map(|one| texts(&one["Action"])).map(str::to_owned).collect()
}

/// What a role may do, before anything that is denied.
fn granted(stack: &Value, name: &str) -> BTreeSet<String> {
    let statements = statements(stack, name).into_iter().filter(|one| one["Effect"] == "Allow");
    actions(&statements.collect::<Vec<_>>())
}

fn allows(allowed: &BTreeSet<String>, action: &str) -> bool {
    let action = action.to_lowercase();
    allowed.iter().map(|pattern| pattern.to_lowercase()).any(|pattern| {
        pattern.strip_suffix('*').map_or(action == pattern, |beginning| action.starts_with(beginning))
    })
}

#[test]
fn cloudformation_may_do_what_each_type_of_resource_takes() {
    let allowed = actions(&statements(&pipeline(&["VpcEndpoint=allow", "Edge=allow"]), "CloudFormationRole"));
    let of_types: BTreeMap<String, BTreeSet<String>> =
        serde_json::from_value(schemas()["permissions"].clone()).unwrap();
    let mut needed = BTreeSet::new();
    for (kind, permissions) in of_types {
        let permissions = permissions.into_iter().filter(|action| {
            let (service, _) = action.split_once(':').unwrap();
            let is_unused = UNUSED.contains(&action.as_str()) || NO_ACTIONS.contains(&action.as_str());
            !is_unused && !UNUSED_SERVICES.contains(&service) && !action.contains("BucketMetadata")
        });
        let permissions: BTreeSet<_> = permissions.collect();
        let missing: Vec<_> = permissions.iter().filter(|action| !allows(&allowed, action)).collect();
        assert!(missing.is_empty(), "{kind} takes {missing:?}");
        assert!(permissions.iter().any(|action| allows(&allowed, action)), "{kind}");
        needed.extend(permissions);
    }
    let services = |actions: &BTreeSet<String>| -> BTreeSet<String> {
        actions.iter().map(|action| action.split(':').next().unwrap().to_owned()).collect()
    };
    assert_eq!(services(&allowed), services(&needed), "no service that no resource is of");
}

#[test]
fn it_has_no_permission_on_objects_of_the_store() {
    let stack = pipeline(&["VpcEndpoint=allow", "Edge=allow"]);
    for role in ["DeploymentRole", "CloudFormationRole"] {
        for statement in statements(&stack, role).iter().filter(|one| !one["Resource"].is_object()) {
            let objects =
                texts(&statement["Resource"]).into_iter().filter(|resource| resource.contains(":s3:::"));
            for resource in objects.filter(|resource| resource.contains("/*")) {
                assert_eq!(resource, "arn:aws:s3:::aws-sam-cli-managed-default-*/*", "{role}");
            }
        }
    }
}

#[test]
fn a_role_of_the_stack_is_made_within_the_boundary_only() {
    let stack = pipeline(&[]);
    let all = statements(&stack, "CloudFormationRole");
    let bound = json!({ "StringEquals": { "iam:PermissionsBoundary": { "Ref": "Boundary" } } });
    for action in
        ["iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary"]
    {
        for statement in all.iter().filter(|one| texts(&one["Action"]).contains(action)) {
            assert_eq!(statement["Condition"], bound, "{action}");
        }
    }
    let allowed = actions(&all);
    for never in ["iam:DeleteRolePermissionsBoundary", "iam:AttachRolePolicy", "iam:CreatePolicyVersion"] {
        assert!(!allows(&allowed, never), "{never}");
    }
    // The pipeline's own roles and policy are at a path that the stack's roles are not at.
    for name in ["DeploymentRole", "CloudFormationRole", "Options", "Boundary"] {
        assert_eq!(stack["Resources"][name]["Properties"]["Path"], "/pipeline/", "{name}");
    }
    for statement in all.iter().filter(|one| one["Action"].to_string().contains("iam:")) {
        let resource = text(&statement["Resource"]);
        assert!(!resource.contains("role/*") && !resource.contains("pipeline"), "{resource}");
    }
}

#[test]
fn the_boundary_is_no_narrower_than_the_functions_roles() {
    let boundary = actions(&statements(&pipeline(&[]), "Boundary"));
    let arn = "PermissionsBoundaryArn=arn:aws:iam::000000000000:policy/pipeline/boundary";
    let bound = stack(&[&[arn], EVERYTHING].concat());
    let unbound = stack(EVERYTHING);
    for (name, role) in resources(&bound, "AWS::IAM::Role") {
        assert_eq!(role["PermissionsBoundary"], arn.split_once('=').unwrap().1, "{name}");
        assert_eq!(resources(&unbound, "AWS::IAM::Role")[name]["PermissionsBoundary"], Value::Null);
        for action in granted(&bound, name) {
            assert!(boundary.contains(&action), "{name} has {action}");
        }
    }
    let used: Vec<_> = resources(&bound, "AWS::IAM::Role").keys().map(|name| granted(&bound, name)).collect();
    assert_eq!(used.into_iter().flatten().collect::<BTreeSet<_>>(), boundary);
}

#[test]
fn only_jobs_of_one_environment_or_branch_may_deploy() {
    let is_taken = |stack: &Value| stack["Rules"]["EnvironmentOrBranch"]["Assertions"][0]["Assert"] == true;
    let trust = |parameters: &[&str]| {
        let stack = pipeline(parameters);
        assert!(is_taken(&stack), "{parameters:?}");
        let role = &stack["Resources"]["DeploymentRole"];
        let statement = role["Properties"]["AssumeRolePolicyDocument"]["Statement"].clone();
        assert_eq!(statement.as_array().unwrap().len(), 1);
        let condition = statement[0]["Condition"]["StringEquals"].as_object().unwrap().clone();
        assert_eq!(condition["token.actions.githubusercontent.com:aud"], "sts.amazonaws.com");
        text(&condition["token.actions.githubusercontent.com:sub"]).to_owned()
    };
    assert_eq!(trust(&[]), "repo:owner/name:environment:prod");
    assert_eq!(trust(&["Environment=", "Branch=main"]), "repo:owner/name:ref:refs/heads/main");
    for refused in ["Environment=", "Branch=main"] {
        assert!(!is_taken(&pipeline(&[refused])), "{refused}");
    }
}

/// The calls in SAM's code, each of which `sam deploy` may come to.
#[test]
fn a_job_may_make_the_calls_that_sam_makes() {
    let mut find = python();
    let code = "import json, pathlib, re, samcli.lib.deploy.deployer as d; \
        print(json.dumps(re.findall(r'_client\\.(\\w+)\\(', pathlib.Path(d.__file__).read_text())))";
    let calls = checked(find.args(["-c", code]));
    let allowed = actions(&statements(&pipeline(&[]), "DeploymentRole"));
    // Of `sam sync`, and of `--on-failure`.
    let others =
        ["get_paginator", "get_waiter", "create_stack", "update_stack", "rollback_stack", "delete_stack"];
    let calls: BTreeSet<_> = calls.as_array().unwrap().iter().map(text).collect();
    let calls: Vec<_> = calls.into_iter().filter(|call| !others.contains(call)).collect();
    assert!(calls.len() >= 5, "{calls:?}");
    for call in calls.into_iter().chain(["describe_change_set"]) {
        let action = format!("cloudformation:{}", call.replace('_', ""));
        assert!(allows(&allowed, &action), "{action}");
    }
}

#[test]
fn the_workflow_deploys_prod_without_a_question() {
    let workflow = fs::read_to_string(root().join("deploy/aws/github-actions.yml")).unwrap();
    let (_, rest) = workflow.split_once("sam deploy ").unwrap();
    let command =
        rest.split_once("env:").unwrap().0.replace("\"$CLOUDFORMATION_ROLE_ARN\"", "arn:aws:iam::1:role/x");
    let answer = deploying(&root(), &command.split_whitespace().collect::<Vec<_>>());
    let options = &answer["options"];
    assert_eq!(
        (&options["stack_name"], &options["role_arn"], &options["config_env"]),
        (&"design-analysis".into(), &"arn:aws:iam::1:role/x".into(), &"prod".into())
    );
    let asks = (&options["confirm_changeset"], &options["fail_on_empty_changeset"]);
    assert_eq!(asks, (&false.into(), &false.into()));
    for line in ["id-token: write", "contents: read", "environment: prod", "cancel-in-progress: false"] {
        assert!(workflow.contains(line), "{line}");
    }
    let (built, assumed) = (workflow.find("make build").unwrap(), workflow.find("role-to-assume").unwrap());
    assert!(built < assumed, "what is built has no credentials");
}
