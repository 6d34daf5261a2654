//! How a bucket is set up, as far as one may ask: for diagnoses, never for the service.

use aws_sdk_s3::types::{ExpirationStatus, LifecycleExpiration, LifecycleRule};

use super::S3Bucket;
use super::failure::Failure;
use crate::bucket::Result;

/// What a lifecycle rule that is enabled does to current objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// The name of the rule.
    pub name: String,
    /// What the keys begin with that it is for.
    pub prefix: String,
    /// Whether it is for some of these only, by tags or sizes.
    pub is_partial: bool,
    /// After how many days it removes them.
    pub expires_after: Option<i32>,
    /// Whether it moves them to another storage class.
    pub moves: bool,
}

impl S3Bucket {
    /// The lifecycle rules that are enabled; `None` where one may not ask, or the store knows none.
    pub async fn lifecycle(&self) -> Option<Vec<Lifecycle>> {
        let ask = self.client.get_bucket_lifecycle_configuration().bucket(&self.settings.bucket);
        match ask.send().await.map_err(Failure::from_sdk) {
            Ok(output) => {
                let enabled =
                    output.rules().iter().filter(|rule| *rule.status() == ExpirationStatus::Enabled);
                Some(enabled.map(lifecycle).collect())
            }
            Err(Failure::Answered(answer)) if answer.code == "NoSuchLifecycleConfiguration" => {
                Some(Vec::new())
            }
            Err(_) => None,
        }
    }

    /// Whether all public access is blocked; `None` where one may not ask.
    pub async fn blocks_public_access(&self) -> Option<bool> {
        let ask = self.client.get_public_access_block().bucket(&self.settings.bucket);
        match ask.send().await.map_err(Failure::from_sdk) {
            Ok(output) => {
                let block = output.public_access_block_configuration()?;
                let parts = [
                    block.block_public_acls(),
                    block.ignore_public_acls(),
                    block.block_public_policy(),
                    block.restrict_public_buckets(),
                ];
                Some(parts.iter().all(|part| *part == Some(true)))
            }
            Err(Failure::Answered(answer)) if answer.code == "NoSuchPublicAccessBlockConfiguration" => {
                Some(false)
            }
            Err(_) => None,
        }
    }

    /// Whether the bucket's policy lets everybody in; `None` where one may not ask.
    pub async fn has_public_policy(&self) -> Option<bool> {
        let ask = self.client.get_bucket_policy_status().bucket(&self.settings.bucket);
        match ask.send().await.map_err(Failure::from_sdk) {
            Ok(output) => output.policy_status()?.is_public(),
            Err(Failure::Answered(answer)) if answer.code == "NoSuchBucketPolicy" => Some(false),
            Err(_) => None,
        }
    }

    /// How many uploads in parts have begun and not ended, at most a thousand; `None` where one may not ask.
    pub async fn unfinished_uploads(&self, prefix: &str) -> Option<usize> {
        let ask = self.client.list_multipart_uploads().bucket(&self.settings.bucket).prefix(prefix);
        ask.send().await.ok().map(|output| output.uploads().len())
    }

    /// Whether the bucket can be reached as it is set, by the cheapest request.
    ///
    /// # Errors
    /// What must be set otherwise.
    pub async fn reach(&self, prefix: &str) -> Result<()> {
        crate::bucket::Bucket::list(self, prefix, None, 1).await.map(drop)
    }
}

fn lifecycle(rule: &LifecycleRule) -> Lifecycle {
    let filter = rule.filter();
    let and = filter.and_then(|filter| filter.and());
    #[expect(deprecated, reason = "rules of the first format still have it, and CloudFormation makes such")]
    let prefix = filter
        .and_then(|filter| filter.prefix())
        .or_else(|| and.and_then(|and| and.prefix()))
        .or_else(|| rule.prefix());
    let has_tags_or_sizes = filter.is_some_and(|filter| {
        filter.tag().is_some()
            || filter.object_size_greater_than().is_some()
            || filter.object_size_less_than().is_some()
    });
    Lifecycle {
        name: rule.id().unwrap_or("without a name").to_owned(),
        prefix: prefix.unwrap_or_default().to_owned(),
        is_partial: has_tags_or_sizes || and.is_some(),
        expires_after: rule.expiration().and_then(LifecycleExpiration::days),
        moves: !rule.transitions().is_empty(),
    }
}
