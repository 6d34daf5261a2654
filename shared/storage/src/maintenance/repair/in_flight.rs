//! Saves and deletes in flight look like damage: how long each is given before it is judged.

use super::Mode;
use crate::Analyses;
use crate::bucket::ObjectMeta;
use crate::durations::DELETED_AFTER;

impl Analyses {
    /// Whether the document is so young that its save may be in flight, and a check does not judge it. A repair does:
    /// what it writes is right either way.
    pub(super) fn may_be_in_flight(&self, document: &ObjectMeta, mode: Mode) -> bool {
        let Mode::Check { grace } = mode else { return false };
        self.clock().now().duration_since(document.last_modified).unsigned_abs() < grace
    }

    /// Waits for the deletes that are in flight to end: unlike a save, a delete leaves nothing that has an age.
    pub(super) async fn outwait_deletes(&self, mode: Mode) {
        let grace = if let Mode::Check { grace } = mode { grace } else { DELETED_AFTER };
        self.clock().sleep(DELETED_AFTER.min(grace)).await;
    }
}
