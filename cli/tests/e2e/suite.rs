//! The API as its users see it: over HTTP, given a base URL, whatever runs behind it.

mod bad_input;
mod conditions;
mod main_job;

use crate::common::Client;

/// What differs between deployments, and is tested as such.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deployment {
    /// Whether the bucket keeps versions.
    pub(crate) versions: bool,
    /// What `storage_type` says.
    pub(crate) storage_type: &'static str,
    /// Whether a gateway stands in front, which itself refuses unknown routes, wrong methods, and JSON bodies that
    /// are not UTF-8.
    pub(crate) gateway: bool,
    /// The limit on documents, in bytes.
    pub(crate) max_document_bytes: usize,
}

/// Runs the whole suite against an empty store.
pub(crate) fn run(client: &Client, deployment: Deployment) {
    main_job::run(client, deployment);
    conditions::run(client);
    bad_input::run(client, deployment);
}
