//! What to repair.

use analysis_storage::{Error, Month};
use serde::{Deserialize, Serialize};

/// The event of the function. All that a schedule sends besides is ignored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Task {
    /// The first month, such as `2024-01`; without it, all there are, on from where an earlier run left off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<String>,
    /// The last month; without it, the first one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Whether to do nothing unless an earlier run has left something off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_go_on: bool,
}

impl Task {
    /// The first and the last month that it names, if it names any.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for what is no month.
    pub(crate) fn months(&self) -> Result<Option<(Month, Month)>, Error> {
        let Some(first) = self.month.as_deref().map(Month::parse).transpose()? else { return Ok(None) };
        let last = self.until.as_deref().map(Month::parse).transpose()?;
        Ok(Some((first, last.unwrap_or(first))))
    }
}
