//! The contract suite against the store that `STORE_URL` names: `make stores` starts one and runs this.

#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "test code: a panic is how it reports, and where the store is stands in the environment"
)]

use std::env::var;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use analysis_storage::bucket::Bucket;
use analysis_storage::bucket::s3::{Encryption, S3Bucket, S3Settings};
use analysis_storage::config::NamedBy;

async fn open() -> (Arc<dyn Bucket>, ()) {
    static CREATED: AtomicU32 = AtomicU32::new(0);
    let set = |name: &str| var(name).expect("`make stores` sets STORE_URL, STORE_KEY_ID and STORE_SECRET");
    let name = format!("contract-{}-{}", std::process::id(), CREATED.fetch_add(1, Ordering::Relaxed));
    let plain = S3Settings::new(&name, "us-east-1", Some(&set("STORE_URL")), NamedBy::Variables);
    let encryption = if set("STORE_SSE") == "none" { Encryption::None } else { Encryption::Aes256 };
    let settings = S3Settings { encryption, ..plain };
    let bucket = S3Bucket::with_credentials(&settings, &set("STORE_KEY_ID"), &set("STORE_SECRET"));
    bucket.client().create_bucket().bucket(&name).send().await.expect("the bucket is created");
    (Arc::new(bucket), ())
}

analysis_storage::bucket_contract!(open());
