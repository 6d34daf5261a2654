//! Requests and their answers.

use std::fmt;

use analysis_storage::bucket::{
    BucketError, GetOptions, Got, Listing, ObjectMeta, Precondition, Put, Result,
};
use analysis_storage::{ETag, Key};

/// What a task waits for.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Put(Put),
    Get(Key, GetOptions),
    Head(Key),
    Delete(Key, Option<ETag>),
    List { prefix: String, start_after: Option<String>, limit: usize },
    Sleep { until: i64 },
}

impl Call {
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Put(put) => put.key.as_str(),
            Self::Get(key, _) | Self::Head(key) | Self::Delete(key, _) => key.as_str(),
            Self::List { prefix, .. } => prefix,
            Self::Sleep { .. } => "",
        }
    }

    pub(crate) fn is_write(&self) -> bool {
        matches!(self, Self::Put(_) | Self::Delete(..))
    }

    /// Whether it takes effect only on something that its sender has seen, or on nothing.
    pub(crate) fn is_conditional(&self) -> bool {
        match self {
            Self::Put(put) => put.precondition != Precondition::None,
            Self::Delete(_, tag) => tag.is_some(),
            _ => false,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put(put) => write!(f, "PUT {} {:?}", put.key, put.precondition),
            Self::Get(key, _) => write!(f, "GET {key}"),
            Self::Head(key) => write!(f, "HEAD {key}"),
            Self::Delete(key, None) => write!(f, "DELETE {key}"),
            Self::Delete(key, Some(tag)) => write!(f, "DELETE {key} if {tag}"),
            Self::List { prefix, start_after, .. } => {
                write!(f, "LIST {prefix} after {}", start_after.as_deref().unwrap_or_default())
            }
            Self::Sleep { .. } => f.write_str("sleep"),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Answer {
    Put(ETag),
    Got(Got),
    Head(Option<ObjectMeta>),
    Listing(Listing),
    Nothing,
}

pub(crate) fn refused() -> BucketError {
    BucketError::Refused { operation: "simulated".to_owned(), source: "503 SlowDown".into() }
}

pub(crate) fn no_answer() -> BucketError {
    BucketError::NoAnswer { operation: "simulated".to_owned(), source: "the answer was lost".into() }
}

pub(crate) fn show(result: &Result<Answer>) -> String {
    match result {
        Ok(Answer::Put(tag)) => format!("stored {tag}"),
        Ok(Answer::Got(Got::Found(object))) => {
            format!("{:.160}", String::from_utf8_lossy(&object.body).replace(['\n', ' '], ""))
        }
        Ok(Answer::Got(_) | Answer::Head(None)) => "nothing".to_owned(),
        Ok(Answer::Head(Some(meta))) => format!("saved_at {}", meta.saved_at.micros()),
        Ok(Answer::Listing(listing)) => {
            let keys: Vec<&str> = listing.keys().filter_map(|k| k.as_str().rsplit('/').next()).collect();
            format!("{keys:?}{}", if listing.truncated { " ..." } else { "" })
        }
        Ok(Answer::Nothing) => "done".to_owned(),
        Err(BucketError::PreconditionFailed(_)) => "412".to_owned(),
        Err(error) => error.to_string(),
    }
}
