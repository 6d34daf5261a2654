//! Which analyses `list` shows and `delete` deletes.

use analysis_storage::query::Filter;
use analysis_storage::{Clock as _, Entry, Error, SystemClock};
use jiff::SignedDuration;

use crate::command::CommandError;
use crate::human;

/// Options that select analyses; all of them must hold.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Which analyses")]
pub(crate) struct Selection {
    /// Only those of this implementation
    #[arg(long)]
    implementation: Option<String>,
    /// Only those with this status
    #[arg(long)]
    status: Option<String>,
    /// Only those whose id begins so
    #[arg(long, value_name = "PREFIX")]
    id_prefix: Option<String>,
    /// Only those created at this time or later: 2026-01, 2026-01-15 or 2026-01-15T10:30:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only those created within this time: 12h, 7d or 8w (hours, days or weeks)
    #[arg(long, value_name = "AGE", value_parser = human::parse_age, conflicts_with = "from")]
    since: Option<SignedDuration>,
    /// Only those created at this time or before; a month or day counts to its end
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

impl Selection {
    /// Whether no option is given, which selects everything.
    pub(crate) fn is_everything(&self) -> bool {
        let texts = [&self.implementation, &self.status, &self.id_prefix, &self.from, &self.to];
        self.since.is_none() && texts.into_iter().all(Option::is_none)
    }

    /// What the list itself filters by: everything but the id.
    pub(crate) fn filter(&self) -> Result<Filter, CommandError> {
        let now = SystemClock.now();
        let since =
            self.since.map(|age| now.checked_sub(age).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string());
        let filter = Filter::parse(
            self.implementation.as_deref(),
            self.status.as_deref(),
            self.from.as_deref().or(since.as_deref()),
            self.to.as_deref(),
        );
        filter.map_err(|error| match error {
            Error::InvalidQuery { parameter, reason } => {
                CommandError::Usage(format!("--{parameter} {reason}"))
            }
            other => other.into(),
        })
    }

    /// Whether the list has to be looked through for ids.
    pub(crate) fn has_id_prefix(&self) -> bool {
        self.id_prefix.is_some()
    }

    /// Whether the id of an analysis that the list has begins as it should.
    pub(crate) fn has_id_of(&self, entry: &Entry) -> bool {
        self.id_prefix.as_ref().is_none_or(|prefix| entry.id.as_str().starts_with(prefix.as_str()))
    }
}
