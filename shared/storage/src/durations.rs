//! Every span of time that the protocol relies on, and what must hold between them.
//!
//! The arguments for each stand in `docs/decisions/0008-totals-from-sealed-periods.md` and
//! `docs/decisions/0003-retries-until-the-deadline.md`; the assertions below keep them when a number changes.

use std::time::Duration;

use jiff::SignedDuration;

/// The longest that one attempt at a request takes, answered or not; for the longer bodies of documents see
/// [`LONGEST_REQUEST`].
pub(crate) const LONGEST_ATTEMPT: Duration = Duration::from_secs(8);

/// How long an operation without a deadline of its own goes on repeating one request that fails for the moment.
///
/// The last repetition may begin at its end, and takes 8 seconds at most.
pub const RETRY_FOR: Duration = Duration::from_secs(16);

/// The longest that one request takes, all its repetitions included. It holds for documents of up to 3 MB over the
/// slowest connection that is provided for, and of any size over one that is faster in proportion.
pub const LONGEST_REQUEST: Duration = RETRY_FOR.saturating_add(LONGEST_ATTEMPT);

/// How long after its client gave up on a request S3 may still carry it out.
pub const LATE_REQUEST: Duration = Duration::from_mins(1);

/// How long after the end of a period its totals are sealed.
pub(crate) const SEALED_AFTER: Duration = Duration::from_hours(1);

/// How long after the end of its period a change needs a marker. One without, begun before that, has landed long before
/// the period is sealed.
pub(crate) const MARKED_AFTER: Duration = Duration::from_mins(30);

/// How long a process relies on a marker that it wrote, when it begins a change.
pub(crate) const RELIED_ON: Duration = Duration::from_mins(5);

/// The greatest age of a marker at which the change that it announced is acknowledged; beyond, it is written again.
pub(crate) const RENEWED_AFTER: Duration = Duration::from_mins(8);

/// The age beyond which a marker may be removed by a reader that has counted its period.
pub(crate) const ACCOUNTED_AFTER: Duration = Duration::from_mins(15);

/// The age beyond which a document without an entry belongs to a save that crashed.
pub(crate) const CRASHED_AFTER: Duration = Duration::from_mins(15);

/// How long a delete may be between its document and its entries.
pub(crate) const DELETED_AFTER: Duration = Duration::from_secs(30);

/// How far the time of a write by its writer's clock may be from that by the bucket's: the longest request, what the
/// resolution of `Date` leaves open, and as much again.
pub(crate) const WRITTEN_WITHIN: Duration = Duration::from_mins(2);

/// How far back totals are kept by the hour; beyond, by the day.
pub(crate) const HOURLY_FOR: Duration = Duration::from_hours(48);

/// A window as the difference of two instants.
pub(crate) fn signed(window: Duration) -> SignedDuration {
    SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX)
}

const fn less(a: Duration, b: Duration) -> bool {
    a.as_millis() < b.as_millis()
}

const _: () = {
    // A change that began on a marker as old as may be relied on is acknowledged on it in the ordinary case.
    assert!(less(RELIED_ON.saturating_add(LONGEST_REQUEST.saturating_mul(4)), RENEWED_AFTER));
    // What was acknowledged on a marker had landed before the marker could be removed, its late requests included.
    assert!(less(
        RENEWED_AFTER.saturating_add(LONGEST_REQUEST).saturating_add(LATE_REQUEST),
        ACCOUNTED_AFTER
    ));
    // A change that was acknowledged without a marker had landed before the period was sealed.
    assert!(less(MARKED_AFTER.saturating_add(LONGEST_REQUEST).saturating_add(LATE_REQUEST), SEALED_AFTER));
    // No save that is still working is taken for crashed.
    assert!(less(LONGEST_REQUEST.saturating_mul(4).saturating_add(LATE_REQUEST), CRASHED_AFTER));
    assert!(less(LONGEST_REQUEST.saturating_add(LATE_REQUEST), WRITTEN_WITHIN));
};
