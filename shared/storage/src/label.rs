//! `implementation` and `status`: short words that are part of an index key.

use std::fmt;
use std::sync::Arc;

/// What an absent `implementation` or `status` is called.
const UNKNOWN: &str = "unknown";

/// A word of `A-Z a-z 0-9 . _ -`, short enough for an index key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Arc<str>);

/// The two kinds of label and their limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelKind {
    /// Which pipeline made the analysis: at most 32 characters.
    Implementation,
    /// How the pipeline ended: at most 20 characters.
    Status,
}

impl LabelKind {
    /// The name of the JSON field and of the query parameter.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Implementation => "implementation",
            Self::Status => "status",
        }
    }

    fn max_length(self) -> usize {
        match self {
            Self::Implementation => 32,
            Self::Status => 20,
        }
    }
}

impl Label {
    /// Checks a label.
    ///
    /// # Errors
    /// The rule that is broken, as a phrase to follow the field's name.
    pub fn parse(kind: LabelKind, text: &str) -> Result<Self, String> {
        let max = kind.max_length();
        let length = text.chars().count();
        if length == 0 || length > max {
            return Err(format!("has {length} characters; 1 to {max} are allowed"));
        }
        match text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))) {
            Some(bad) => Err(format!("contains {bad:?}; allowed are A-Z a-z 0-9 . _ -")),
            None => Ok(Self(text.into())),
        }
    }

    /// The label of a document that has none.
    #[must_use]
    pub fn unknown() -> Self {
        Self(UNKNOWN.into())
    }

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
