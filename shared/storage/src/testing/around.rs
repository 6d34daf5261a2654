//! Buckets around a bucket that differ from it in few requests.

use std::fmt;

use async_trait::async_trait;
use jiff::SignedDuration;

use crate::bucket::{
    Bucket, BucketInfo, ETag, GetOptions, Got, Key, Listing, ObjectMeta, Put, RestoreTier, Restoring, Result,
    Version,
};
use crate::token::ContentToken;

/// A bucket around another: what it does not do itself, that one does.
#[expect(missing_docs, reason = "the methods are those of `Bucket`")]
#[async_trait]
pub trait Around: fmt::Debug + Send + Sync {
    /// The bucket that this one is around.
    fn inner(&self) -> &dyn Bucket;

    fn clock_offset(&self) -> Option<SignedDuration> {
        self.inner().clock_offset()
    }

    async fn put(&self, put: Put) -> Result<ETag> {
        self.inner().put(put).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got> {
        self.inner().get(key, options).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.inner().head(key).await
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        self.inner().delete(key, if_match).await
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing> {
        self.inner().list(prefix, start_after, limit).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: Around> Bucket for T {
    fn clock_offset(&self) -> Option<SignedDuration> {
        Around::clock_offset(self)
    }

    fn token(&self, etag: &ETag, content: &[u8]) -> ContentToken {
        self.inner().token(etag, content)
    }

    async fn put(&self, put: Put) -> Result<ETag> {
        Around::put(self, put).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Got> {
        Around::get(self, key, options).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        Around::head(self, key).await
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        Around::delete(self, key, if_match).await
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Listing> {
        Around::list(self, prefix, start_after, limit).await
    }

    async fn versions(&self, key: &Key) -> Result<Vec<Version>> {
        self.inner().versions(key).await
    }

    async fn restore(&self, key: &Key, days: u32, tier: RestoreTier) -> Result<Restoring> {
        self.inner().restore(key, days, tier).await
    }

    async fn info(&self) -> Result<BucketInfo> {
        self.inner().info().await
    }
}
