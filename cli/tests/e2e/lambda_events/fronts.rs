//! Other fronts than an HTTP API: `events/fronts/`.

use analysis_http::App;
use axum::Router;
use lambda_http::Context;
use lambda_http::lambda_runtime::LambdaEvent;
use serde_json::{Value, json};

use super::{Functions, body, event};

const FRONTS: [&str; 3] = ["rest-api", "load-balancer", "function-url"];

/// The save of `events/fronts/` as another request with this method; `path` is below the stage.
fn request(front: &str, method: &str, path: &str, id: Option<&str>, query: &[(&str, &str)]) -> Value {
    let mut event = event(&format!("fronts/{front}"));
    if method != "PUT" {
        event["body"] = Value::Null;
        event["isBase64Encoded"] = false.into();
    }
    for headers in ["headers", "multiValueHeaders"] {
        if let Some(headers) = event[headers].as_object_mut() {
            headers.retain(|name, _| !name.eq_ignore_ascii_case("if-none-match"));
        }
    }
    if front == "function-url" {
        event["requestContext"]["http"]["method"] = method.into();
        event["rawPath"] = path.into();
        let pairs: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        event["rawQueryString"] = pairs.join("&").into();
        return event;
    }
    event["httpMethod"] = method.into();
    event["path"] = path.into();
    let pairs = query.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
    event["queryStringParameters"] = pairs.collect();
    if front == "rest-api" {
        let lists = query.iter().map(|(name, value)| ((*name).to_owned(), json!([value])));
        event["multiValueQueryStringParameters"] = lists.collect();
        event["pathParameters"] = id.map_or(Value::Null, |id| json!({ "id": id }));
        event["resource"] = id.map_or(path.to_owned(), |_| "/analyses/{id}".to_owned()).into();
    }
    event
}

#[tokio::test]
async fn each_front_is_served_like_the_http_api() {
    for front in FRONTS {
        let functions = Functions::new(&[]);
        let save = event(&format!("fronts/{front}"));
        let saved = functions.answer(analysis_fn_save::routes(), &save).await;
        assert_eq!(
            (&saved["statusCode"], &saved["headers"]["location"]),
            (&201.into(), &"study-1".into()),
            "{front}"
        );
        let again = functions.answer(analysis_fn_save::routes(), &save).await;
        assert_eq!(again["statusCode"], 412, "{front}: the condition has arrived");

        let get = request(front, "GET", "/analyses/study-1", Some("study-1"), &[]);
        let loaded = functions.answer(analysis_fn_load::routes(), &get).await;
        assert_eq!(body(&loaded), json!({ "implementation": "hybrid", "status": "success" }), "{front}");
        assert_eq!(loaded["headers"]["etag"], saved["headers"]["etag"]);

        let query = [("limit", "1"), ("implementation", "hybrid")];
        let list = request(front, "GET", "/analyses", None, &query);
        let listed = functions.answer(analysis_fn_list::routes(), &list).await;
        assert_eq!(body(&listed)["analyses"][0]["request_id"], "study-1", "{front}");
        let list = request(front, "GET", "/analyses", None, &[("limit", "none")]);
        let refused = functions.answer(analysis_fn_list::routes(), &list).await;
        assert_eq!((&refused["statusCode"], &body(&refused)["code"]), (&400.into(), &"invalid_query".into()));

        let delete = request(front, "DELETE", "/analyses/study-1", Some("study-1"), &[]);
        let deleted = functions.answer(analysis_fn_delete::routes(), &delete).await;
        assert_eq!(deleted["statusCode"], 204, "{front}");
    }
}

/// Amazon API Gateway gives query parameters of a REST API decoded, a load balancer as they were sent.
#[tokio::test]
async fn a_query_means_the_same_behind_each_front() {
    for (front, sent, found) in [
        ("rest-api", "hybrid", 1),
        ("rest-api", "hybr%69d", 0),
        ("load-balancer", "hybr%69d", 1),
        ("function-url", "hybr%69d", 1),
    ] {
        let functions = Functions::new(&[]);
        let save = event(&format!("fronts/{front}"));
        assert_eq!(functions.answer(analysis_fn_save::routes(), &save).await["statusCode"], 201, "{front}");
        let list = request(front, "GET", "/analyses", None, &[("implementation", sent)]);
        let listed = functions.answer(analysis_fn_list::routes(), &list).await;
        let count = body(&listed)["analyses"].as_array().map(Vec::len).unwrap_or_default();
        assert_eq!(count, found, "{front}, {sent}: {listed}");
    }
}

#[tokio::test]
async fn a_load_balancer_that_sends_lists_of_values_gets_lists() {
    let functions = Functions::new(&[]);
    let mut save = event("fronts/load-balancer");
    let headers = save["headers"].take();
    let lists = headers.as_object().unwrap().iter().map(|(name, value)| (name.clone(), json!([value])));
    save["multiValueHeaders"] = lists.collect();
    save.as_object_mut().unwrap().remove("headers");
    let saved = functions.answer(analysis_fn_save::routes(), &save).await;
    assert_eq!(saved["multiValueHeaders"]["location"], json!(["study-1"]), "{saved}");
    assert_eq!(saved["headers"], json!({}));
}

#[tokio::test]
async fn a_body_that_is_no_base64_is_a_clear_problem() {
    let functions = Functions::new(&[]);
    let mut events = FRONTS.map(|front| event(&format!("fronts/{front}"))).to_vec();
    events.push(event("save-post"));
    for mut save in events {
        save["body"] = "{no base64}".into();
        save["isBase64Encoded"] = true.into();
        let answer = functions.answer(analysis_fn_save::routes(), &save).await;
        let problem = body(&answer);
        assert_eq!((&answer["statusCode"], &problem["code"]), (&400.into(), &"malformed_document".into()));
        assert_eq!(problem["detail"], "the event says that its body is base64, and it is not");
        assert_eq!(problem["instance"], "urn:design-analysis:request:8476a536-e9f4-11e8-9739-2dfe598c3fcd");
    }
}

#[tokio::test]
async fn an_event_that_is_no_http_request_is_refused_with_the_fronts_that_are_supported() {
    let functions = Functions::new(&[]);
    let routes: Router<App> = analysis_fn_list::routes();
    let service = analysis_http::finish(routes, functions.app.clone());
    let websocket =
        json!({ "requestContext": { "connectionId": "x", "eventType": "MESSAGE" }, "body": "{}" });
    for other in [json!({}), json!({ "Records": [] }), json!("warm"), Value::Null, websocket] {
        let event = LambdaEvent::new(other.clone(), Context::default());
        let error = analysis_http::lambda::handle(service.clone(), event).await.unwrap_err().to_string();
        for front in ["HTTP API", "REST API", "function URL", "Application Load Balancer"] {
            assert!(error.contains(front), "{other}: {error}");
        }
    }
}
