//! Where the scheduled repair goes on.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Analyses;
use crate::bucket::{GetOptions, Got};
use crate::error::Result;

/// What the scheduled repair has left off, in `metadata/repair.json`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RepairPosition {
    /// The month to go on with, such as `2024-01`; none if all is done.
    pub next: Option<String>,
    /// Until when a run works on it, unless it ends before.
    pub busy_until: Option<Timestamp>,
}

impl Analyses {
    /// Where the scheduled repair goes on. One request. A position that cannot be read is none.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn repair_position(&self) -> Result<RepairPosition> {
        Ok(match self.requests.get(&self.layout.repair_position(), &GetOptions::default()).await? {
            Got::Found(object) => serde_json::from_slice(&object.body).unwrap_or_default(),
            Got::Absent | Got::NotModified { .. } => RepairPosition::default(),
        })
    }

    /// Keeps where the scheduled repair goes on. One request.
    ///
    /// Unconditional: two runs at once repeat each other's work, and nothing else.
    ///
    /// # Errors
    /// Only those of every request.
    pub async fn keep_repair_position(&self, position: &RepairPosition) -> Result<()> {
        // Cannot fail.
        let body = Bytes::from(serde_json::to_vec(position).unwrap_or_default());
        self.requests.put_whatever(&self.layout.repair_position(), |_| body.clone()).await
    }
}
