//! A bucket around a bucket that carries out some requests long after their clients gave up on them.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::{Around, Operation};
use crate::bucket::{Bucket, BucketError, ETag, Key, Put, Result};

/// Decides for each write or delete, by its key, whether it is late.
pub type Pick = Box<dyn FnMut(Operation, &str) -> bool + Send>;

/// A bucket that holds requests back. Their clients get no answer, and the requests are carried out when the test says so.
pub struct LateBucket {
    inner: Arc<dyn Bucket>,
    pick: Mutex<Pick>,
    held: Mutex<Vec<Held>>,
}

/// A request that is still to be carried out.
#[derive(Debug)]
enum Held {
    Put(Put),
    Delete(Key, Option<ETag>),
}

impl fmt::Debug for LateBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LateBucket").field("held", &self.held).finish_non_exhaustive()
    }
}

impl LateBucket {
    /// Holds the writes and deletes back that `pick` picks.
    #[must_use]
    pub fn new(inner: Arc<dyn Bucket>, pick: Pick) -> Self {
        Self { inner, pick: Mutex::new(pick), held: Mutex::default() }
    }

    /// Holds the first request of this kind back whose key contains `part`.
    #[must_use]
    pub fn once(inner: Arc<dyn Bucket>, operation: Operation, part: &'static str) -> Self {
        let mut left = 1;
        let pick = move |op, key: &str| {
            let is_picked = left > 0 && op == operation && key.contains(part);
            left -= usize::from(is_picked);
            is_picked
        };
        Self::new(inner, Box::new(pick))
    }

    /// Carries out what was held back, in the order in which it was sent: what nobody learns any more.
    pub async fn land(&self) -> Vec<Result<()>> {
        let held = std::mem::take(&mut *self.held.lock().unwrap());
        let mut results = Vec::new();
        for request in held {
            results.push(match request {
                Held::Put(put) => self.inner.put(put).await.map(drop),
                Held::Delete(key, if_match) => self.inner.delete(&key, if_match.as_ref()).await,
            });
        }
        results
    }

    fn is_late(&self, operation: Operation, key: &Key) -> bool {
        (self.pick.lock().unwrap())(operation, key.as_str())
    }

    fn hold<T>(&self, operation: Operation, key: &Key, held: Held) -> Result<T> {
        self.held.lock().unwrap().push(held);
        Err(BucketError::no_answer(format!("{operation:?} {key}"), "injected: on its way"))
    }
}

#[async_trait]
impl Around for LateBucket {
    fn inner(&self) -> &dyn Bucket {
        &*self.inner
    }

    async fn put(&self, put: Put) -> Result<ETag> {
        let key = put.key.clone();
        if self.is_late(Operation::Put, &key) {
            return self.hold(Operation::Put, &key, Held::Put(put));
        }
        self.inner.put(put).await
    }

    async fn delete(&self, key: &Key, if_match: Option<&ETag>) -> Result<()> {
        if self.is_late(Operation::Delete, key) {
            return self.hold(Operation::Delete, key, Held::Delete(key.clone(), if_match.cloned()));
        }
        self.inner.delete(key, if_match).await
    }
}
