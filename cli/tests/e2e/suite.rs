//! The API as its users see it: over HTTP, given a base URL, whatever runs behind it.

mod bad_input;
mod conditions;
mod main_job;
mod ranges;

use crate::harness::Client;

/// What stands in front of the handlers, and answers some requests itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Front {
    /// Nothing: the server.
    None,
    /// `cargo lambda watch`. It refuses JSON bodies that are not UTF-8.
    CargoLambda,
    /// API Gateway. It decodes a path before it looks for the route, and takes JSON bodies as text.
    ApiGateway,
}

impl Front {
    /// Whether unknown routes and wrong methods never reach the handlers.
    pub(crate) fn routes(self) -> bool {
        self != Self::None
    }
}

/// What differs between deployments, and is tested as such.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deployment {
    /// Whether the bucket keeps versions.
    pub(crate) versions: bool,
    /// What `storage_type` says.
    pub(crate) storage_type: &'static str,
    /// What stands in front of the handlers.
    pub(crate) front: Front,
    /// The limit on documents, in bytes.
    pub(crate) max_document_bytes: usize,
}

/// Runs the whole suite against an empty store.
pub(crate) fn run(client: &Client, deployment: Deployment) {
    main_job::run(client, deployment);
    conditions::run(client);
    ranges::run(client);
    bad_input::run(client, deployment);
}
