//! Totals: `GET /stats` and `GET /storage/info`.

use std::collections::BTreeMap;

use analysis_http::{App, JsonStyle, Problem, Query};
use analysis_storage::bucket::BucketInfo;
use analysis_storage::config::Storage;
use analysis_storage::{Stats, StorageType};
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;

/// The routes of this function.
pub fn routes() -> Router<App> {
    Router::new().route("/stats", get(stats)).route("/storage/info", get(storage_info))
}

/// Totals over all analyses.
async fn stats(State(app): State<App>, query: Query) -> Result<Response, Problem> {
    let style = query.only(&[JsonStyle::PARAMETER])?.style()?;
    app.read(async { Ok(style.answer(&app.analyses().stats().await?)) }).await
}

/// The answer to `GET /storage/info`.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the API calls them so")]
struct StorageInfo {
    storage_type: StorageType,
    configuration: Configuration,
    storage_info: BucketInfo,
    stats: Totals,
}

/// The S3 settings; none on local storage.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the API calls them so")]
struct Configuration {
    s3_bucket_name: Option<String>,
    s3_region: Option<String>,
    s3_prefix: Option<String>,
}

#[derive(Debug, Serialize)]
struct Totals {
    total_analyses: u64,
    total_size_mb: f64,
    implementations_used: BTreeMap<String, u64>,
}

/// Where analyses are kept, and how much of them.
async fn storage_info(State(app): State<App>, query: Query) -> Result<Response, Problem> {
    let style = query.only(&[JsonStyle::PARAMETER])?.style()?;
    app.read(async {
        let analyses = app.analyses();
        let storage_info = analyses.bucket_info().await?;
        let Stats { total_analyses, total_size_mb, implementations_used, .. } = analyses.stats().await?;
        Ok(style.answer(&StorageInfo {
            storage_type: analyses.storage_type(),
            configuration: configuration(&app.config().storage),
            storage_info,
            stats: Totals { total_analyses, total_size_mb, implementations_used },
        }))
    })
    .await
}

fn configuration(storage: &Storage) -> Configuration {
    match storage {
        Storage::Local { .. } => Configuration { s3_bucket_name: None, s3_region: None, s3_prefix: None },
        Storage::S3 { settings, prefix } => Configuration {
            s3_bucket_name: Some(settings.bucket.clone()),
            s3_region: Some(settings.region.clone()),
            s3_prefix: Some(prefix.clone()),
        },
    }
}
