//! What the server says of itself at `/`: a page for people with a browser, JSON for programs.

mod accept;
mod html;
#[cfg(test)]
mod tests;

use analysis_http::{App, Authorized, Item, JsonStyle, Problem, Query};
use analysis_storage::Stats;
use analysis_storage::query::{Limit, ListQuery};
use axum::Extension;
use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::try_join;
use serde::Serialize;

/// How many of the newest analyses are shown.
const NEWEST: &str = "10";

/// What there is to see.
#[derive(Debug, Serialize)]
struct FrontPage {
    service: &'static str,
    version: &'static str,
    store: String,
    stats: Stats,
    newest: Vec<Item>,
    links: [&'static str; 5],
}

const SERVICE: &str = "Design Analysis Storage";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where to go from here: relative, for a proxy may have put a prefix in front of the path.
const LINKS: [&str; 5] = ["analyses", "stats", "storage/info", "health", "ready"];

/// Answers `GET /`. Without the token, where one is set, nothing of the store is told.
pub(crate) async fn show(
    State(app): State<App>,
    authorized: Option<Extension<Authorized>>,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, Problem> {
    let style = query.only(&[JsonStyle::PARAMETER])?.style()?;
    let for_people = accept::prefers_html(&headers);
    if app.needs_token() && authorized.is_none() {
        return if for_people {
            Ok((StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], page(html::closed()))
                .into_response())
        } else {
            Err(Problem::unauthorized("send `Authorization: Bearer <API_TOKEN>`"))
        };
    }
    let front_page = app.read(look(&app)).await?;
    Ok(if for_people {
        page(html::open(&front_page))
    } else {
        ([(VARY, "accept")], style.answer(&front_page)).into_response()
    })
}

async fn look(app: &App) -> Result<FrontPage, Problem> {
    let analyses = app.analyses();
    let newest = ListQuery { limit: Limit::parse(NEWEST)?, ..ListQuery::default() };
    let (stats, newest) = try_join!(analyses.stats(), analyses.list(&newest))?;
    Ok(FrontPage {
        service: SERVICE,
        version: VERSION,
        store: app.config().storage.to_string(),
        stats,
        newest: newest.entries.iter().map(|entry| Item::new(&analyses, entry)).collect(),
        links: LINKS,
    })
}

/// A page that runs no script, loads nothing, sends no form, and is shown in no frame.
fn page(html: String) -> Response {
    let policy = format!(
        "default-src 'none'; style-src '{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        html::STYLE_HASH
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (CONTENT_SECURITY_POLICY, policy),
        (VARY, "accept".to_owned()),
    ];
    (headers, html).into_response()
}
