//! What keeps the data from those who may delete them: Object Lock, backups, a replica.

use serde_json::{Value, json};

use super::{BUCKET, defaults, resources, stack, text};

#[test]
fn none_of_it_is_there_unless_chosen() {
    let bucket = resources(defaults(), "AWS::S3::Bucket")["Bucket"];
    for property in ["ObjectLockEnabled", "ObjectLockConfiguration", "ReplicationConfiguration"] {
        assert_eq!(bucket[property], Value::Null, "{property}");
    }
    let kinds = defaults()["Resources"].as_object().unwrap().values();
    let kinds: Vec<_> = kinds.map(|resource| text(&resource["Type"])).collect();
    assert!(!kinds.iter().any(|kind| kind.starts_with("AWS::Backup")), "{kinds:?}");
    let roles = resources(defaults(), "AWS::IAM::Role");
    assert!(!roles.contains_key("BackupRole") && !roles.contains_key("ReplicationRole"));
}

#[test]
fn locked_objects_cannot_be_removed_by_anybody_for_so_many_days() {
    let stack = stack(&["ObjectLockDays=30"]);
    let bucket = resources(&stack, "AWS::S3::Bucket")["Bucket"];
    assert_eq!(bucket["ObjectLockEnabled"], true);
    let expected = json!({ "ObjectLockEnabled": "Enabled",
        "Rule": { "DefaultRetention": { "Mode": "COMPLIANCE", "Days": "30" } } });
    assert_eq!(bucket["ObjectLockConfiguration"], expected);
    assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled", "which Object Lock needs");
}

#[test]
fn a_daily_backup_is_kept_for_so_many_days_in_a_vault_that_outlives_the_stack() {
    for bucket in [None, Some("other-bucket")] {
        let existing = bucket.map(|name| format!("ExistingBucketName={name}"));
        let parameters = [Some("BackupDays=35"), existing.as_deref()];
        let stack = stack(&parameters.into_iter().flatten().collect::<Vec<_>>());
        let arn = bucket.map_or(BUCKET.to_owned(), |name| format!("arn:aws:s3:::{name}"));
        let daily =
            &resources(&stack, "AWS::Backup::BackupPlan")["BackupPlan"]["BackupPlan"]["BackupPlanRule"][0];
        assert_eq!(daily["Lifecycle"], json!({ "DeleteAfterDays": "35" }));
        assert_eq!(daily["TargetBackupVault"], json!({ "Ref": "BackupVault" }));
        assert_eq!(daily["ScheduleExpression"], "cron(0 5 * * ? *)");
        let selection =
            &resources(&stack, "AWS::Backup::BackupSelection")["BackupSelection"]["BackupSelection"];
        assert_eq!(selection["Resources"], json!([arn]));
        assert_eq!(selection["IamRoleArn"], json!({ "Fn::GetAtt": ["BackupRole", "Arn"] }));
        let vault = &stack["Resources"]["BackupVault"];
        assert_eq!(vault["DeletionPolicy"], "RetainExceptOnCreate");
        assert_eq!(vault["Properties"]["BackupVaultName"], "design-analysis-000000000000");
        let role = resources(&stack, "AWS::IAM::Role")["BackupRole"];
        let statements = &role["Policies"][0]["PolicyDocument"]["Statement"];
        assert_eq!(
            (&statements[0]["Resource"], &statements[1]["Resource"]),
            (&json!(arn), &json!(format!("{arn}/*")))
        );
        assert!(!role.to_string().contains("s3:PutObject\"") && !role.to_string().contains("s3:Delete"));
    }
}

#[test]
fn a_replica_of_what_kms_encrypts_has_a_key_of_its_own_region() {
    let (key, other) =
        ("arn:aws:kms:us-east-1:000000000000:key/1", "arn:aws:kms:eu-west-1:000000000000:key/2");
    let stack = stack(&[
        "ReplicaBucketArn=arn:aws:s3:::replica",
        &format!("KmsKeyArn={key}"),
        &format!("ReplicaKmsKeyArn={other}"),
    ]);
    let copies = &resources(&stack, "AWS::S3::Bucket")["Bucket"]["ReplicationConfiguration"]["Rules"][0];
    assert_eq!(
        copies["SourceSelectionCriteria"],
        json!({ "SseKmsEncryptedObjects": { "Status": "Enabled" } })
    );
    assert_eq!(copies["Destination"]["EncryptionConfiguration"], json!({ "ReplicaKmsKeyID": other }));
    let role = resources(&stack, "AWS::IAM::Role")["ReplicationRole"];
    let statements = role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();
    let keys = statements.iter().filter(|one| one["Action"].to_string().contains("kms:"));
    let keys: Vec<_> = keys.map(|one| (text(&one["Action"]), text(&one["Resource"]))).collect();
    assert_eq!(keys, [("kms:Decrypt", key), ("kms:Encrypt", other)]);
}

#[test]
fn a_replica_gets_every_object_and_every_delete() {
    let stack = stack(&["ReplicaBucketArn=arn:aws:s3:::replica", "S3Prefix=team/a"]);
    let replication = &resources(&stack, "AWS::S3::Bucket")["Bucket"]["ReplicationConfiguration"];
    let expected = json!([{ "Id": "everything", "Status": "Enabled", "Priority": 1, "Filter": { "Prefix": "team/a/" },
        "DeleteMarkerReplication": { "Status": "Enabled" }, "Destination": { "Bucket": "arn:aws:s3:::replica" } }]);
    assert_eq!(replication["Rules"], expected);
    assert_eq!(replication["Role"], json!({ "Fn::GetAtt": ["ReplicationRole", "Arn"] }));
    let role = resources(&stack, "AWS::IAM::Role")["ReplicationRole"];
    let statements = role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();
    let written = statements.iter().filter(|one| one["Action"].to_string().contains("Replicate"));
    let written: Vec<_> = written.map(|each| text(&each["Resource"])).collect();
    assert_eq!(written, ["arn:aws:s3:::replica/*"]);
    assert_eq!(statements[1]["Resource"], format!("{BUCKET}/team/a/*"));
    let trust = &role["AssumeRolePolicyDocument"]["Statement"][0];
    assert_eq!(trust["Condition"]["StringEquals"]["aws:SourceAccount"], "000000000000");
}
