//! Id records: when a named id was first saved, written once and for all.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Analyses;
use crate::bucket::{GetOptions, Got, Key, Precondition, Put};
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::retrying::PutOutcome;
use crate::time::CreatedAt;

/// The content of an id record. Of one creation time it is always the same, so that a listing, which shows tags, tells
/// whether a record is what it should be.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IdRecord {
    created_at: Timestamp,
}

impl IdRecord {
    /// The record of an id that was created then.
    pub(crate) fn new(created_at: CreatedAt) -> Self {
        Self { created_at: created_at.timestamp() }
    }

    /// The object's content.
    pub(crate) fn to_json(&self) -> Bytes {
        // Cannot fail.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

impl Analyses {
    /// When the id was first saved; `None` if it never was. One request for a named id, none for a `UUIDv7`.
    pub(crate) async fn created_at(&self, id: &AnalysisId) -> Result<Option<CreatedAt>> {
        if let Some(created_at) = id.created_at() {
            return Ok(Some(created_at));
        }
        let key = self.layout.id_record(id);
        match self.requests.get(&key, &GetOptions::default()).await? {
            Got::Found(record) => parse_record(&key, &record.body).map(Some),
            Got::Absent | Got::NotModified { .. } => Ok(None),
        }
    }

    /// Writes the record of a named id anew, where what lies there cannot be read.
    pub(crate) async fn replace_id_record(&self, id: &AnalysisId, created_at: CreatedAt) -> Result<()> {
        let body = IdRecord::new(created_at).to_json();
        self.requests.put_whatever(&self.layout.id_record(id), |_| body.clone()).await
    }

    /// Fixes the creation time of a named id, unless it has one; the one it then has, and whether it had one before.
    pub(crate) async fn ensure_id_record(
        &self,
        id: &AnalysisId,
        created_at: CreatedAt,
    ) -> Result<(CreatedAt, bool)> {
        let body = IdRecord::new(created_at).to_json();
        let put = |saved_at| Put {
            key: self.layout.id_record(id),
            body: body.clone(),
            saved_at,
            metadata: Vec::new(),
            precondition: Precondition::Absent,
        };
        match self.requests.put(None, put).await {
            Ok(PutOutcome::Written(_)) => Ok((created_at, false)),
            // Whoever wrote it, and whether this call did: it is written once and for all.
            Ok(PutOutcome::Failed) | Err(Error::NoAnswer { .. }) => {
                let fixed = self.created_at(id).await?;
                let record = self.layout.id_record(id);
                fixed
                    .map(|fixed| (fixed, true))
                    .ok_or_else(|| Error::refused("save", format!("cannot write {record}")))
            }
            Err(error) => Err(error),
        }
    }
}

fn parse_record(key: &Key, body: &[u8]) -> Result<CreatedAt> {
    let record: IdRecord = serde_json::from_slice(body).map_err(|e| Error::corrupt(key, e.to_string()))?;
    CreatedAt::from_millis(record.created_at.as_millisecond())
        .ok_or_else(|| Error::corrupt(key, "its created_at is out of range"))
}
