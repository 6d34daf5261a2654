//! The bucket: its settings, policy and lifecycle rules.

use serde_json::json;

use super::{BUCKET, PREFIX, defaults, resources, rules, stack, text};

#[test]
fn it_is_encrypted_versioned_private_and_stays() {
    let stack = defaults();
    let bucket = resources(stack, "AWS::S3::Bucket")["Bucket"];
    let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"];
    assert_eq!(*encryption, json!([{ "ServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" } }]));
    assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled");
    assert_eq!(bucket["OwnershipControls"]["Rules"], json!([{ "ObjectOwnership": "BucketOwnerEnforced" }]));
    let block = bucket["PublicAccessBlockConfiguration"].as_object().unwrap();
    assert!(block.len() == 4 && block.values().all(|blocked| *blocked == true), "{block:?}");
    assert_eq!(bucket["MetricsConfigurations"], json!([{ "Id": "AllRequests" }]));
    for name in ["Bucket", "BucketPolicy"] {
        let resource = &stack["Resources"][name];
        assert_eq!(
            (&resource["DeletionPolicy"], &resource["UpdateReplacePolicy"]),
            (&"RetainExceptOnCreate".into(), &"Retain".into())
        );
    }
}

#[test]
fn its_policy_denies_what_comes_without_tls_or_asks_for_another_encryption() {
    let policy = resources(defaults(), "AWS::S3::BucketPolicy")["BucketPolicy"];
    let objects = format!("{BUCKET}/*");
    let expected = json!([
        { "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [BUCKET, objects],
          "Condition": { "Bool": { "aws:SecureTransport": "false" } } },
        { "Sid": "NoOtherEncryption", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": objects,
          "Condition": { "StringNotEquals": { "s3:x-amz-server-side-encryption": "AES256" },
            "Null": { "s3:x-amz-server-side-encryption": "false" } } },
        { "Sid": "NoKeysOfCallers", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": objects,
          "Condition": { "Null": { "s3:x-amz-server-side-encryption-customer-algorithm": "false" } } }
    ]);
    assert_eq!(policy["PolicyDocument"]["Statement"], expected);
}

const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/1";

