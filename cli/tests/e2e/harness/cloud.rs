//! S3 on this machine.

use std::sync::atomic::{AtomicU32, Ordering};

use analysis_storage::Bucket;
use analysis_storage::bucket::s3::S3Bucket;
use analysis_storage::testing::ministack::Ministack;
use tokio::runtime::Runtime;

use super::proxy::Proxy;
use super::server::Server;

/// A versioned bucket in a local S3.
pub(crate) struct Cloud {
    /// Where no other test is; else the one that the tests of this process share.
    _own: Option<Ministack>,
    endpoint: String,
    name: String,
    bucket: S3Bucket,
    runtime: Runtime,
}

impl Cloud {
    /// A bucket that no other test uses, in the S3 that they share.
    pub(crate) fn start() -> Self {
        Self::new(Ministack::shared())
    }

    /// An S3 of its own: for a test of so many requests that others would wait for it.
    pub(crate) fn alone() -> Self {
        let own = Ministack::start();
        let cloud = Self::new(&own);
        Self { _own: Some(own), ..cloud }
    }

    fn new(ministack: &Ministack) -> Self {
        static CREATED: AtomicU32 = AtomicU32::new(0);
        let name = format!("analyses-{}", CREATED.fetch_add(1, Ordering::Relaxed));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let bucket = runtime.block_on(ministack.bucket(&name, true));
        Self { _own: None, endpoint: ministack.endpoint(), name, bucket, runtime }
    }

    /// The name of the bucket.
    pub(crate) fn bucket(&self) -> &str {
        &self.name
    }

    /// Removes every object whose key begins so.
    pub(crate) fn remove(&self, prefix: &str) {
        self.runtime.block_on(async {
            for key in self.bucket.list(prefix, None, 1000).await.unwrap().keys() {
                self.bucket.delete(key, None).await.unwrap();
            }
        });
    }

    /// What another program puts into the bucket.
    pub(crate) fn put_as_another_program(&self, key: &str, body: &str, metadata: Vec<(&str, String)>) {
        let metadata = metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let put = self.bucket.client().put_object().bucket(&self.name).key(key).set_metadata(Some(metadata));
        self.runtime.block_on(put.body(body.as_bytes().to_vec().into()).send()).unwrap();
    }

    /// The key of the one document of this id.
    pub(crate) fn document_key(&self, id: &str) -> String {
        let listed =
            self.runtime.block_on(self.bucket.list("design-analysis/analysis/", None, 1000)).unwrap();
        let mut keys = listed.keys().map(ToString::to_string);
        keys.find(|key| key.ends_with(&format!("/{id}.json"))).unwrap()
    }

    /// Moves an object into the archive, as a lifecycle rule does.
    pub(crate) fn archive(&self, key: &str) {
        let copy = self.bucket.client().copy_object().bucket(&self.name).key(key);
        let copy = copy.copy_source(format!("{}/{key}", self.name)).storage_class("GLACIER".into());
        self.runtime.block_on(copy.send()).unwrap();
    }

    /// What a program needs in its environment to work on the bucket.
    pub(crate) fn variables(&self) -> [(&str, &str); 6] {
        [
            ("STORAGE_TYPE", "s3"),
            ("S3_BUCKET_NAME", &self.name),
            ("S3_REGION", "us-east-1"),
            ("S3_ENDPOINT_URL", &self.endpoint),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]
    }

    pub(crate) fn server(&self) -> Server {
        Server::start(&self.variables())
    }

    /// A proxy in front of this S3.
    pub(crate) fn proxy(&self) -> Proxy {
        Proxy::before(&self.endpoint)
    }

    /// A server that reaches this S3 through the proxy only, and keeps all it has below the prefix.
    pub(crate) fn server_behind(&self, proxy: &Proxy, prefix: &str) -> Server {
        let others = self.variables().into_iter().filter(|(name, _)| *name != "S3_ENDPOINT_URL");
        let own = [("S3_ENDPOINT_URL", proxy.url.as_str()), ("S3_PREFIX", prefix)];
        Server::start(&others.chain(own).collect::<Vec<_>>())
    }
}
