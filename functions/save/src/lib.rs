//! Saving an analysis: `POST /analyses` and `PUT /analyses/{id}`.

use analysis_http::{App, IdPath, Item, JsonBody, JsonStyle, Problem, Query, WriteConditions};
use analysis_storage::{Analyses, AnalysisId, Document, ErrorCode, Saved};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{post, put};

/// The routes of this function.
pub fn routes() -> Router<App> {
    Router::new().route("/analyses", post(create)).route("/analyses/{id}", put(put_by_id))
}

/// Saves under the document's `request_id`, or under a new id if it has none.
async fn create(
    State(app): State<App>,
    query: Query,
    conditions: WriteConditions,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let style = query.only(&[JsonStyle::PARAMETER])?.style()?;
    let document = app.check(body).await?;
    let form = AnswerForm { style, below: "analyses/" };
    let Some(request_id) = document.request_id() else {
        conditions.for_new()?;
        let analyses = app.analyses();
        return app
            .write(async move { Ok(form.answer(&analyses, &analyses.save_new(&document).await?)) })
            .await;
    };
    let id = AnalysisId::parse(request_id, app.analyses().clock().now())?;
    save(&app, id, document, conditions, form).await
}

/// Saves under the id of the path.
async fn put_by_id(
    State(app): State<App>,
    IdPath(id): IdPath,
    query: Query,
    conditions: WriteConditions,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let style = query.only(&[JsonStyle::PARAMETER])?.style()?;
    let document = app.check(body).await?;
    match document.request_id() {
        Some(request_id) if request_id != id.as_str() => Err(Problem::new(
            ErrorCode::InvalidDocument,
            format!(
                "field `request_id` is {request_id:?}, but the path says {:?}; they must be equal",
                id.as_str()
            ),
        )),
        _ => save(&app, id, document, conditions, AnswerForm { style, below: "" }).await,
    }
}

async fn save(
    app: &App,
    id: AnalysisId,
    document: Document,
    conditions: WriteConditions,
    form: AnswerForm,
) -> Result<Response, Problem> {
    let analyses = app.analyses();
    app.write(async move {
        let condition = conditions.for_save(&analyses, &id).await?;
        let saved = analyses.save(&id, &document, &condition).await?;
        Ok(form.answer(&analyses, &saved))
    })
    .await
}

/// How a save is answered.
#[derive(Debug, Clone, Copy)]
struct AnswerForm {
    style: JsonStyle,
    /// What leads from the path of the request to that of an id. `Location` is relative: the path before it is that of
    /// a proxy or a stage, which is not known here.
    below: &'static str,
}

impl AnswerForm {
    fn answer(self, analyses: &Analyses, saved: &Saved) -> Response {
        let status = if saved.created { StatusCode::CREATED } else { StatusCode::OK };
        let headers = [
            (header::LOCATION, format!("{}{}", self.below, saved.entry.id)),
            (header::ETAG, saved.etag.to_string()),
        ];
        (status, headers, self.style.answer(&Item::new(analyses, &saved.entry))).into_response()
    }
}