#[test]
fn a_key_of_kms_encrypts_all_of_it_and_no_other_does() {
    let stack = stack(&[&format!("KmsKeyArn={KEY}")]);
    let bucket = resources(&stack, "AWS::S3::Bucket")["Bucket"];
    let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"];
    let by_default = json!({ "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY });
    assert_eq!(
        *encryption,
        json!([{ "ServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": true }])
    );
    let policy = resources(&stack, "AWS::S3::BucketPolicy")["BucketPolicy"];
    let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap();
    let conditions: Vec<_> = statements.iter().map(|one| (text(&one["Sid"]), &one["Condition"])).collect();
    let present = json!({ "s3:x-amz-server-side-encryption": "false" });
    let other = |header: &str, value: &str| json!({ "StringNotEquals": { header: value }, "Null": present });
    assert_eq!(
        conditions[1..3],
        [
            ("NoOtherEncryption", &other("s3:x-amz-server-side-encryption", "aws:kms")),
            // AWS's own key, which a request that names none would get, included.
            ("NoOtherKey", &other("s3:x-amz-server-side-encryption-aws-kms-key-id", KEY)),
        ]
    );
}

/// AWS IAM User Guide, "IAM JSON policy elements: Condition operators": with `Not` in its name an operator is true for a
/// key that is missing.
#[test]
fn every_negated_condition_says_that_its_header_is_there() {
    for parameters in [vec![], vec![format!("KmsKeyArn={KEY}")]] {
        let stack = stack(&parameters.iter().map(String::as_str).collect::<Vec<_>>());
        let policy = resources(&stack, "AWS::S3::BucketPolicy")["BucketPolicy"];
        for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
            let condition = statement["Condition"].as_object().unwrap();
            let is_negated = condition.keys().any(|operator| operator.contains("Not"));
            assert!(
                !is_negated || condition["Null"]["s3:x-amz-server-side-encryption"] == "false",
                "{statement}"
            );
        }
    }
}

#[test]
fn documents_move_and_expire_and_their_entries_expire_with_them() {
    let rules = rules(&[]);
    let expected = json!({
        "documents-move": { "Prefix": "design-analysis/analysis/", "ObjectSizeGreaterThan": "131072", "Transitions": [
            { "StorageClass": "STANDARD_IA", "TransitionInDays": "30" },
            { "StorageClass": "GLACIER", "TransitionInDays": "90" }] },
        "documents-expire": { "Prefix": "design-analysis/analysis/", "ExpirationInDays": "365" },
        "index-entries-expire": { "Prefix": "design-analysis/metadata/index/", "ExpirationInDays": "365" },
        "documents-old-versions": { "Prefix": "design-analysis/analysis/",
            "NoncurrentVersionExpiration": { "NoncurrentDays": "30" } },
        "metadata-old-versions": { "Prefix": "design-analysis/metadata/",
            "NoncurrentVersionExpiration": { "NoncurrentDays": 1 } },
        "uploads-expire": { "Prefix": "design-analysis/uploads/", "ExpirationInDays": 1,
            "NoncurrentVersionExpiration": { "NoncurrentDays": 1 } },
        "leftovers": { "Prefix": "design-analysis/", "ExpiredObjectDeleteMarker": true,
            "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 1 } }
    });
    let mut found = json!(rules);
    for (id, rule) in found.as_object_mut().unwrap() {
        assert_eq!(rule["Id"], **id);
        assert_eq!(rule["Status"], "Enabled", "{id}");
        rule.as_object_mut().unwrap().retain(|key, _| key != "Id" && key != "Status");
    }
    assert_eq!(found, expected);
}

/// AWS CloudFormation Template Reference, `AWS::S3::Bucket Rule`: at least one of these. The removal of delete markers
/// alone is not enough.
#[test]
fn every_rule_is_one_that_cloudformation_takes() {
    let enough =
        ["AbortIncompleteMultipartUpload", "ExpirationInDays", "NoncurrentVersionExpiration", "Transitions"];
    for parameters in [&[][..], &["InfrequentAccessAfterDays=0", "ArchiveAfterDays=0", "RetentionDays=0"]] {
        for (id, rule) in rules(parameters) {
            assert!(enough.iter().any(|property| !rule[property].is_null()), "{id}");
            let removes_markers = !rule["ExpiredObjectDeleteMarker"].is_null();
            assert!(!removes_markers || rule["ExpirationInDays"].is_null(), "{id}");
        }
    }
}

#[test]
fn the_days_are_parameters_and_zero_means_never() {
    let days = [
        "InfrequentAccessAfterDays=0",
        "ArchiveAfterDays=60",
        "RetentionDays=700",
        "MinimumTransitionBytes=1",
    ];
    let some = rules(&days);
    let archive = json!([{ "StorageClass": "GLACIER", "TransitionInDays": "60" }]);
    assert_eq!(some["documents-move"]["Transitions"], archive);
    assert_eq!(some["documents-move"]["ObjectSizeGreaterThan"], "1");
    assert_eq!(some["index-entries-expire"]["ExpirationInDays"], "700");
    assert_eq!(some["documents-expire"]["ExpirationInDays"], "700");
    let never = rules(&["InfrequentAccessAfterDays=0", "ArchiveAfterDays=0", "RetentionDays=0"]);
    for id in ["documents-move", "documents-expire", "index-entries-expire"] {
        assert!(!never.contains_key(id), "{id}");
    }
}

#[test]
fn the_class_of_archived_documents_is_a_parameter() {
    for class in ["GLACIER", "GLACIER_IR", "DEEP_ARCHIVE"] {
        let moves = rules(&[&format!("ArchiveClass={class}")])["documents-move"]["Transitions"].clone();
        assert_eq!(moves[1], json!({ "StorageClass": class, "TransitionInDays": "90" }));
    }
    let allowed = &defaults()["Parameters"]["ArchiveClass"]["AllowedValues"];
    assert_eq!(*allowed, json!(["GLACIER", "GLACIER_IR", "DEEP_ARCHIVE"]));
}

#[test]
fn nothing_ever_removes_an_id_record_or_moves_an_index_entry() {
    for (id, rule) in rules(&[]) {
        let covers = |key: &str| format!("{PREFIX}/{key}").starts_with(text(&rule["Prefix"]));
        assert!(!covers("metadata/ids/x") || rule["ExpirationInDays"].is_null(), "{id}");
        assert!(!covers("metadata/index/x") || rule["Transitions"].is_null(), "{id}");
    }
}

#[test]
fn an_existing_bucket_is_used_and_not_touched() {
    let stack = stack(&["ExistingBucketName=other-bucket"]);
    assert!(resources(&stack, "AWS::S3::Bucket").is_empty());
    assert!(resources(&stack, "AWS::S3::BucketPolicy").is_empty());
    assert_eq!(resources(&stack, "AWS::SSM::Parameter")["StoreBucket"]["Value"], "other-bucket");
    let named = super::stack(&["BucketName=my-bucket"]);
    assert_eq!(resources(&named, "AWS::S3::Bucket")["Bucket"]["BucketName"], "my-bucket");
}
