//! The roles of the deployed stack: what IAM lets each do, and what not.

use serde_json::json;

use super::{FUNCTIONS, Function, Keys};
use crate::deployed::{AES256, PREFIX, allow};
use crate::harness::{Answer, Client};
use crate::stack::Stack;

/// Each role's policy, as IAM has it, is given to a user, who then tries everything.
#[test]
fn each_role_may_do_what_its_function_does_and_nothing_else() {
    let stack = Stack::shared();
    let operator = stack.user(&allow(&["s3:*"], "*"));
    let elsewhere = stack.aws("s3", &operator).send("PUT", "/elsewhere", &[], b"");
    assert_eq!(elsewhere.status, 200, "{}", elsewhere.text());
    for function in FUNCTIONS {
        let keys = stack.user(&stack.role_policy(&format!("{}Role", function.resource), function.name));
        let role = Role { function, client: stack.aws("s3", &keys), bucket: stack.bucket() };
        role.tries_its_own_keys();
        role.tries_listings();
        role.tries_the_bucket();
        role.tries_other_places();
    }
}

struct Role<'a> {
    function: Function,
    client: Client,
    bucket: &'a str,
}

impl Role<'_> {
    fn object(&self, method: &str, key: &str, headers: &[(&str, &str)]) -> Answer {
        let body: &[u8] = if method == "PUT" { b"{}" } else { b"" };
        self.client.send(method, &format!("/{}/{key}", self.bucket), headers, body)
    }

    fn assert(&self, answer: &Answer, allowed: bool, what: &str) {
        let is_denied =
            answer.status == 403 && (answer.body.is_empty() || answer.text().contains("AccessDenied"));
        assert_eq!(!is_denied, allowed, "{} {what}: {}", self.function.name, answer.text());
    }

    fn tries_its_own_keys(&self) {
        let Function { get, put, delete, .. } = self.function;
        for keys in Keys::ALL {
            let key = format!("{PREFIX}/{}", keys.example());
            // Deleted before it is read: that a missing key is a 404 needs s3:ListBucket.
            self.assert(&self.object("DELETE", &key, &[]), delete.contains(&keys), &format!("DELETE {key}"));
            let read = self.object("GET", &key, &[]);
            self.assert(&read, get.contains(&keys), &format!("GET {key}"));
            assert!(!get.contains(&keys) || [200, 404].contains(&read.status), "{}", read.text());
            self.assert(&self.object("PUT", &key, &[AES256]), put.contains(&keys), &format!("PUT {key}"));
            self.assert(
                &self.object("PUT", &key, &[]),
                put.contains(&keys),
                &format!("PUT {key} by default"),
            );
            let kms = ("x-amz-server-side-encryption", "aws:kms");
            self.assert(&self.object("PUT", &key, &[kms]), false, &format!("PUT {key} with KMS"));
        }
        let versions = format!("{PREFIX}/{}?versionId=null", Keys::Documents.example());
        self.assert(&self.object("GET", &versions, &[]), self.function.versions, "GET a version");
    }

    fn tries_listings(&self) {
        let list = |query: &str| self.object("GET", &format!("?{query}"), &[]);
        for keys in Keys::ALL {
            let prefix = format!("{PREFIX}/{}", keys.pattern().trim_end_matches('*'));
            let allowed = self.function.list.contains(&keys);
            self.assert(
                &list(&format!("list-type=2&prefix={}", prefix.replace('/', "%2F"))),
                allowed,
                &prefix,
            );
        }
        self.assert(&list("list-type=2"), false, "LIST everything");
        self.assert(&list(&format!("list-type=2&prefix={PREFIX}")), false, "LIST the prefix");
        let documents = format!("versions=&prefix={PREFIX}%2Fanalysis%2F");
        self.assert(&list(&documents), self.function.versions, "LIST versions of documents");
        self.assert(&list("versions="), false, "LIST versions of everything");
    }

    fn tries_the_bucket(&self) {
        let get = |what: &str| self.object("GET", &format!("?{what}"), &[]);
        self.assert(&get("versioning="), self.function.describe, "GetBucketVersioning");
        self.assert(&get("encryption="), self.function.describe, "GetEncryptionConfiguration");
        for what in ["policy=", "lifecycle=", "acl=", "publicAccessBlock="] {
            self.assert(&get(what), false, what);
            self.assert(&self.object("DELETE", &format!("?{what}"), &[]), false, &format!("DELETE {what}"));
        }
        let policy = json!({ "Version": "2012-10-17", "Statement": [] }).to_string();
        let path = format!("/{}?policy=", self.bucket);
        self.assert(&self.client.send("PUT", &path, &[], policy.as_bytes()), false, "PutBucketPolicy");
        let suspend = b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
        let path = format!("/{}?versioning=", self.bucket);
        self.assert(&self.client.send("PUT", &path, &[], suspend), false, "PutBucketVersioning");
        self.assert(&self.object("DELETE", "", &[]), false, "DeleteBucket");
    }

    fn tries_other_places(&self) {
        for key in [
            "x.json",
            "analysis/2026/01/x.json",
            "other/analysis/2026/01/x.json",
            "design-analysis-2/analysis/x",
        ] {
            for method in ["GET", "PUT", "DELETE"] {
                self.assert(&self.object(method, key, &[AES256]), false, &format!("{method} {key}"));
            }
        }
        let key = format!("{PREFIX}/{}", Keys::Documents.example());
        for method in ["GET", "PUT", "DELETE"] {
            let other = self.client.send(method, &format!("/elsewhere/{key}"), &[AES256], b"");
            self.assert(&other, false, &format!("{method} in another bucket"));
        }
        self.assert(&self.client.get("/"), false, "ListAllMyBuckets");
    }
}
