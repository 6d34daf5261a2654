//! How far the bucket's clock is ahead of the host's.

use std::sync::Mutex;
use std::sync::PoisonError;

use jiff::{SignedDuration, Timestamp};

/// How precise the header `Date` is (RFC 9110, section 5.6.7).
const RESOLUTION: SignedDuration = SignedDuration::from_secs(1);

/// The offset between two clocks, as the answers of the bucket show it.
///
/// Each answer shows the bucket's time, cut to the second, at some moment between the sending of the request and the
/// arrival of the answer. So each leaves a range of possible offsets. The estimate stays while it is within that range,
/// and moves to its nearest end otherwise: two clocks that agree need no correction at all. The first of a host lies
/// somewhere within the range, as the host's own clock lies within its second: hosts that all began at an end of the
/// range would show the same whole second, and tokens are to be unlike each other.
#[derive(Debug, Default)]
pub struct ClockOffset(Mutex<Option<SignedDuration>>);

impl ClockOffset {
    /// The estimate; `None` before the first answer.
    #[must_use]
    pub fn get(&self) -> Option<SignedDuration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in an answer: when, by the host's clock, its request was sent and it arrived, and its `Date`.
    pub fn observe(&self, sent: Timestamp, received: Timestamp, date: Timestamp) {
        let least = date.duration_since(received);
        // A host's clock that was set back meanwhile leaves no range.
        let most = (date.duration_since(sent) + RESOLUTION).max(least);
        let mut offset = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *offset = Some(match *offset {
            Some(known) => known.clamp(least, most),
            None if (least..=most).contains(&SignedDuration::ZERO) => SignedDuration::ZERO,
            None => least + (most - least).mul_f64(part_of_second(received)),
        });
    }
}

/// How much of its second has passed at this instant, from 0 to 1.
fn part_of_second(at: Timestamp) -> f64 {
    f64::from(at.subsec_nanosecond().rem_euclid(1_000_000_000)) / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64, milli: i64) -> Timestamp {
        Timestamp::from_millisecond(1_767_225_600_000 + second * 1000 + milli).unwrap()
    }

    #[test]
    fn clocks_that_agree_are_not_corrected() {
        let offset = ClockOffset::default();
        assert_eq!(offset.get(), None);
        for milli in [0, 400, 999] {
            offset.observe(at(7, milli), at(7, milli + 30), at(7, 0));
            assert_eq!(offset.get(), Some(SignedDuration::ZERO), "{milli}");
        }
    }

    #[test]
    fn a_wrong_clock_is_corrected_to_within_a_second_and_the_time_of_the_request() {
        for wrong in [-8 * 3600, 8 * 3600] {
            let offset = ClockOffset::default();
            // The bucket's clock shows 7.5 s when the request arrives.
            offset.observe(at(7 + wrong, 480), at(7 + wrong, 520), at(7, 0));
            let corrected = at(7 + wrong, 520) + offset.get().unwrap();
            assert!(
                corrected.duration_since(at(7, 500)).abs() <= SignedDuration::from_millis(1040),
                "{corrected}"
            );
            assert_ne!(corrected.subsec_nanosecond(), 0, "hosts show different parts of the second");
            let before = offset.get();
            offset.observe(at(9 + wrong, 480), at(9 + wrong, 520), at(9, 0));
            assert_eq!(offset.get(), before, "it does not waver");
        }
    }
}
