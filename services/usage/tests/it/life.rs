//! A reservation is resolved once, whoever comes first.

use testkit::TestDb;
use types::{ReservationId, UserId};
use usage::domain::error::Error;
use usage::domain::reservation::{Action, State, WrongState};
use uuid::Uuid;

use crate::books::{Books, HOLD, race, user};

const ROUNDS: i64 = 200;

async fn held(books: &Books, owner: UserId) -> ReservationId {
    books.usage.reserve(&books.ask(owner, 1)).await.unwrap().id
}

#[tokio::test]
async fn repeats_change_nothing_and_contradictions_are_refused() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:5").await;
        let (owner, usage) = (user(), &books.usage);

        let settled = held(&books, owner).await;
        for action in [
            Action::Confirm,
            Action::Confirm,
            Action::Settle,
            Action::Settle,
            Action::Confirm,
        ] {
            usage.resolve(settled, action).await.unwrap();
        }
        let refused = usage.resolve(settled, Action::Release).await;
        assert!(matches!(
            refused,
            Err(Error::WrongState(WrongState(State::Settled)))
        ));
        assert_eq!(books.standing(owner).await, (1, 0, 4));

        let released = held(&books, owner).await;
        usage.resolve(released, Action::Release).await.unwrap();
        usage.resolve(released, Action::Release).await.unwrap();
        for action in [Action::Settle, Action::Confirm] {
            let refused = usage.resolve(released, action).await;
            assert!(matches!(
                refused,
                Err(Error::WrongState(WrongState(State::Released)))
            ));
        }
        assert_eq!(books.standing(owner).await, (1, 0, 4));

        let nobody = ReservationId(Uuid::now_v7());
        for action in [Action::Confirm, Action::Settle, Action::Release] {
            let missing = usage.resolve(nobody, action).await;
            assert!(matches!(missing, Err(Error::NotFound)));
        }
        assert_eq!(books.disagreements().await, 0, "{}", test.name());
    }
}

#[tokio::test]
async fn only_what_nobody_confirmed_expires() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:5").await;
        let (owner, usage) = (user(), &books.usage);
        let forgotten = held(&books, owner).await;
        let confirmed = held(&books, owner).await;
        usage.resolve(confirmed, Action::Confirm).await.unwrap();

        books
            .clock
            .advance(HOLD - std::time::Duration::from_micros(1));
        assert_eq!(usage.sweep().await.unwrap(), 0);
        books.clock.advance(std::time::Duration::from_micros(1));
        assert_eq!(usage.sweep().await.unwrap(), 1);
        assert_eq!(usage.sweep().await.unwrap(), 0);
        assert_eq!(books.standing(owner).await, (0, 1, 4), "{}", test.name());

        // Too late to keep it; but if its work was done all the same, it counts.
        let refused = usage.resolve(forgotten, Action::Confirm).await;
        assert!(matches!(
            refused,
            Err(Error::WrongState(WrongState(State::Expired)))
        ));
        usage.resolve(forgotten, Action::Settle).await.unwrap();
        usage.resolve(forgotten, Action::Settle).await.unwrap();
        assert_eq!(books.standing(owner).await, (1, 1, 3));
        assert_eq!(books.disagreements().await, 0);
    }
}

#[tokio::test]
async fn what_was_released_after_it_expired_cannot_be_settled() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:5").await;
        let (owner, usage) = (user(), &books.usage);
        let id = held(&books, owner).await;
        for action in [Action::Expire, Action::Release, Action::Release] {
            usage.resolve(id, action).await.unwrap();
        }
        let refused = usage.resolve(id, Action::Settle).await;
        assert!(matches!(refused, Err(Error::WrongState(_))));
        assert_eq!(books.standing(owner).await, (0, 0, 5), "{}", test.name());
    }
}

#[tokio::test]
async fn a_sweep_takes_more_than_one_batch() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:150").await;
        let owner = user();
        for _ in 0..150 {
            held(&books, owner).await;
        }
        books.clock.advance(HOLD);
        let mut swept = Vec::new();
        while swept.last() != Some(&0) {
            swept.push(books.usage.sweep().await.unwrap());
        }
        assert_eq!(swept, [100, 50, 0], "{}", test.name());
        assert_eq!(books.standing(owner).await, (0, 0, 150));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn settle_release_and_expiry_race_to_one_outcome() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:1000").await;
        let owner = user();
        let mut used = 0;
        for round in 0..ROUNDS {
            let id = held(&books, owner).await;
            let actions = [Action::Settle, Action::Release, Action::Expire];
            let outcomes = race(3, |index| {
                let books = books.clone();
                // Each round another one starts in front.
                let action = actions[(index + usize::try_from(round).unwrap()) % 3];
                async move { (action, books.usage.resolve(id, action).await) }
            })
            .await;
            let won = |action| {
                let (_, outcome) = outcomes.iter().find(|(one, _)| *one == action).unwrap();
                match outcome {
                    Ok(()) => true,
                    Err(Error::WrongState(_)) => false,
                    Err(error) => panic!("{error}"),
                }
            };
            assert!(won(Action::Expire), "expiring is never refused");
            assert_ne!(won(Action::Settle), won(Action::Release), "round {round}");
            used += i64::from(won(Action::Settle));
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
        let id = held(&books, owner).await;
        let outcomes = race(20, |_| {
            let books = books.clone();
            async move { books.usage.resolve(id, Action::Settle).await }
        })
        .await;
        assert!(outcomes.iter().all(Result::is_ok));
        assert_eq!(books.standing(owner).await, (1, 0, 4), "{}", test.name());
    }
}
