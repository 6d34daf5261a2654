//! Loading an analysis: `GET` and `HEAD /analyses/{id}`, and its versions.

use analysis_http::{App, IdPath, Problem, Query, ReadConditions, last_modified};
use analysis_storage::Loaded;
use analysis_storage::bucket::{GetOptions, ObjectMeta, Version};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

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
    let options = GetOptions { if_none_match: conditions.single_tag(), version_id };
    app.read(async {
        let object = match app.analyses().load(&id, &options).await? {
            Loaded::NotModified => {
                let tag = options.if_none_match.map(|tag| (header::ETAG, tag.to_string()));
                return Ok((StatusCode::NOT_MODIFIED, axum::response::AppendHeaders(tag)).into_response());
            }
            Loaded::Document(object) => object,
        };
        if conditions.is_not_modified(&object.meta)? {
            return Ok(not_modified(&object.meta));
        }
        Ok((headers(&object.meta), object.body).into_response())
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
    query.only(&[])?;
    app.read(async {
        let meta = app.analyses().describe(&id).await?;
        if conditions.is_not_modified(&meta)? {
            return Ok(not_modified(&meta));
        }
        let length = [(header::CONTENT_LENGTH, meta.size.to_string())];
        Ok((length, headers(&meta), Body::empty()).into_response())
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

fn not_modified(meta: &ObjectMeta) -> Response {
    (StatusCode::NOT_MODIFIED, [(header::ETAG, meta.etag.to_string())]).into_response()
}

fn headers(meta: &ObjectMeta) -> [(HeaderName, String); 4] {
    [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::ETAG, meta.etag.to_string()),
        (header::LAST_MODIFIED, httpdate::fmt_http_date(last_modified(meta))),
        // A replaced analysis keeps its URL, so caches must ask; an ETag makes asking cheap.
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
    ]
}
