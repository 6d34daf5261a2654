//! Deleting an analysis: `DELETE /analyses/{id}`.

use analysis_http::{App, IdPath, Problem, Query, WriteConditions};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::delete;

/// The routes of this function.
pub fn routes() -> Router<App> {
    Router::new().route("/analyses/{id}", delete(delete_by_id))
}

async fn delete_by_id(
    State(app): State<App>,
    IdPath(id): IdPath,
    query: Query,
    conditions: WriteConditions,
) -> Result<StatusCode, Problem> {
    query.only(&[])?;
    let analyses = app.analyses();
    app.write(async move {
        let if_match = conditions.for_delete(&analyses, &id).await?;
        analyses.delete(&id, if_match.as_ref()).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
