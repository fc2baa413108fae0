//! Nobody goes over: many at once, one operation many times, two processes.

use sea_orm::ConnectionTrait;
use testkit::TestDb;
use types::UserId;
use usage::domain::error::Error;
use usage::domain::meter::Meter;
use usage::domain::rules::Amounts;
use usage::domain::window::WindowKind;

use crate::books::{Books, race, user};

const CALLERS: usize = 200;
const LEFT: usize = 5;

async fn accepted(books: Vec<Books>, owner: UserId) -> usize {
    let outcomes = race(CALLERS, move |index| {
        let books = books[index % books.len()].clone();
        async move { books.reserve(&books.ask(owner, 1)).await }
    })
    .await;
    for outcome in &outcomes {
        assert!(
            matches!(outcome, Ok(_) | Err(Error::OverLimit(_))),
            "{outcome:?}"
        );
    }
    outcomes.iter().filter(|outcome| outcome.is_ok()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_at_once_exactly_five_are_accepted() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:5").await;
        let owner = user();
        assert_eq!(accepted(vec![books.clone()], owner).await, LEFT);
        assert_eq!(books.standing(owner).await, (0, 5, 0), "{}", test.name());
        assert_eq!(books.disagreements().await, 0);
        // Refused ones leave nothing behind.
        let rows = books.number("SELECT COUNT(*) AS n FROM reservations").await;
        assert_eq!(rows, 5);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_on_one_database_accept_no_more() {
    let test = TestDb::postgres("usage").await;
    let (one, two) = (
        Books::open(&test, "free:5").await,
        Books::open(&test, "free:5").await,
    );
    let owner = user();
    assert_eq!(accepted(vec![one.clone(), two.clone()], owner).await, LEFT);
    assert_eq!(one.standing(owner).await, (0, 5, 0));
    assert_eq!(two.disagreements().await, 0);

    // Both sweep what nobody came back for; each reservation expires once.
    for books in [&one, &two] {
        books.clock.advance(crate::books::HOLD);
    }
    let swept = race(2, move |index| {
        let books = [&one, &two][index].clone();
        async move { books.sweep().await.unwrap() }
    });
    assert_eq!(swept.await.iter().sum::<u64>(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_operation_makes_one_reservation_however_often_it_is_sent() {
    for test in TestDb::both("usage").await {
        // One unit only: whoever comes second must find the reservation, not an empty plan.
        let books = Books::open(&test, "free:1").await;
        let owner = user();
        let ask = books.ask(owner, 1);
        let outcomes = race(50, |_| {
            let (books, ask) = (books.clone(), ask.clone());
            async move { books.reserve(&ask).await.unwrap() }
        })
        .await;
        let first = &outcomes[0].reservation;
        assert!(outcomes.iter().all(|one| one.reservation == *first));
        let made = outcomes.iter().filter(|one| !one.is_repeat).count();
        assert_eq!(made, 1);
        assert_eq!(books.standing(owner).await, (0, 1, 0), "{}", test.name());

        // Another request with its id is refused, and changes nothing.
        for other in [
            books.ask(owner, 2).amounts,
            Amounts::from([(Meter::Generations, 3)]),
        ] {
            let mut stolen = ask.clone();
            stolen.amounts = other;
            let outcome = books.reserve(&stolen).await;
            assert!(matches!(outcome, Err(Error::OperationMismatch)));
        }
        assert_eq!(books.disagreements().await, 0);
    }
}

#[tokio::test]
async fn all_limits_or_none() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:5+2/day").await;
        let owner = user();
        books.reserve(&books.ask(owner, 2)).await.unwrap();
        let refused = books.reserve(&books.ask(owner, 1)).await;
        let Err(Error::OverLimit(refusal)) = refused else {
            panic!("{refused:?}");
        };
        let windows: Vec<_> = (refusal.over.iter())
            .map(|one| one.check.key.window)
            .collect();
        assert_eq!(windows, [WindowKind::Day]);
        // The month was not touched by what the day refused.
        let month = books.standing_of(owner, 1).await;
        assert_eq!(month, (0, 2, 3), "{}", test.name());

        // Both stand in the way: the one that resets last comes first.
        let refused = books.reserve(&books.ask(owner, 4)).await;
        let Err(Error::OverLimit(refusal)) = refused else {
            panic!("{refused:?}");
        };
        let windows: Vec<_> = (refusal.over.iter())
            .map(|one| one.check.key.window)
            .collect();
        assert_eq!(windows, [WindowKind::Month, WindowKind::Day]);
        assert_eq!(books.disagreements().await, 0);
    }
}

#[tokio::test]
async fn limits_at_their_edges() {
    for test in TestDb::both("usage").await {
        let closed = Books::open(&test, "closed:0").await;
        let refused = closed.reserve(&closed.ask(user(), 1)).await;
        assert!(matches!(refused, Err(Error::OverLimit(_))));

        let wide = Books::open(&test, "wide:1000000000").await;
        let owner = user();
        wide.reserve(&wide.ask(owner, 1_000_000)).await.unwrap();
        let standing = wide.standing(owner).await;
        assert_eq!(standing, (0, 1_000_000, 999_000_000));

        // A counter at the end of its type refuses, and wraps nowhere.
        wide.db
            .write()
            .execute_unprepared(&format!(
                "UPDATE counters SET used = {0}, held = 0, cap = {0}",
                i64::MAX
            ))
            .await
            .unwrap();
        let refused = wide.reserve(&wide.ask(owner, 1_000_000)).await;
        assert!(matches!(refused, Err(Error::OverLimit(_))), "{refused:?}");
        assert_eq!(wide.standing(owner).await.2, 0);
    }
}

#[tokio::test]
async fn a_smaller_plan_shows_nothing_negative() {
    for test in TestDb::both("usage").await {
        let before = Books::open(&test, "pro:100").await;
        let owner = user();
        let held = before.held(owner, 30).await;
        let after = Books::open(&test, "pro:10").await;
        assert_eq!(after.standing(owner).await, (0, 30, 0), "{}", test.name());
        let refused = after.reserve(&after.ask(owner, 1)).await;
        assert!(matches!(refused, Err(Error::OverLimit(_))));
        // What is under way settles all the same.
        after.settle(held).await.unwrap();
        assert_eq!(after.standing(owner).await, (30, 0, 0));
    }
}
