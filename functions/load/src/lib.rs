//! Loading an analysis: `GET` and `HEAD /analyses/{id}`, and its versions.

use analysis_http::{
    App, Counted, IdPath, JsonStyle, Problem, Query, RangeRequest, ReadConditions, content_range,
    last_modified,
};
use analysis_storage::bucket::{GetOptions, Object, ObjectMeta, Version};
use analysis_storage::{Analyses, AnalysisId, ETag, Error, Loaded};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, IntoResponseParts, Response};
use axum::routing::get;
use axum::{Extension, Router};

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
    asked: RangeRequest,
) -> Result<Response, Problem> {
    let version_id = query.only(&["version_id"])?.get("version_id").map(str::to_owned);
    let options = GetOptions {
        if_none_match: conditions.single_tag(),
        version_id,
        range: asked.range(),
        budget: app.budget().clone(),
    };
    let analyses = app.analyses();
    app.read(async {
        let caching = caching(options.version_id.as_deref());
        let (meta, part) = match analyses.load(&id, &options).await {
            Ok(Loaded::NotModified) => return Ok(not_modified(options.if_none_match.as_ref(), caching)),
            Ok(Loaded::Document(object)) => (object.meta.clone(), Some(object)),
            // Conditions and `If-Range` go before ranges.
            Err(Error::RangeNotSatisfiable) => (meta(&analyses, &id, &options).await?, None),
            Err(error) => return Err(error.into()),
        };
        if conditions.is_not_modified(&meta)? {
            return Ok(not_modified(Some(&meta.etag), caching));
        }
        match part {
            Some(whole) if whole.part.is_none() => Ok(document(whole, caching)),
            part if !asked.is_of(&meta) => {
                // Its share of the memory is part of what the whole needs.
                drop(part);
                Ok(document(whole(&analyses, &id, &options).await?, caching))
            }
            Some(part) => Ok(document(part, caching)),
            None => Err(Problem::range_not_satisfiable(meta.size)),
        }
    })
    .await
}

/// What is known of a document of which the range has nothing.
async fn meta(analyses: &Analyses, id: &AnalysisId, options: &GetOptions) -> Result<ObjectMeta, Problem> {
    match options.version_id {
        None => Ok(analyses.describe(id).await?),
        // The storage tells it of a version only with its content.
        Some(_) => Ok(whole(analyses, id, options).await?.meta),
    }
}

/// All of a document, whatever part of it was asked for.
async fn whole(analyses: &Analyses, id: &AnalysisId, options: &GetOptions) -> Result<Object, Problem> {
    let options = GetOptions { if_none_match: None, range: None, ..options.clone() };
    match analyses.load(id, &options).await? {
        Loaded::Document(object) => Ok(object),
        Loaded::NotModified => Err(Problem::internal()),
    }
}

/// 200 with the whole document, or 206 with the part of it that was read.
fn document(object: Object, caching: Caching) -> Response {
    let range = content_range(&object);
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    (status, Extension(Counted), headers(&object.meta), [caching], AppendHeaders(range), object.body)
        .into_response()
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
        return load(State(app), IdPath(id), query, conditions, RangeRequest::default()).await;
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
async fn versions(State(app): State<App>, IdPath(id): IdPath, query: Query) -> Result<Response, Problem> {
    let style = query.only(&[JsonStyle::PARAMETER])?.style()?;
    app.read(async { Ok(style.answer(&Versions { versions: app.analyses().versions(&id).await? })) }).await
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
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::LAST_MODIFIED, httpdate::fmt_http_date(last_modified(meta))),
    ]
}
