//! What may stand in the way of a store, looked at before it does: credentials and permissions, what the store is, and
//! how it is set up. For `design-analysis doctor`.

mod cloud;
mod lifecycle;
mod local;
mod permissions;

pub use permissions::{Kind, PERMISSIONS, Permission, Place};

use std::fmt;

use serde::Serialize;

use crate::config::{Storage, StorageConfig};

/// How it is with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, and could be better.
    Advice,
    /// It is wrong: something does not work, or will be lost.
    Wrong,
    /// One may not ask, or the store does not say.
    Unknown,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Advice => "advice",
            Self::Wrong => "WRONG",
            Self::Unknown => "unknown",
        })
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: String,
    /// How it is.
    pub state: State,
    /// What was found, in a few words.
    pub found: String,
    /// What to do, in one line, unless all is well.
    pub advice: Option<String>,
}

impl Finding {
    fn new(check: &str, state: State, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check: check.to_owned(), state, found: found.into(), advice: Some(advice.into()) }
    }

    fn ok(check: &str, found: impl Into<String>) -> Self {
        Self { check: check.to_owned(), state: State::Ok, found: found.into(), advice: None }
    }
}

/// Looks at everything about the store of this configuration. It writes below `metadata/probe/` only, and removes that
/// again; a directory that is missing is not made.
pub async fn diagnose(config: &StorageConfig) -> Vec<Finding> {
    match &config.storage {
        Storage::Local { directory } => local::diagnose(directory, config).await,
        Storage::S3 { settings, prefix } => cloud::diagnose(settings, prefix, config).await,
    }
}
