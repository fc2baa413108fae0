//! How guessing one account's password is slowed down without ever locking its owner out.

use std::time::Duration;

use types::Timestamp;

/// So many wrong passwords in a row are answered at once; then each one costs a wait.
const FREE_FAILURES: i64 = 10;
/// The longest wait: short enough for the owner to get in between two guesses.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
const LAST_DOUBLING: i64 = 6;
/// After this long without a wrong password the count begins anew.
pub const WINDOW: Duration = Duration::from_secs(15 * 60);

/// The wrong passwords in a row for one address, known or not: were only known ones counted, the
/// answer would tell which are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: i64,
    /// When the last one was.
    pub last_at: Timestamp,
}

impl Failures {
    /// How long the next attempt must wait, if it must: one second after the tenth failure, twice
    /// as long after each further one, at most a minute.
    #[must_use]
    pub fn wait(self, now: Timestamp) -> Option<Duration> {
        let beyond = u32::try_from((self.count - FREE_FAILURES).min(LAST_DOUBLING)).ok()?;
        let wait = Duration::from_secs(1 << beyond).min(LONGEST_WAIT);
        let until = self.last_at.plus(wait);
        (until > now).then(|| until.since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_700_000_000_000_000);

    fn wait_after(count: i64) -> Option<Duration> {
        Failures {
            count,
            last_at: START,
        }
        .wait(START)
    }

    #[test]
    fn nine_failures_cost_nothing() {
        assert_eq!(wait_after(1), None);
        assert_eq!(wait_after(9), None);
    }

    #[test]
    fn then_the_wait_doubles_up_to_a_minute() {
        let seconds = [10, 11, 12, 15, 16, 17, 100, i64::MAX]
            .map(|count| wait_after(count).unwrap().as_secs());
        assert_eq!(seconds, [1, 2, 4, 32, 60, 60, 60, 60]);
    }

    #[test]
    fn a_wait_ends() {
        let failures = Failures {
            count: 1_000,
            last_at: START,
        };
        let later = |seconds| START.plus(Duration::from_secs(seconds));
        assert_eq!(failures.wait(later(59)), Some(Duration::from_secs(1)));
        assert_eq!(failures.wait(later(60)), None);
    }
}
