//! One IAM policy for the server, wherever it runs.

use std::fs;

use analysis_storage::bucket::{Precondition, Put};
use analysis_storage::testing::ministack::Ministack;
use analysis_storage::{Bucket, Key, SavedAt};
use serde_json::{Value, json};

use super::manifests::{ecs, kubernetes, of_kind, resolved};
use crate::harness::root;

/// A policy document of `deploy/` with these words in the place of its upper-case ones.
pub(super) fn document(path: &str, words: &[(&str, &str)]) -> String {
    let text = fs::read_to_string(root().join("deploy").join(path)).unwrap();
    words.iter().fold(text, |text, (word, value)| text.replace(word, value))
}

/// The policy of the ECS task role.
pub(super) fn of_task(bucket: &str, prefix: &str) -> Value {
    let template = ecs();
    let policies = &template["Resources"]["TaskRole"]["Properties"]["Policies"];
    assert_eq!(policies.as_array().unwrap().len(), 1);
    let parameters = [("AWS::Partition", "aws"), ("BucketName", bucket), ("S3Prefix", prefix)];
    resolved(&policies[0]["PolicyDocument"], &parameters)
}

#[test]
fn ecs_and_kubernetes_give_the_same_policy() {
    let file: Value = serde_json::from_str(&document("iam-policy.json", &[])).unwrap();
    assert_eq!(of_task("BUCKET", "PREFIX"), file);
}

/// S3 answers 404 for a missing key only to those who may list the bucket with that key for a prefix, else 403.
#[test]
fn whatever_may_be_read_may_be_missed() {
    let policy = of_task("BUCKET", "PREFIX");
    assert_eq!(policy["Statement"][0]["Resource"], "arn:aws:s3:::BUCKET/PREFIX/*");
    assert_eq!(policy["Statement"][1]["Condition"], json!({ "StringLike": { "s3:prefix": "PREFIX/*" } }));
}

#[test]
fn ecs_roles_trust_ecs_only_and_the_execution_role_only_starts_the_task() {
    let resources = ecs()["Resources"].clone();
    for role in ["TaskRole", "ExecutionRole"] {
        let trust = &resources[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"];
        assert_eq!(trust.as_array().unwrap().len(), 1);
        assert_eq!(trust[0]["Principal"], json!({ "Service": "ecs-tasks.amazonaws.com" }));
        assert_eq!(
            trust[0]["Condition"]["StringEquals"]["aws:SourceAccount"],
            json!({ "Ref": "AWS::AccountId" })
        );
        assert_eq!(resources[role]["Properties"]["ManagedPolicyArns"], Value::Null);
    }
    let start = &resources["ExecutionRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"];
    let repository =
        "arn:${AWS::Partition}:ecr:${AWS::Region}:${AWS::AccountId}:repository/${RepositoryName}";
    let allowed: Vec<_> = start.as_array().unwrap().iter().map(|s| (&s["Action"], &s["Resource"])).collect();
    assert_eq!(
        allowed,
        [
            (&json!("ecr:GetAuthorizationToken"), &json!("*")),
            (
                &json!([
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:GetDownloadUrlForLayer"
                ]),
                &json!({ "Fn::Sub": repository })
            ),
            (
                &json!(["logs:CreateLogStream", "logs:PutLogEvents"]),
                &json!({ "Fn::GetAtt": ["Logs", "Arn"] })
            ),
            (&json!("secretsmanager:GetSecretValue"), &json!({ "Ref": "Token" })),
        ]
    );
}

#[test]
fn the_role_of_kubernetes_trusts_the_service_account_of_the_overlay_only() {
    let objects = kubernetes();
    let account = &of_kind(&objects, "ServiceAccount")["metadata"];
    let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["serviceAccountName"], account["name"]);
    let subject =
        format!("system:serviceaccount:{}:{}", account["namespace"], account["name"]).replace('"', "");
    let trust: Value = serde_json::from_str(&document("kubernetes/trust-policy.json", &[])).unwrap();
    let condition = json!({ "StringEquals": { "OIDC:aud": "sts.amazonaws.com", "OIDC:sub": subject } });
    assert_eq!(trust["Statement"][0]["Condition"], condition);
    let role = account["annotations"]["eks.amazonaws.com/role-arn"].as_str().unwrap();
    assert!(role.starts_with("arn:aws:iam::111122223333:role/"), "the account of AWS's examples: {role}");
}

#[tokio::test]
async fn the_policy_allows_nothing_outside_the_prefix() {
    let ministack = Ministack::start_with(true);
    ministack.bucket("shared", true).await;
    let policy = document("iam-policy.json", &[("BUCKET", "shared"), ("PREFIX", "ours")]);
    let bucket = ministack.bucket_as("shared", "server", &policy);
    let put = |key: &str| Put {
        key: Key::new(key),
        body: b"{}".as_slice().into(),
        saved_at: SavedAt::from_micros(1),
        metadata: Vec::new(),
        precondition: Precondition::None,
    };
    bucket.put(put("ours/k")).await.unwrap();
    bucket.list("ours/", None, 1).await.unwrap();
    for key in ["theirs/k", "oursandmore/k", "k"] {
        let denied = bucket.put(put(key)).await.unwrap_err().to_string();
        assert!(denied.contains("denies s3:PutObject"), "{key}: {denied}");
    }
    for prefix in ["", "ours", "theirs/"] {
        let denied = bucket.list(prefix, None, 1).await.unwrap_err().to_string();
        assert!(denied.contains("denies s3:ListBucket"), "{prefix:?}: {denied}");
    }
}
