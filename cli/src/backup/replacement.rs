//! What a new copy does to the one that is there.

use super::present::Present;
use crate::transfer::{JoinedById, Line, Problem, TransferKind};

/// A document that is about to be written, beside what the backup has of it.
#[derive(Debug)]
pub(super) struct Replacement {
    /// The line of the new copy.
    pub(super) line: Line,
    /// The lines of the file that goes to the history; none if that would be the same bytes, or damaged ones whose
    /// good copy comes back.
    pub(super) replaced: Vec<Line>,
    /// Whether a lost or damaged copy comes back.
    pub(super) is_healed: bool,
    /// What could not be healed.
    pub(super) problem: Option<Problem>,
}

impl Replacement {
    /// Compares the new copy with what is there, or says why it must not be written. `is_lost` says of a copy that is
    /// not there that it was.
    pub(super) fn of(
        mut line: Line,
        joined: &JoinedById,
        present: &Present,
        is_lost: bool,
    ) -> Result<Self, Problem> {
        let known = match present {
            Present::Good(old) => std::slice::from_ref(old),
            Present::Nothing if !is_lost => &[],
            Present::Nothing | Present::Damaged => &joined.lines[..],
        };
        let same = known.iter().rfind(|old| old.is_of_content(&line));
        if let Some(same) = same {
            // The backup has had these bytes since then, in however many saves.
            line.copied_at = same.copied_since().or(line.copied_at);
            let is_healed = present.line().is_none();
            return Ok(Self { line, replaced: Vec::new(), is_healed, problem: None });
        }
        if present.line().is_none()
            && joined.lines.iter().any(|old| old.saved_at == line.saved_at && !old.is_of_content(&line))
        {
            let reason = "is damaged or lost, and the store holds other bytes under the same save, so that they were \
                          not copied; `design-analysis check` looks at the document";
            return Err(Problem::new(TransferKind::DamagedCopy, format!("{}.json", joined.id), reason));
        }
        let what_now = "another document has been stored since; the file was moved to the history";
        let problem = present.problem(joined, what_now);
        Ok(Self { line, replaced: present.lines(joined), is_healed: false, problem })
    }
}
