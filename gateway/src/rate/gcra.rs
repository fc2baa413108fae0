//! The arithmetic of a limit: the generic cell rate algorithm, in whole microseconds.
//!
//! A bucket holds `capacity` microseconds. Every request pours one `interval` in, time lets it out
//! again, and a request passes when it fits. So a full allowance may be used at once, and over any span
//! of time no more passes than that and what has come back in it.

use super::Limit;

/// One limit's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gcra {
    /// What one request costs, in microseconds.
    pub interval: u64,
    /// How much a bucket holds, in microseconds.
    pub capacity: u64,
}

impl Gcra {
    /// The numbers of a limit. The interval is rounded up, so that rounding never lets more pass.
    #[must_use]
    pub fn of(limit: Limit) -> Self {
        let count = u64::from(limit.count.max(1));
        let interval = (u64::from(limit.window) * 1_000_000).div_ceil(count);
        Self {
            interval,
            capacity: interval * count,
        }
    }

    /// How full the bucket is at `now` that would be empty at `empty_at`. Never fuller than full: a clock
    /// that was set back locks nobody out.
    #[must_use]
    pub fn debt(self, empty_at: u64, now: u64) -> u64 {
        empty_at.saturating_sub(now).min(self.capacity)
    }

    /// Whether one more request fits.
    #[must_use]
    pub fn fits(self, debt: u64) -> bool {
        self.wait(debt) == 0
    }

    /// How many requests still fit.
    #[must_use]
    pub fn remaining(self, debt: u64) -> u64 {
        self.capacity.saturating_sub(debt) / self.interval
    }

    /// Microseconds until one more request fits.
    #[must_use]
    pub fn wait(self, debt: u64) -> u64 {
        debt.saturating_add(self.interval)
            .saturating_sub(self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limits() -> impl Strategy<Value = Limit> {
        (1..2_000_u32, 1..2_000_u32).prop_map(|(count, window)| Limit { count, window })
    }

    /// Sends requests with these pauses between them; the moments at which one passed.
    fn passed(gcra: Gcra, pauses: &[u64]) -> Vec<u64> {
        let (mut now, mut empty_at, mut moments) = (1_000_000, 0, Vec::new());
        for pause in pauses {
            now += pause;
            let debt = gcra.debt(empty_at, now);
            if gcra.fits(debt) {
                empty_at = now + debt + gcra.interval;
                moments.push(now);
            }
        }
        moments
    }

    proptest! {
        #[test]
        fn a_fresh_bucket_takes_exactly_the_limit_at_once(limit in limits()) {
            let pauses = vec![0; limit.count as usize + 50];
            prop_assert_eq!(passed(Gcra::of(limit), &pauses).len(), limit.count as usize);
        }

        #[test]
        fn over_any_span_no_more_passes_than_the_limit_and_what_came_back(
            count in 1..20_u32,
            window in 1..5_u32,
            pauses in prop::collection::vec(0..400_000_u64, 1..200),
        ) {
            let limit = Limit { count, window };
            let moments = passed(Gcra::of(limit), &pauses);
            for (first, from) in moments.iter().enumerate() {
                for (last, to) in moments.iter().enumerate().skip(first) {
                    let came_back = u128::from(to - from) * u128::from(count)
                        / (u128::from(window) * 1_000_000);
                    let most = u128::from(count) + came_back;
                    prop_assert!((last - first + 1) as u128 <= most);
                }
            }
        }

        #[test]
        fn after_the_wait_it_passes_and_a_moment_before_it_does_not(
            limit in limits(), share in 0..=1_000_u64,
        ) {
            let gcra = Gcra::of(limit);
            let debt = gcra.capacity / 1_000 * share;
            let wait = gcra.wait(debt);
            prop_assert_eq!(gcra.fits(debt), wait == 0);
            prop_assert!(gcra.fits(debt - wait));
            if wait > 0 {
                prop_assert!(!gcra.fits(debt - wait + 1));
                prop_assert_eq!(gcra.remaining(debt), 0);
            }
        }

        #[test]
        fn what_is_said_to_remain_passes(limit in limits(), share in 0..=1_000_u64) {
            let gcra = Gcra::of(limit);
            let mut debt = gcra.capacity / 1_000 * share;
            let remaining = gcra.remaining(debt);
            for _ in 0..remaining {
                prop_assert!(gcra.fits(debt));
                debt += gcra.interval;
            }
            prop_assert!(!gcra.fits(debt));
        }
    }

    #[test]
    fn an_interval_rounded_down_would_let_more_pass() {
        // Seven a second are one each 142,857.14 microseconds.
        let limit = Limit {
            count: 7,
            window: 1,
        };
        assert_eq!(Gcra::of(limit).interval, 142_858);
        let short = Gcra {
            interval: 142_857,
            capacity: 142_857 * 7,
        };
        let pauses: Vec<u64> = std::iter::repeat_n(0, 7)
            .chain(std::iter::repeat_n(142_857, 7))
            .collect();
        // 999,999 microseconds bring back six whole requests, not seven.
        assert_eq!(passed(short, &pauses).len(), 14);
        assert_eq!(passed(Gcra::of(limit), &pauses).len(), 13);
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        let gcra = Gcra::of(Limit {
            count: 10,
            window: 1,
        });
        let debt = gcra.debt(3_600_000_000, 0);
        assert_eq!(gcra.wait(debt), gcra.interval);
    }
}
