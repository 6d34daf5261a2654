//! The deployed stack: the API through its functions' own roles, and what these roles may not do.

use serde_json::json;

use crate::harness::{Answer, Client, JSON};
use crate::privileges::{FUNCTIONS, Function, Keys};
use crate::stack::{Stack, root_keys};
use crate::suite::{self, Deployment, Front};
use crate::template;

const PREFIX: &str = "design-analysis";
const AES256: (&str, &str) = ("x-amz-server-side-encryption", "AES256");

/// One test, in this order: the suite wants an empty store, and the repair something to repair.
#[test]
fn the_api_of_the_deployed_stack() {
    let stack = Stack::shared();
    let deployment = Deployment {
        versions: true,
        storage_type: "s3",
        front: Front::ApiGateway,
        max_document_bytes: 6_291_456,
    };
    suite::run(&stack.caller(), deployment);
    what_lambda_cannot_take(stack);
    bytes_that_are_not_utf8_arrive_replaced(stack);
    the_repair_function_indexes_what_another_program_has_put(stack);
}

/// Lambda's limit on requests is the gateway's to enforce.
fn what_lambda_cannot_take(stack: &Stack) {
    let client = stack.caller();
    let body = format!(r#"{{"text":"{}"}}"#, "x".repeat(6_291_556));
    let refused = client.put("large", body.as_bytes());
    assert_eq!(refused.status, 413, "{}", refused.text());
    assert_eq!(client.get("/analyses/large").status, 404);
}

/// The server refuses them. Behind the gateway no function can: it takes JSON as text, before any function sees it.
fn bytes_that_are_not_utf8_arrive_replaced(stack: &Stack) {
    let client = stack.caller();
    assert_eq!(client.put("latin-1", b"{\"a\":\"\xff\"}").status, 201);
    assert_eq!(client.get("/analyses/latin-1").body, "{\"a\":\"\u{fffd}\"}".as_bytes());
    assert_eq!(client.delete("latin-1").status, 204);
}

fn the_repair_function_indexes_what_another_program_has_put(stack: &Stack) {
    let client = stack.caller();
    let operator = stack.user(&allow(&["s3:PutObject"], &format!("arn:aws:s3:::{}/*", stack.bucket())));
    let month = client.put("probe", b"{}").json()["created_at"].as_str().unwrap()[..7].replace('-', "/");
    let path = format!("/{}/{PREFIX}/analysis/{month}/foreign.json", stack.bucket());
    let put = stack.aws("s3", &operator).send("PUT", &path, &[AES256], br#"{"status":"success"}"#);
    assert_eq!(put.status, 200, "{}", put.text());
    assert_eq!(client.ids("status=success"), Vec::<String>::new());

    let path = format!("/2015-03-31/functions/{}/invocations", stack.resource("RepairFunction"));
    // What EventBridge sends on a schedule.
    let event = br#"{"version":"0","detail-type":"Scheduled Event","source":"aws.events","detail":{}}"#;
    let answer = stack.aws("lambda", &root_keys()).send("POST", &path, &[JSON], event);
    let outcome = answer.json();
    assert_eq!((answer.status, &outcome["done"]), (200, &true.into()), "{outcome}");
    assert!(!answer.headers.contains_key("x-amz-function-error"), "{outcome}");
    assert_eq!(outcome["repaired"]["no_id_record"], 1, "{outcome}");
    assert_eq!(client.ids("status=success"), ["foreign"]);
    assert_eq!(client.get("/stats").json()["total_analyses"], 2);
}

#[test]
fn only_callers_with_permission_reach_the_api() {
    let stack = Stack::shared();
    let host = stack.api_host();
    let get = |client: &Client| client.get("/stats");
    let unsigned = stack.stranger().send("GET", "/stats", &[("host", host)], b"");
    assert_eq!((unsigned.status, &unsigned.json()["message"]), (403, &"Forbidden".into()));
    let nobody = stack.user(&allow(&["s3:ListAllMyBuckets"], "*"));
    assert_eq!(get(&stack.caller_with(&nobody)).status, 403);
    let mut forger = stack.user(&allow(&["execute-api:Invoke"], "*"));
    assert_eq!(get(&stack.caller_with(&forger)).status, 200);
    forger.secret_access_key.replace_range(..1, "?");
    assert_eq!(get(&stack.caller_with(&forger)).status, 403);
    let unknown = stack.caller().get("/nothing");
    assert_eq!((unknown.status, &unknown.json()["message"]), (404, &"Not Found".into()), "the gateway's own");
}

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
            self.assert(&self.object("PUT", &key, &[]), false, &format!("PUT {key} unencrypted"));
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

#[test]
fn the_bucket_takes_nothing_without_tls_or_encryption_whoever_asks() {
    let stack = Stack::shared();
    let operator = stack.aws("s3", &stack.user(&allow(&["s3:*"], "*")));
    let path = format!("/{}/{PREFIX}/operator", stack.bucket());
    let put = |headers: &[(&str, &str)]| operator.send("PUT", &path, headers, b"x").status;
    assert_eq!(put(&[AES256]), 200);
    assert_eq!(put(&[]), 403);
    // How the emulator is told of a connection without TLS: it serves no other itself.
    let plain = ("x-forwarded-proto", "http");
    assert_eq!(put(&[AES256, plain]), 403);
    assert_eq!(operator.send("GET", &path, &[plain], b"").status, 403);
    assert_eq!(operator.get(&path).status, 200);
}

/// The emulator gets them from the script that deploys the stack, and checks them as S3's own API does.
#[test]
fn the_lifecycle_rules_are_those_of_the_template() {
    let stack = Stack::shared();
    let operator = stack.aws("s3", &stack.user(&allow(&["s3:*"], "*")));
    let rules = operator.get(&format!("/{}?lifecycle=", stack.bucket()));
    let rules = String::from_utf8(rules.body).unwrap();
    let declared = template::rules(&[]);
    assert_eq!(rules.matches("<Rule>").count(), declared.len());
    for (id, rule) in declared {
        let own =
            rules.split("<Rule>").find(|rule| rule.contains(&format!("<ID>{id}</ID>"))).unwrap_or_default();
        assert!(
            own.contains(&format!("<Prefix>{}</Prefix>", rule["Prefix"].as_str().unwrap())),
            "{id}: {own}"
        );
        if let Some(days) = rule["ExpirationInDays"].as_str() {
            assert!(own.contains(&format!("<Days>{days}</Days>")), "{id}: {own}");
        }
    }
}

fn allow(actions: &[&str], resource: &str) -> String {
    let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}
