//! The events of `events/`, one for each route, through the Lambda adapter.

mod fronts;

use std::fs;
use std::sync::Arc;

use analysis_http::{App, finish};
use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::config::Environment;
use analysis_storage::{Analyses, Layout, StorageConfig, StorageType, SystemClock};
use axum::Router;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lambda_http::Context;
use lambda_http::lambda_runtime::LambdaEvent;
use serde_json::{Value, json};

use crate::harness::{resolve, root};

struct Functions {
    app: App,
}

impl Functions {
    fn new(variables: &[(&str, &str)]) -> Self {
        let lookup =
            |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        let config = StorageConfig::from_environment(&Environment::from_lookup(lookup)).unwrap();
        let bucket = Arc::new(MemoryBucket::default());
        let analyses = Analyses::new(bucket, StorageType::Memory, Layout::new(""), Arc::new(SystemClock));
        Self { app: App::new(analyses, config) }
    }

    /// What Lambda sends back for this event.
    async fn answer(&self, routes: Router<App>, event: &Value) -> Value {
        let mut context = Context::default();
        context.request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd".into();
        let service = finish(routes, self.app.clone());
        let response =
            analysis_http::lambda::handle(service, LambdaEvent::new(event.clone(), context)).await.unwrap();
        serde_json::to_value(response).unwrap()
    }
}

fn event(name: &str) -> Value {
    serde_json::from_slice(&fs::read(root().join(format!("events/{name}.json"))).unwrap()).unwrap()
}

fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_body_is_declared_as_json_here_too() {
    let functions = Functions::new(&[]);
    for declared in [Value::Null, "".into(), "text/plain".into()] {
        let mut post = event("save-post");
        let headers = post["headers"].as_object_mut().unwrap();
        headers.remove("content-type");
        headers.extend((declared != Value::Null).then(|| ("content-type".to_owned(), declared)));
        let answer = functions.answer(analysis_fn_save::routes(), &post).await;
        assert_eq!(answer["statusCode"], 415, "{answer}");
        let detail = body(&answer)["detail"].to_string();
        assert!(detail.contains("send `Content-Type: application/json`"), "{detail}");
    }
}

