//! A reservation is resolved once, whoever comes first.

use testkit::TestDb;
use types::ReservationId;
use usage::domain::clerk::Instruction;
use usage::domain::error::Error;
use usage::domain::meter::Meter;
use usage::domain::reservation::{State, WrongState};
use usage::domain::rules::Amounts;
use uuid::Uuid;

use crate::books::{Books, HOLD, race, user};

const ROUNDS: i64 = 200;
// Their places among those who race.
const SETTLE: usize = 0;
const RELEASE: usize = 1;
const EXPIRE: usize = 2;

type Make = fn(ReservationId) -> Instruction;

fn settle(id: ReservationId) -> Instruction {
    Instruction::Settle(id, Amounts::new().into())
}

#[tokio::test]
async fn repeats_change_nothing_and_contradictions_are_refused() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:5").await;
        let owner = user();

        let settled = books.held(owner, 1).await;
        for action in [
            Instruction::Confirm as Make,
            Instruction::Confirm,
            settle,
            settle,
            Instruction::Confirm,
        ] {
            books.post(action(settled)).await.unwrap();
        }
        let refused = books.post(Instruction::Release(settled)).await;
        assert!(matches!(
            refused,
            Err(Error::WrongState(WrongState(State::Settled)))
        ));
        assert_eq!(books.standing(owner).await, (1, 0, 4));

        let released = books.held(owner, 1).await;
        books.post(Instruction::Release(released)).await.unwrap();
        books.post(Instruction::Release(released)).await.unwrap();
        for action in [settle as Make, Instruction::Confirm] {
            let refused = books.post(action(released)).await;
            assert!(matches!(
                refused,
                Err(Error::WrongState(WrongState(State::Released)))
            ));
        }
        assert_eq!(books.standing(owner).await, (1, 0, 4));

        let nobody = ReservationId(Uuid::now_v7());
        for action in [Instruction::Confirm as Make, settle, Instruction::Release] {
            let missing = books.post(action(nobody)).await;
            assert!(matches!(missing, Err(Error::NotFound(_))));
        }
        assert_eq!(books.disagreements().await, 0, "{}", test.name());
    }
}

#[tokio::test]
async fn only_what_nobody_confirmed_expires() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:5").await;
        let owner = user();
        let forgotten = books.held(owner, 1).await;
        let confirmed = books.held(owner, 1).await;
        books.post(Instruction::Confirm(confirmed)).await.unwrap();

        books
            .clock
            .advance(HOLD - std::time::Duration::from_micros(1));
        assert_eq!(books.sweep().await.unwrap(), 0);
        books.clock.advance(std::time::Duration::from_micros(1));
        assert_eq!(books.sweep().await.unwrap(), 1);
        assert_eq!(books.sweep().await.unwrap(), 0);
        assert_eq!(books.standing(owner).await, (0, 1, 4), "{}", test.name());

        // Too late to keep it; but if its work was done all the same, it counts.
        let refused = books.post(Instruction::Confirm(forgotten)).await;
        assert!(matches!(
            refused,
            Err(Error::WrongState(WrongState(State::Expired)))
        ));
        books.post(settle(forgotten)).await.unwrap();
        books.post(settle(forgotten)).await.unwrap();
        assert_eq!(books.standing(owner).await, (1, 1, 3));
        assert_eq!(books.disagreements().await, 0);
    }
}

#[tokio::test]
async fn what_was_released_after_it_expired_cannot_be_settled() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:5").await;
        let owner = user();
        let id = books.held(owner, 1).await;
        for action in [Instruction::Release as Make, Instruction::Release] {
            books.post(action(id)).await.unwrap();
        }
        let refused = books.post(settle(id)).await;
        assert!(matches!(refused, Err(Error::WrongState(_))));
        assert_eq!(books.standing(owner).await, (0, 0, 5), "{}", test.name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn settle_release_and_expiry_race_to_one_outcome() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:1000").await;
        let owner = user();
        let mut used = 0;
        for round in 0..ROUNDS {
            let id = books.held(owner, 1).await;
            let actions: [Make; 3] = [settle, Instruction::Release, Instruction::Expire];
            let outcomes = race(3, |index| {
                let books = books.clone();
                // Each round another one starts in front.
                let place = (index + usize::try_from(round).unwrap()) % 3;
                let action = actions[place];
                async move { (place, books.post(action(id)).await) }
            })
            .await;
            let won = |place| {
                let (_, outcome) = outcomes.iter().find(|(one, _)| *one == place).unwrap();
                match outcome {
                    Ok(_) => true,
                    Err(Error::WrongState(_)) => false,
                    Err(error) => panic!("{error}"),
                }
            };
            assert!(won(EXPIRE), "expiring is never refused");
            assert_ne!(won(SETTLE), won(RELEASE), "round {round}");
            used += i64::from(won(SETTLE));
            assert_eq!(books.standing(owner).await, (used, 0, 1000 - used));
        }
        assert_eq!(books.disagreements().await, 0, "{}", test.name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_settle_sent_twenty_times_counts_once() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:5").await;
        let owner = user();
        let id = books.held(owner, 1).await;
        let outcomes = race(20, |_| {
            let books = books.clone();
            async move { books.post(settle(id)).await }
        })
        .await;
        assert!(outcomes.iter().all(Result::is_ok));
        assert_eq!(books.standing(owner).await, (1, 0, 4), "{}", test.name());
    }
}

#[tokio::test]
async fn settling_again_with_other_actuals_is_refused() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:5").await;
        let id = books.held(user(), 2).await;
        let settle =
            |amount| Instruction::Settle(id, Amounts::from([(Meter::Generations, amount)]).into());
        books.post(settle(1)).await.unwrap();
        assert!(books.post(settle(1)).await.unwrap().is_repeat);
        let refused = books.post(settle(2)).await;
        assert!(
            matches!(refused, Err(Error::OperationMismatch)),
            "{refused:?}"
        );
        // One that was settled before actuals were noted answers every settlement alike.
        books.sql("UPDATE reservations SET amend_hash = ''").await;
        assert!(books.post(settle(2)).await.unwrap().is_repeat);
        assert_eq!(books.disagreements().await, 0);
    }
}
