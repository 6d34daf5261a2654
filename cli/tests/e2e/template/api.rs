//! The routes, and who may call them.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;

use analysis_http::{App, finish};
use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::config::Environment;
use analysis_storage::{Analyses, Layout, StorageConfig, StorageType, SystemClock};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{defaults, resources, stack, text};
use crate::harness::root;
use crate::privileges::FUNCTIONS;

/// The directory of the function that a route leads to.
fn function_of(stack: &Value, route: &Value) -> &'static str {
    let target = text(&route["Target"]).strip_prefix("integrations/${").unwrap().trim_end_matches('}');
    let integration = resources(stack, "AWS::ApiGatewayV2::Integration")[target];
    assert_eq!(
        (&integration["IntegrationType"], &integration["PayloadFormatVersion"]),
        (&"AWS_PROXY".into(), &"2.0".into())
    );
    let alias = text(&integration["IntegrationUri"]["Ref"]);
    FUNCTIONS.iter().find(|f| format!("{}FunctionAliaslive", f.resource) == alias).unwrap().name
}

fn routes_of(function: &str) -> Router<App> {
    match function {
        "save" => analysis_fn_save::routes(),
        "load" => analysis_fn_load::routes(),
        "list" => analysis_fn_list::routes(),
        "stats" => analysis_fn_stats::routes(),
        "delete" => analysis_fn_delete::routes(),
        other => panic!("{other} has no routes"),
    }
}

#[tokio::test]
async fn every_route_leads_to_a_function_that_answers_it() {
    let config = StorageConfig::from_environment(&Environment::from_lookup(|_| None)).unwrap();
    let bucket = Arc::new(MemoryBucket::default());
    let analyses = Analyses::new(bucket, StorageType::Memory, Layout::new(""), Arc::new(SystemClock));
    let app = App::new(analyses, config);
    let stack = defaults();
    for route in resources(stack, "AWS::ApiGatewayV2::Route").values() {
        let (method, path) = text(&route["RouteKey"]).split_once(' ').unwrap();
        let function = function_of(stack, route);
        let request = Request::builder().method(method).uri(path.replace("{id}", "x")).body(Body::empty());
        let service = finish(routes_of(function), app.clone());
        let answer = service.oneshot(request.unwrap()).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        let unanswered = body.contains("unknown_route") || body.contains("method_not_allowed");
        assert!(!unanswered, "{function} does not answer {method} {path}: {body}");
    }
}

/// `cargo lambda watch` is told the same routes in the workspace's manifest.
#[test]
fn the_routes_are_those_of_the_local_gateway() {
    let stack = defaults();
    let routes = resources(stack, "AWS::ApiGatewayV2::Route");
    let declared: BTreeSet<_> = routes
        .values()
        .map(|route| (text(&route["RouteKey"]).to_owned(), function_of(stack, route)))
        .collect();
    let local: BTreeSet<_> = watched_routes().into_iter().collect();
    assert_eq!(declared.len(), 9);
    assert_eq!(declared, local);
}

/// Method and path, and the function they lead to.
fn watched_routes() -> Vec<(String, &'static str)> {
    let mut cargo = Command::new("cargo");
    let output =
        cargo.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(root()).output().unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let router = metadata["metadata"]["lambda"]["watch"]["router"].as_object().unwrap().clone();
    let name = |text: &Value| FUNCTIONS.iter().find(|function| *text == function.name).unwrap().name;
    let route =
        |path: &str, route: &Value| (format!("{} {path}", text(&route["method"])), name(&route["function"]));
    router
        .iter()
        .flat_map(|(path, routes)| routes.as_array().unwrap().iter().map(move |one| route(path, one)))
        .collect()
}

#[test]
fn callers_are_authorized_by_iam_unless_chosen_otherwise() {
    let all = |parameters: &[&str], expected: Value| {
        let stack = stack(parameters);
        for (name, route) in resources(&stack, "AWS::ApiGatewayV2::Route") {
            let found = json!([route["AuthorizationType"], route["AuthorizerId"]]);
            assert_eq!(found, expected, "{name}");
        }
        stack
    };
    all(&[], json!(["AWS_IAM", null]));
    all(&["Authorizer=NONE"], json!(["NONE", null]));
    let jwt = ["Authorizer=JWT", "JwtIssuer=https://issuer.example", "JwtAudience=one,two"];
    let stack = all(&jwt, json!(["JWT", { "Ref": "JwtAuthorizer" }]));
    let authorizer = resources(&stack, "AWS::ApiGatewayV2::Authorizer")["JwtAuthorizer"];
    let expected = json!({ "Issuer": "https://issuer.example", "Audience": ["one", "two"] });
    assert_eq!(authorizer["JwtConfiguration"], expected);
    assert_eq!(authorizer["IdentitySource"], json!(["$request.header.Authorization"]));
    assert_eq!(stack["Parameters"]["Authorizer"]["AllowedValues"], json!(["IAM", "JWT", "NONE"]));
}

