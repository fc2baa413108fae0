//! Does a transaction again when it met another one.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use super::error::StoreError;

const TRIES: u32 = 3;

/// Runs `transaction`, and runs it again, twice at most, when the database says that it met
/// another one. What it gives last is the answer.
pub async fn repeat_on_conflict<T, F>(transaction: impl Fn() -> F + Send) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>> + Send,
{
    for attempt in 1..TRIES {
        match transaction().await {
            Err(error) if error.is_conflict() => {
                tracing::debug!(attempt, "transaction met another one, trying again");
                tokio::time::sleep(pause(attempt)).await;
            }
            outcome => return outcome,
        }
    }
    transaction().await
}

// 5 to 10 ms, then 10 to 20 ms: those who met must not meet again.
fn pause(attempt: u32) -> Duration {
    let base = 5_000 * u64::from(attempt);
    let chance = RandomState::new().build_hasher().finish() % base;
    Duration::from_micros(base + chance)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use database::DatabaseError;

    use super::*;

    async fn run(conflicts: u32) -> (Result<u32, StoreError>, u32) {
        let runs = AtomicU32::new(0);
        let outcome = repeat_on_conflict(|| async {
            let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
            if run <= conflicts {
                return Err(DatabaseError::Conflict("40P01".into()).into());
            }
            Ok(run)
        })
        .await;
        (outcome, runs.into_inner())
    }

    #[tokio::test]
    async fn tries_three_times_and_no_more() {
        assert!(matches!(run(0).await, (Ok(1), 1)));
        assert!(matches!(run(2).await, (Ok(3), 3)));
        let (outcome, runs) = run(9).await;
        assert!(outcome.is_err_and(|error| error.is_conflict()));
        assert_eq!(runs, 3);
    }
}
