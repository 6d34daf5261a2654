//! Listing analyses: `GET /analyses`.

use analysis_http::{App, Item, JsonStyle, Problem, Query};
use analysis_storage::query::{Cursor, Filter, Limit, ListQuery};
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::get;

/// The routes of this function.
pub fn routes() -> Router<App> {
    Router::new().route("/analyses", get(list))
}

/// The answer to `GET /analyses`.
#[derive(Debug, serde::Serialize)]
struct Page {
    analyses: Vec<Item>,
    next_cursor: Option<String>,
}

const PARAMETERS: [&str; 7] =
    ["limit", "cursor", "implementation", "status", "from", "to", JsonStyle::PARAMETER];

/// One page of analyses, newest first.
async fn list(State(app): State<App>, query: Query) -> Result<Response, Problem> {
    let query = query.only(&PARAMETERS)?;
    let style = query.style()?;
    let filter =
        Filter::parse(query.get("implementation"), query.get("status"), query.get("from"), query.get("to"))?;
    let wanted = ListQuery {
        limit: query.get("limit").map(Limit::parse).transpose()?.unwrap_or_default(),
        cursor: query.get("cursor").map(|text| Cursor::parse(text, &filter)).transpose()?,
        filter,
    };
    let analyses = app.analyses();
    let page = app.read(async { Ok(analyses.list(&wanted).await?) }).await?;
    let next_cursor = page.next.map(|cursor| cursor.encode(&wanted.filter));
    let link = next_cursor.as_deref().map(|cursor| (header::LINK, link(&query, cursor)));
    let items = page.entries.iter().map(|entry| Item::new(&analyses, entry)).collect();
    Ok((AppendHeaders(link), style.answer(&Page { analyses: items, next_cursor })).into_response())
}

/// The next page of the same query (RFC 8288), relative to the URL of this one.
fn link(query: &Query, cursor: &str) -> String {
    let mut next = form_urlencoded::Serializer::new(String::new());
    for name in PARAMETERS.into_iter().filter(|name| *name != "cursor") {
        next.extend_pairs(query.get(name).map(|value| (name, value)));
    }
    format!("<?{}>; rel=\"next\"", next.append_pair("cursor", cursor).finish())
}
