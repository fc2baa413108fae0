//! When an event is tried again, and when it is given up.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// How often an event is tried.
pub const TRIES: u32 = 10;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
// After the attempt of this number, counted from the first.
const WAITS: [u64; 9] = [
    5,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
];
// A receiver may ask for more patience than the schedule has, but not for ever.
const LONGEST: Duration = Duration::from_hours(24);

/// How long to wait after `failed` failed attempts before the next one; none when it is given up.
/// Up to a tenth is added by chance, so that what failed together does not come back together. A
/// receiver that asked to wait longer is heard.
#[must_use]
pub fn wait_before(failed: u32, asked: Option<Duration>) -> Option<Duration> {
    let index = usize::try_from(failed.checked_sub(1)?).ok()?;
    let base = WAITS.get(index)? * 1_000;
    let chance = RandomState::new().build_hasher().finish() % (base / 10);
    let planned = Duration::from_millis(base + chance);
    Some(planned.max(asked.unwrap_or_default().min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tries_over_three_days() {
        let mut total = Duration::ZERO;
        for failed in 1..TRIES {
            let wait = wait_before(failed, None).unwrap();
            let base = Duration::from_secs(WAITS[failed as usize - 1]);
            assert!(base <= wait && wait < base.mul_f32(1.11), "{failed}");
            total += base;
        }
        assert_eq!(wait_before(TRIES, None), None);
        assert_eq!(wait_before(u32::MAX, None), None);
        assert!(total > Duration::from_hours(72));
    }

    #[test]
    fn a_receiver_is_heard() {
        let hour = Duration::from_hours(1);
        assert_eq!(wait_before(1, Some(hour)), Some(hour));
        let year = Some(hour * 9_000);
        assert_eq!(wait_before(1, year), Some(LONGEST));
        assert!(wait_before(9, Some(hour)).unwrap() >= hour * 24);
        assert_eq!(wait_before(TRIES, Some(hour)), None);
    }
}