#[tokio::test]
async fn every_route_has_an_event() {
    let functions = Functions::new(&[]);
    let post = functions.answer(analysis_fn_save::routes(), &event("save-post")).await;
    assert_eq!((&post["statusCode"], &body(&post)["implementation"]), (&201.into(), &"hybrid".into()));
    let put = functions.answer(analysis_fn_save::routes(), &event("save-put")).await;
    assert_eq!((&put["statusCode"], &put["headers"]["location"]), (&201.into(), &"study-1".into()));

    let loaded = functions.answer(analysis_fn_load::routes(), &event("load")).await;
    assert_eq!((&loaded["statusCode"], &loaded["isBase64Encoded"]), (&200.into(), &false.into()));
    assert_eq!(loaded["body"], event("save-put")["body"], "byte for byte");
    assert_eq!(loaded["headers"]["etag"], put["headers"]["etag"]);
    let head = functions.answer(analysis_fn_load::routes(), &event("load-head")).await;
    assert_eq!((&head["statusCode"], &head["headers"]["etag"]), (&200.into(), &put["headers"]["etag"]));
    // What the function says. What a gateway makes of a length without a body is not documented.
    let size = event("save-put")["body"].as_str().unwrap().len().to_string();
    assert_eq!(head["headers"]["content-length"], size);
    assert_eq!(head["body"].as_str().unwrap_or_default(), "");
    let versions = functions.answer(analysis_fn_load::routes(), &event("load-versions")).await;
    assert_eq!((&versions["statusCode"], &body(&versions)["code"]), (&501.into(), &"not_supported".into()));

    let listed = functions.answer(analysis_fn_list::routes(), &event("list")).await;
    let ids = body(&listed)["analyses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["request_id"].clone())
        .collect::<Vec<_>>();
    assert!(ids.len() == 2 && ids.contains(&"study-1".into()), "{ids:?}");
    let stats = functions.answer(analysis_fn_stats::routes(), &event("stats")).await;
    assert_eq!(body(&stats)["total_analyses"], 2);
    let info = functions.answer(analysis_fn_stats::routes(), &event("stats-storage-info")).await;
    assert_eq!(body(&info)["stats"]["implementations_used"], json!({ "hybrid": 2 }));

    let deleted = functions.answer(analysis_fn_delete::routes(), &event("delete")).await;
    assert_eq!(deleted["statusCode"], 204);
    let gone = functions.answer(analysis_fn_load::routes(), &event("load")).await;
    assert_eq!(
        (&gone["statusCode"], &body(&gone)["instance"]),
        (&404.into(), &"urn:design-analysis:request:8476a536-e9f4-11e8-9739-2dfe598c3fcd".into())
    );
}

#[tokio::test]
async fn a_base64_body_is_stored_as_the_bytes_it_stands_for() {
    let functions = Functions::new(&[]);
    let saved = functions.answer(analysis_fn_save::routes(), &event("save-post-base64")).await;
    assert_eq!(
        (&saved["statusCode"], &saved["headers"]["location"]),
        (&201.into(), &"analyses/from-base64".into())
    );
    let mut load_event = event("load");
    load_event["pathParameters"]["id"] = "from-base64".into();
    let loaded = functions.answer(analysis_fn_load::routes(), &load_event).await;
    assert!(loaded["body"].as_str().unwrap().contains("„Ich finde den Knopf nicht“"));
}

#[tokio::test]
async fn a_document_that_lambda_could_not_return_is_a_clear_problem() {
    let functions = Functions::new(&[]);
    let mut save_event = event("save-put");
    let mut load_event = event("load");
    // Quotes double in Lambda's JSON, so that base64 is the smaller encoding of this one, and just fits.
    for (size, status, base64) in [(4_600_000, 200, true), (4_800_000, 413, false)] {
        let quotes = format!(r#"{{"text":"{}"}}"#, "\\\"".repeat(size / 2));
        save_event["body"] = quotes.into();
        save_event["pathParameters"]["id"] = format!("q{size}").into();
        assert!([201, 200].contains(
            &functions.answer(analysis_fn_save::routes(), &save_event).await["statusCode"].as_i64().unwrap()
        ));
        load_event["pathParameters"] = save_event["pathParameters"].clone();
        let loaded = functions.answer(analysis_fn_load::routes(), &load_event).await;
        assert_eq!((&loaded["statusCode"], &loaded["isBase64Encoded"]), (&status.into(), &base64.into()));
        assert!(serde_json::to_vec(&loaded).unwrap().len() <= 6_291_556);
        if status == 413 {
            assert_eq!(body(&loaded)["code"], "response_too_large");
        }
    }
    // Plain text grows by little: it goes as text up to the limit.
    save_event["body"] = format!(r#"{{"text":"{}"}}"#, "x".repeat(6_200_000)).into();
    assert_eq!(functions.answer(analysis_fn_save::routes(), &save_event).await["statusCode"], 200);
    let loaded = functions.answer(analysis_fn_load::routes(), &load_event).await;
    assert_eq!((&loaded["statusCode"], &loaded["isBase64Encoded"]), (&200.into(), &false.into()));
}

#[tokio::test]
async fn a_function_answers_problems_for_what_is_not_its_own() {
    let functions = Functions::new(&[]);
    let mut unknown = event("stats");
    unknown["routeKey"] = "GET /nothing".into();
    let answer = functions.answer(analysis_fn_stats::routes(), &unknown).await;
    assert_eq!((&answer["statusCode"], &body(&answer)["code"]), (&404.into(), &"unknown_route".into()));
    assert_eq!(answer["headers"]["content-type"], "application/problem+json");
    let mut wrong = event("stats");
    wrong["requestContext"]["http"]["method"] = "DELETE".into();
    let answer = functions.answer(analysis_fn_stats::routes(), &wrong).await;
    assert_eq!((&answer["statusCode"], &body(&answer)["code"]), (&405.into(), &"method_not_allowed".into()));
}

/// Found in review: API Gateway gives `rawPath` decoded, and these named the analysis `victim`.
#[tokio::test]
async fn an_id_that_only_looks_like_another_touches_nothing() {
    let functions = Functions::new(&[]);
    let mut save_event = event("save-put");
    save_event["body"] = r#"{"n":1}"#.into();
    save_event["pathParameters"]["id"] = "victim".into();
    assert_eq!(functions.answer(analysis_fn_save::routes(), &save_event).await["statusCode"], 201);
    save_event["body"] = r#"{"n":2}"#.into();
    for id in
        ["victim#x", "x/../victim", "..", "vic\ttim", "vic\ntim", "%76ictim", "victim?x", "a\\victim", ""]
    {
        save_event["rawPath"] = format!("/prod/analyses/{id}").into();
        save_event["pathParameters"]["id"] = id.into();
        save_event["headers"]["x-forwarded-proto"] = "no url".into();
        let answer = functions.answer(analysis_fn_save::routes(), &save_event).await;
        let expected = if id.is_empty() { 404 } else { 422 };
        assert_eq!(answer["statusCode"], expected, "{id:?}");
    }
    let mut load_event = event("load");
    load_event["pathParameters"]["id"] = "victim".into();
    assert_eq!(functions.answer(analysis_fn_load::routes(), &load_event).await["body"], r#"{"n":1}"#);
}

#[tokio::test]
async fn a_named_stage_is_no_part_of_the_path() {
    let functions = Functions::new(&[]);
    let mut stats_event = event("stats");
    stats_event["rawPath"] = "/prod/stats".into();
    stats_event["requestContext"]["stage"] = "prod".into();
    assert_eq!(functions.answer(analysis_fn_stats::routes(), &stats_event).await["statusCode"], 200);
    for (name, path, place) in [
        ("save-post", "/prod/analyses", "/prod/analyses/"),
        ("save-put", "/prod/analyses/study-1", "/prod/analyses/"),
    ] {
        let mut save_event = event(name);
        save_event["rawPath"] = path.into();
        save_event["requestContext"]["stage"] = "prod".into();
        let saved = functions.answer(analysis_fn_save::routes(), &save_event).await;
        let location = resolve(path, saved["headers"]["location"].as_str().unwrap());
        assert_eq!(location, format!("{place}{}", body(&saved)["request_id"].as_str().unwrap()));
    }
}

#[tokio::test]
async fn a_document_of_any_size_is_loaded_in_pieces() {
    let functions = Functions::new(&[]);
    let (mut save_event, mut load_event) = (event("save-put"), event("load"));
    let document = format!(r#"{{"text":"{}"}}"#, "\\\"\u{e4}".repeat(2_000_000));
    save_event["body"] = document.clone().into();
    functions.answer(analysis_fn_save::routes(), &save_event).await;
    let refused = functions.answer(analysis_fn_load::routes(), &load_event).await;
    assert_eq!(
        (&refused["statusCode"], &body(&refused)["code"]),
        (&413.into(), &"response_too_large".into())
    );
    assert!(body(&refused)["detail"].as_str().unwrap().contains("`Range: bytes=0-4194303`"), "{refused}");
    assert_eq!(refused["headers"]["x-content-type-options"], "nosniff");

    let mut loaded = Vec::new();
    while loaded.len() < document.len() {
        let (first, last) = (loaded.len(), loaded.len() + 4_194_303);
        load_event["headers"]["range"] = format!("bytes={first}-{last}").into();
        let piece = functions.answer(analysis_fn_load::routes(), &load_event).await;
        assert_eq!(piece["statusCode"], 206);
        assert!(serde_json::to_vec(&piece).unwrap().len() <= 6_291_556);
        let range = piece["headers"]["content-range"].as_str().unwrap().to_owned();
        assert!(
            range.starts_with(&format!("bytes {first}-")) && range.ends_with(&format!("/{}", document.len()))
        );
        let text = piece["body"].as_str().unwrap();
        if piece["isBase64Encoded"].as_bool().unwrap() {
            loaded.extend(BASE64_STANDARD.decode(text).unwrap());
        } else {
            loaded.extend(text.as_bytes());
        }
    }
    assert!(loaded == document.as_bytes());
}
