//! The deployed stack: the API through its functions' own roles, and what these roles may not do.

use serde_json::json;

use crate::harness::{Client, JSON};
use crate::stack::{Stack, root_keys};
use crate::suite::{self, Deployment, Front};
use crate::template;

pub(crate) const PREFIX: &str = "design-analysis";
pub(crate) const AES256: (&str, &str) = ("x-amz-server-side-encryption", "AES256");

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

#[test]
fn the_bucket_takes_nothing_without_tls_or_with_another_encryption_whoever_asks() {
    let stack = Stack::shared();
    let operator = stack.aws("s3", &stack.user(&allow(&["s3:*"], "*")));
    let path = format!("/{}/{PREFIX}/operator", stack.bucket());
    let put = |headers: &[(&str, &str)]| operator.send("PUT", &path, headers, b"x").status;
    assert_eq!(put(&[AES256]), 200);
    // The bucket encrypts it by itself.
    assert_eq!(put(&[]), 200);
    assert_eq!(put(&[("x-amz-server-side-encryption", "aws:kms")]), 403);
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

pub(crate) fn allow(actions: &[&str], resource: &str) -> String {
    let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}
