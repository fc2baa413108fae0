//! After any mix of calls the counters are the sums of the reservations.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use testkit::TestDb;
use types::{ReservationId, UserId};
use usage::domain::clerk::Instruction;
use usage::domain::error::Error;
use usage::domain::rules::Amounts;
use uuid::Uuid;

use crate::books::{Books, race, user};
use crate::dice::Dice;

const WORKERS: usize = 8;
const STEPS: u32 = 60;

async fn work(books: Books, owners: [UserId; 3], seed: u64) {
    let mut dice = Dice::new(seed);
    let mut known: Vec<ReservationId> = Vec::new();
    for _ in 0..STEPS {
        let owner = owners[usize::try_from(dice.below(3)).unwrap()];
        let outcome = match dice.below(8) {
            0..=3 => {
                let mut ask = books.ask(owner, 1 + i64::try_from(dice.below(3)).unwrap());
                // Few ids, so that workers repeat each other's operations.
                ask.id = ReservationId(Uuid::from_u128(u128::from(dice.below(400))));
                let made = books.reserve(&ask).await;
                made.map(|one| known.push(one.reservation.id))
            }
            4 => books.sweep().await.map(|_| ()),
            5 => {
                books.clock.advance(Duration::from_secs(dice.below(600)));
                Ok(())
            }
            _ if known.is_empty() => Ok(()),
            _ => {
                let index = usize::try_from(dice.below(known.len() as u64)).unwrap();
                let id = known[index];
                let instruction = match dice.below(4) {
                    0 => Instruction::Confirm(id),
                    1 => Instruction::Suspend(id),
                    2 => Instruction::Release(id),
                    _ => Instruction::Settle(id, Amounts::new().into()),
                };
                books.post(instruction).await.map(|_| ())
            }
        };
        match outcome {
            Ok(()) | Err(Error::OverLimit(_) | Error::OperationMismatch | Error::WrongState(_)) => {
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counters_are_the_sums_of_reservations() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:40+25/day").await;
        let owners = [user(), user(), user()];
        race(WORKERS, |index| {
            work(books.clone(), owners, index as u64 + 1)
        })
        .await;
        let made = books.number("SELECT COUNT(*) AS n FROM reservations").await;
        assert!(made > 20, "the workload reserved next to nothing: {made}");
        assert_eq!(books.disagreements().await, 0, "{}", test.name());

        // The check can fail: one unit that no reservation holds.
        books
            .db
            .write()
            .execute_unprepared(
                "UPDATE counters SET held = held + 1 WHERE window_kind = 'MONTH' AND subject = \
                 (SELECT MIN(subject) FROM counters)",
            )
            .await
            .unwrap();
        assert_eq!(books.disagreements().await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn at_no_moment_is_more_spoken_for_than_the_limit() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:7").await;
        let owner = user();
        let workers = race(WORKERS + 1, |index| {
            let books = books.clone();
            async move {
                for _ in 0..40 {
                    let (used, held, _) = books.standing(owner).await;
                    assert!(used + held <= 7 && used >= 0 && held >= 0);
                    if index == WORKERS {
                        tokio::time::sleep(Duration::from_millis(2)).await;
                        continue;
                    }
                    match books.reserve(&books.ask(owner, 2)).await {
                        Ok(made) => {
                            let release = Instruction::Release(made.reservation.id);
                            books.post(release).await.unwrap();
                        }
                        // Units that come and go within a look are no reason to fail.
                        Err(Error::OverLimit(_) | Error::Unavailable(_)) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
        });
        workers.await;
        assert_eq!(books.standing(owner).await, (0, 0, 7), "{}", test.name());
    }
}
