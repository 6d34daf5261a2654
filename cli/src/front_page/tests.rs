use std::sync::Arc;

use analysis_http::{Secret, finish};
use analysis_storage::bucket::memory::MemoryBucket;
use analysis_storage::config::Environment;
use analysis_storage::testing::CountingBucket;
use analysis_storage::{Analyses, Document, Layout, StorageConfig, StorageType, SystemClock};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, Request};
use axum::routing::get;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use super::*;

const BROWSER: (HeaderName, &str) = (axum::http::header::ACCEPT, "text/html,*/*;q=0.8");

fn app(bucket: Arc<CountingBucket<MemoryBucket>>) -> App {
    let analyses = Analyses::new(bucket, StorageType::Memory, Layout::new(""), Arc::new(SystemClock));
    let directory = [("LOCAL_STORAGE_DIR", "/data/<script>alert('1')</script>&\"")];
    App::new(analyses, StorageConfig::from_environment(&Environment::from_pairs(&directory)).unwrap())
}

async fn answer(app: &App, headers: &[(HeaderName, &str)]) -> (StatusCode, HeaderMap, String) {
    let service = finish(Router::new().route("/", get(show)), app.clone());
    let mut request = Request::get("/");
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let response = service.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

async fn save(app: &App, count: usize) {
    for _ in 0..count {
        let document = Document::parse(r#"{"implementation":"hybrid"}"#.into()).unwrap();
        app.analyses().save_new(&document).await.unwrap();
    }
}

#[tokio::test]
async fn it_costs_four_requests_however_many_analyses_are_stored() {
    let bucket = Arc::new(CountingBucket::new(MemoryBucket::default()));
    let app = app(Arc::clone(&bucket));
    for more in [0, 1, 300] {
        save(&app, more).await;
        // The first to count in an hour stores the totals of those that are over.
        drop((answer(&app, &[]).await, bucket.take()));
        for headers in [&[][..], &[BROWSER]] {
            assert_eq!(answer(&app, headers).await.0, StatusCode::OK);
            assert_eq!(bucket.take().values().sum::<usize>(), 4);
        }
    }
}

#[tokio::test]
async fn whatever_others_have_named_is_text() {
    let app = app(Arc::new(CountingBucket::new(MemoryBucket::default())));
    save(&app, 1).await;
    let (_, headers, page) = answer(&app, &[BROWSER]).await;
    assert_eq!(headers[CONTENT_TYPE], "text/html; charset=utf-8");
    assert!(page.contains("/data/&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;"), "{page}");

    let mut front_page = look(&app).await.unwrap();
    let evil = "\"><script src=//evil.example>'&";
    front_page.newest[0].request_id = evil.into();
    front_page.newest[0].status = evil.into();
    front_page.stats.statuses = [(evil.to_owned(), 1)].into();
    let page = html::open(&front_page);
    assert!(!page.contains("<script") && !page.contains("\"><"), "{page}");
    assert_eq!(page.matches("&quot;&gt;&lt;script src=//evil.example&gt;&#39;&amp;").count(), 4, "{page}");
}

#[tokio::test]
async fn without_the_token_it_tells_nothing_of_the_store() {
    let bucket = Arc::new(CountingBucket::new(MemoryBucket::default()));
    let app = app(Arc::clone(&bucket)).with_token(secret());
    save(&app, 1).await;
    drop(bucket.take());
    let (status, headers, page) = answer(&app, &[BROWSER]).await;
    assert_eq!((status, &headers[WWW_AUTHENTICATE]), (StatusCode::UNAUTHORIZED, &"Bearer".parse().unwrap()));
    assert!(
        page.contains("asks for a token") && !page.contains("/data/") && !page.contains("hybrid"),
        "{page}"
    );
    let wrong = (axum::http::header::AUTHORIZATION, "Bearer wrong");
    for headers in [&[][..], std::slice::from_ref(&wrong), &[wrong.clone(), BROWSER]] {
        let (status, _, body) = answer(&app, headers).await;
        assert!(status == StatusCode::UNAUTHORIZED && !body.contains("/data/"), "{body}");
    }
    assert!(bucket.take().is_empty());
    let right = (axum::http::header::AUTHORIZATION, "Bearer s3cret");
    assert!(answer(&app, &[right, BROWSER]).await.2.contains("/data/"));
}

fn secret() -> Option<Secret> {
    let environment = [("API_TOKEN", "s3cret")];
    analysis_http::ServerConfig::from_environment(&Environment::from_pairs(&environment)).unwrap().token
}

#[test]
fn its_policy_lets_its_own_style_in() {
    let digest = Sha256::digest(html::STYLE);
    assert_eq!(
        html::STYLE_HASH,
        format!("sha256-{}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, digest))
    );
}
