//! Loading an analysis: `GET` and `HEAD /analyses/{id}`, and its versions.

use analysis_http::{App, Counted, IdPath, Problem, Query, ReadConditions, last_modified};
use analysis_storage::bucket::{GetOptions, ObjectMeta, Version};
use analysis_storage::{ETag, Loaded};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, IntoResponseParts, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};

/// The routes of this function.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/analyses/{id}", get(load).head(describe))
        .route("/analyses/{id}/versions", get(versions))
}

/// The very bytes that were saved.
async fn load(
    State(app): State<App>,
    IdPath(id): IdPath,
    query: Query,
    conditions: ReadConditions,
) -> Result<Response, Problem> {
    let version_id = query.only(&["version_id"])?.get("version_id").map(str::to_owned);
    let options =
        GetOptions { if_none_match: conditions.single_tag(), version_id, budget: app.budget().clone() };
    app.read(async {
        let caching = caching(options.version_id.as_deref());
        let object = match app.analyses().load(&id, &options).await? {
            Loaded::NotModified => return Ok(not_modified(options.if_none_match.as_ref(), caching)),
            Loaded::Document(object) => object,
        };
        if conditions.is_not_modified(&object.meta)? {
            return Ok(not_modified(Some(&object.meta.etag), caching));
        }
        Ok((Extension(Counted), headers(&object.meta), [caching], object.body).into_response())
    })
    .await
}

/// The headers of a load without reading the document.
async fn describe(
    State(app): State<App>,
    IdPath(id): IdPath,
    query: Query,
    conditions: ReadConditions,
) -> Result<Response, Problem> {
    if query.get("version_id").is_some() {
        // The storage tells a version's headers only with its content, which a HEAD then leaves out.
        return load(State(app), IdPath(id), query, conditions).await;
    }
    query.only(&["version_id"])?;
    app.read(async {
        let meta = app.analyses().describe(&id).await?;
        if conditions.is_not_modified(&meta)? {
            return Ok(not_modified(Some(&meta.etag), REVALIDATED));
        }
        let length = [(header::CONTENT_LENGTH, meta.size.to_string())];
        Ok((length, headers(&meta), [REVALIDATED], Body::empty()).into_response())
    })
    .await
}

/// The stored versions, newest first.
async fn versions(
    State(app): State<App>,
    IdPath(id): IdPath,
    query: Query,
) -> Result<Json<Versions>, Problem> {
    query.only(&[])?;
    app.read(async { Ok(Json(Versions { versions: app.analyses().versions(&id).await? })) }).await
}

/// The answer to `GET /analyses/{id}/versions`.
#[derive(Debug, serde::Serialize)]
struct Versions {
    versions: Vec<Version>,
}

/// RFC 9110, section 15.4.5: with the headers that a cache would need to refresh what it holds.
fn not_modified(etag: Option<&ETag>, caching: Caching) -> Response {
    let etag = AppendHeaders(etag.map(|tag| (header::ETAG, tag.to_string())));
    (StatusCode::NOT_MODIFIED, etag, [caching]).into_response()
}

/// Who may keep an answer, and for how long. Never shared caches: who may see it is asked at each request.
type Caching = (HeaderName, &'static str);

/// A replaced analysis keeps its URL, so caches must ask; an `ETag` makes asking cheap.
const REVALIDATED: Caching = (header::CACHE_CONTROL, "private, no-cache");

/// What a version holds never changes.
const IMMUTABLE: Caching = (header::CACHE_CONTROL, "private, max-age=31536000, immutable");

/// The version `null` is what a bucket without versions replaces in place.
fn caching(version_id: Option<&str>) -> Caching {
    if version_id.is_some_and(|version| version != "null") { IMMUTABLE } else { REVALIDATED }
}

fn headers(meta: &ObjectMeta) -> impl IntoResponseParts {
    [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::ETAG, meta.etag.to_string()),
        (header::LAST_MODIFIED, httpdate::fmt_http_date(last_modified(meta))),
    ]
}
