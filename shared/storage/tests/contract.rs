//! Every bucket passes the same contract.

#![expect(clippy::unwrap_used, reason = "test code: a panic is how it reports")]

mod memory {
    use std::sync::Arc;

    use analysis_storage::bucket::Bucket;
    use analysis_storage::bucket::memory::MemoryBucket;

    fn open() -> (Arc<dyn Bucket>, ()) {
        (Arc::new(MemoryBucket::default()), ())
    }

    analysis_storage::bucket_contract!(std::future::ready(open()));
}

mod local {
    use std::sync::Arc;

    use analysis_storage::bucket::Bucket;
    use analysis_storage::bucket::local::LocalBucket;
    use tempfile::TempDir;

    async fn open() -> (Arc<dyn Bucket>, TempDir) {
        let root = TempDir::new().unwrap();
        (Arc::new(LocalBucket::open(root.path()).await.unwrap()), root)
    }

    analysis_storage::bucket_contract!(open());
}

mod s3 {
    use std::sync::Arc;

    use analysis_storage::bucket::Bucket;
    use analysis_storage::testing::ministack::Ministack;

    async fn open() -> (Arc<dyn Bucket>, ()) {
        (Arc::new(Ministack::shared().fresh_bucket(false).await), ())
    }

    analysis_storage::bucket_contract!(open());
}