/// An update of a route that leaves `AuthorizerId` out does not detach the authorizer (aws-cdk 20695, CloudFormation's
/// coverage roadmap 2184). What names another API is made anew instead, and what it replaces goes afterwards.
#[test]
fn a_switch_from_or_to_tokens_replaces_every_route_and_never_opens_one() {
    let jwt = ["Authorizer=JWT", "JwtIssuer=https://issuer.example", "JwtAudience=one"];
    for (parameters, api) in [(&[][..], "Api"), (&["Authorizer=NONE"], "Api"), (&jwt, "JwtApi")] {
        let stack = stack(parameters);
        let own = json!({ "Ref": api });
        assert_eq!(resources(&stack, "AWS::ApiGatewayV2::Api").keys().collect::<Vec<_>>(), [&api]);
        for kind in ["Route", "Integration", "Stage", "Authorizer"] {
            for (name, properties) in resources(&stack, &format!("AWS::ApiGatewayV2::{kind}")) {
                assert_eq!(properties["ApiId"], own, "{parameters:?} {name}");
            }
        }
        // Between IAM and NONE the routes stay, and each says which it wants.
        for (name, route) in resources(&stack, "AWS::ApiGatewayV2::Route") {
            assert_eq!(route["AuthorizerId"].is_null(), api == "Api", "{name}");
            assert!(route["AuthorizationType"].is_string(), "{name}");
        }
        let elsewhere = if api == "Api" { "JwtApi" } else { "\"Api\"" };
        assert!(!stack.to_string().replace("Output", "").contains(elsewhere), "{parameters:?}");
    }
}

/// The two are alike but for their callers.
#[test]
fn the_api_of_tokens_is_as_the_other() {
    let origins = "CorsOrigins=https://a.example";
    let jwt = ["Authorizer=JWT", "JwtIssuer=https://issuer.example", "JwtAudience=one", origins];
    let (jwt, iam) = (stack(&jwt), stack(&[origins]));
    assert_eq!(
        resources(&jwt, "AWS::ApiGatewayV2::Api")["JwtApi"],
        resources(&iam, "AWS::ApiGatewayV2::Api")["Api"]
    );
}

#[test]
fn it_is_throttled_and_logged_and_open_to_named_origins_only() {
    let stage = resources(defaults(), "AWS::ApiGatewayV2::Stage")["Stage"];
    assert_eq!(stage["StageName"], "$default");
    let limits = json!({ "ThrottlingRateLimit": "20", "ThrottlingBurstLimit": "5" });
    assert_eq!(stage["DefaultRouteSettings"], limits);
    assert_eq!(stage["AccessLogSettings"]["DestinationArn"], json!({ "Fn::GetAtt": ["AccessLogs", "Arn"] }));
    let line: Value = serde_json::from_str(text(&stage["AccessLogSettings"]["Format"])).unwrap();
    assert_eq!(
        (&line["request_id"], &line["caller"]),
        (&"$context.requestId".into(), &"$context.identity.userArn".into())
    );
    for (field, variable) in [
        // `AWS` gives the function, and its log, the same id.
        ("function_request_id", "$context.awsEndpointRequestId"),
        ("function_status", "$context.integration.status"),
        ("function_ms", "$context.integration.latency"),
        ("authorizer_error", "$context.authorizer.error"),
        ("status", "$context.status"),
    ] {
        assert_eq!(line[field], variable);
    }
    let cors = |stack: &Value| resources(stack, "AWS::ApiGatewayV2::Api")["Api"]["CorsConfiguration"].clone();
    assert_eq!(cors(defaults()), Value::Null);
    let origins = cors(&stack(&["CorsOrigins=https://a.example,https://b.example"]));
    assert_eq!(origins["AllowOrigins"], json!(["https://a.example", "https://b.example"]));
}

#[test]
fn only_the_api_may_invoke_its_functions() {
    let permissions = resources(defaults(), "AWS::Lambda::Permission");
    assert!(permissions.values().all(|permission| permission["Action"] == "lambda:InvokeFunction"));
    let of = |principal: &str, source: &Value| -> BTreeSet<&str> {
        let granted = permissions.values().filter(|permission| permission["Principal"] == principal);
        let granted = granted.filter(|permission| permission["SourceArn"] == *source);
        granted.map(|permission| text(&permission["FunctionName"]["Ref"])).collect()
    };
    // Their aliases only: no version before can be called past them.
    let called = ["Delete", "List", "Load", "Save", "Stats"].map(|name| format!("{name}FunctionAliaslive"));
    let api = json!("arn:aws:execute-api:us-east-1:000000000000:${Api}/*");
    assert_eq!(of("apigateway.amazonaws.com", &api), called.iter().map(String::as_str).collect());
    for schedule in ["RepairFunctionDaily", "RepairFunctionGoOn"] {
        let schedule = json!({ "Fn::GetAtt": [schedule, "Arn"] });
        assert_eq!(of("events.amazonaws.com", &schedule), ["RepairFunction"].into());
    }
    assert_eq!(permissions.len(), 7);
}
