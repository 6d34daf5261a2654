//! What the routes share: problems, extractors, conditions, limits, telemetry, and the Lambda adapter.
//!
//! A function crate offers `routes() -> Router<App>`. [`finish`] makes a service of any such routes: the same
//! one for a Lambda function ([`lambda::run`]) and for the server.

mod app;
mod auth;
mod body;
mod conditions;
mod envelope;
mod guard;
mod item;
mod json;
pub mod lambda;
mod params;
mod problem;
mod range;
mod response_memory;
mod server_config;
pub mod telemetry;
mod unread_body;

pub use app::{App, finish, finish_behind};
pub use auth::Authorized;
pub use body::JsonBody;
pub use conditions::{ReadConditions, WriteConditions, last_modified};
pub use guard::Guard;
pub use item::Item;
pub use json::JsonStyle;
pub use params::{IdPath, Query};
pub use problem::{HttpCode, Problem, ProblemCode};
pub use range::{RangeRequest, content_range};
pub use response_memory::Counted;
pub use server_config::{Secret, ServerConfig};
pub use unread_body::UNREAD_BODY_TIME;
