//! How much memory the contents of documents may take at once.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted as one: fractions of it are not worth counting.
const UNIT: u64 = 1 << 10;
/// What counts as small, and is not kept waiting for what is large.
const SMALL: u64 = 64 << 10;
/// The part of a budget that only small contents may take: one in this many.
const SMALL_PART: u64 = 8;

/// A number of bytes that all contents share. What does not fit is refused at once, and waits for nothing.
///
/// A part is set aside for contents of at most 64 KiB, so that a few large documents never keep small ones out. The
/// default has no limit. A clone is the same budget.
///
/// ```
/// use analysis_storage::MemoryBudget;
///
/// let budget = MemoryBudget::of(64 << 20);
/// let share = budget.take(40 << 20).unwrap();
/// assert!(budget.take(40 << 20).is_none());
/// assert!(budget.take(1000).is_some());
/// drop(share);
/// assert!(budget.take(40 << 20).is_some());
/// ```
#[derive(Debug, Clone, Default)]
pub struct MemoryBudget(Option<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    large: Part,
    small: Part,
}

#[derive(Debug, Clone)]
struct Part {
    free: Arc<Semaphore>,
    units: u32,
}

/// A part of a [`MemoryBudget`], given back when it is dropped.
#[derive(Debug, Default)]
pub struct Share(Vec<OwnedSemaphorePermit>);

impl MemoryBudget {
    /// The budget that large contents need for one of this size.
    #[must_use]
    pub fn for_one_of(bytes: u64) -> u64 {
        // Rounded up to whole units in both parts.
        bytes.saturating_mul(SMALL_PART).div_ceil(SMALL_PART - 1).saturating_add(2 * UNIT)
    }

    /// A budget of this many bytes.
    #[must_use]
    pub fn of(bytes: u64) -> Self {
        let small = bytes / SMALL_PART;
        Self(Some(Parts { large: Part::of(bytes - small), small: Part::of(small) }))
    }

    /// A share for a content of this size, unless others hold too much. One larger than all there is takes all.
    #[must_use]
    pub fn take(&self, bytes: u64) -> Option<Share> {
        let Some(parts) = &self.0 else { return Some(Share::default()) };
        let part = if bytes <= SMALL { &parts.small } else { &parts.large };
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(part.units);
        Arc::clone(&part.free).try_acquire_many_owned(units).ok().map(|permit| Share(vec![permit]))
    }
}

impl Part {
    fn of(bytes: u64) -> Self {
        let most = u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX);
        let units = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX).clamp(1, most);
        Self { free: Arc::new(Semaphore::new(units as usize)), units }
    }
}

impl Share {
    /// Both shares as one.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// These bytes, which hold the share until the last of their clones is dropped.
    #[must_use]
    pub fn hold(self, bytes: Bytes) -> Bytes {
        if self.0.is_empty() { bytes } else { Bytes::from_owner(Held { bytes, _share: self }) }
    }
}

struct Held {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_hold_their_share_until_the_last_clone_is_gone() {
        let budget = MemoryBudget::of(MemoryBudget::for_one_of(1 << 20));
        let bytes = budget.take(1 << 20).unwrap().hold(Bytes::from(vec![7; 1 << 20]));
        let slice = bytes.slice(5..10);
        drop(bytes);
        assert!(budget.take(1 << 20).is_none());
        assert_eq!(slice, [7; 5][..]);
        drop(slice);
        assert!(budget.take(1 << 20).is_some());
    }

    #[test]
    fn small_contents_are_bounded_too() {
        let budget = MemoryBudget::of(8 << 20);
        let small: Vec<_> = std::iter::from_fn(|| budget.take(SMALL)).collect();
        assert_eq!(small.len(), (1 << 20) / usize::try_from(SMALL).unwrap());
        assert!(budget.take(SMALL + 1).is_some(), "large ones have a part of their own");
    }

    #[test]
    fn what_is_larger_than_all_is_taken_alone() {
        let budget = MemoryBudget::of(1 << 20);
        let all = budget.take(1 << 40).unwrap();
        assert!(budget.take(100_000).is_none());
        drop(all);
        assert!(budget.take(100_000).is_some());
    }

    #[test]
    fn without_a_limit_everything_is_granted() {
        let budget = MemoryBudget::default();
        let shares: Vec<_> = (0..100).filter_map(|_| budget.take(u64::MAX)).collect();
        assert_eq!(shares.len(), 100);
    }
}
