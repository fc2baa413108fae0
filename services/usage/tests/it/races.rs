//! Nobody goes over and nothing counts twice, however many come at once: on SQLite, on PostgreSQL, and
//! with two processes on one PostgreSQL. `seeded` shows that such checks see books that are kept wrongly.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use testkit::TestDb;
use types::{Microusd, ReservationId, UserId};
use usage::domain::clerk::Instruction;
use usage::domain::error::Error;
use usage::domain::meter::Meter;
use usage::domain::price::{Quantity, Unit, Work};
use usage::domain::reservation::Amendment;
use usage::domain::rules::Amounts;
use usage::domain::scope::Purpose;
use uuid::Uuid;

use crate::books::{Books, HOLD, race, user};

const CALLERS: usize = 2_000;
const LEFT: usize = 137;
const WIDE: i64 = 1_000_000;

/// SQLite, PostgreSQL, and two processes on one PostgreSQL.
async fn setups(plans: &str) -> Vec<(&'static str, Vec<Books>)> {
    let (sqlite, one, two) = (
        TestDb::sqlite("usage").await,
        TestDb::postgres("usage").await,
        TestDb::postgres("usage").await,
    );
    let pair = vec![
        Books::open(&two, plans).await,
        Books::open(&two, plans).await,
    ];
    let setups = vec![
        ("sqlite", vec![Books::open(&sqlite, plans).await]),
        ("postgres", vec![Books::open(&one, plans).await]),
        ("two processes", pair),
    ];
    // SQLite's file goes with its handle.
    std::mem::forget(sqlite);
    setups
}

fn picture() -> Purpose {
    Purpose {
        kind: "IMAGE".to_owned(),
        provider: "gemini".to_owned(),
        ..Purpose::default()
    }
}

/// How many of 2,000 holds at once are taken; each is taken or refused for its limit.
async fn taken(books: &[Books], owner: UserId) -> usize {
    let books = books.to_vec();
    let outcomes = race(CALLERS, move |index| {
        let books = books[index % books.len()].clone();
        let mut ask = books.ask(owner, 1);
        ask.purpose = picture();
        async move { books.reserve(&ask).await }
    });
    let mut taken = 0;
    for outcome in outcomes.await {
        match outcome {
            Ok(_) => taken += 1,
            Err(Error::OverLimit(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_thousand_at_once_as_many_are_taken_as_are_left() {
    let tight = i64::try_from(LEFT).unwrap();
    for (name, books) in setups("free:1000000").await {
        let owner = user();
        let id = owner.to_string();
        let scopes = [
            ("user", id.as_str()),
            ("plan", "free"),
            ("provider", "gemini"),
            ("kind", "IMAGE"),
            ("global", ""),
        ];
        for scope in scopes {
            books[0].budget(scope, Meter::Generations, WIDE).await;
        }
        let mut spoken_for = 0;
        for scope in scopes {
            // The books are counted on: this one has so many left, the others plenty.
            let limit = spoken_for + tight;
            books[0].budget(scope, Meter::Generations, limit).await;
            assert_eq!(taken(&books, owner).await, LEFT, "{name}: {scope:?}");
            books[0].budget(scope, Meter::Generations, WIDE).await;
            spoken_for += tight;
            assert_eq!(books[0].disagreements().await, 0, "{name}: {scope:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_settlements_meet_their_expiry() {
    const ROUNDS: usize = 1_000;
    for (name, books) in setups("free:1000").await {
        let owner = user();
        let id = owner.to_string();
        books[0].budget(("user", &id), Meter::Microusd, 7_000).await;
        let money = [(Meter::Generations, 1), (Meter::Microusd, 7)];
        let asks = (0..ROUNDS).map(|_| books[0].ask_for(owner, money));
        let ids: Vec<ReservationId> = join_all(asks.map(|ask| {
            let books = books[0].clone();
            async move { books.reserve(&ask).await.unwrap().reservation.id }
        }))
        .await;
        for one in &books {
            one.clock.advance(HOLD);
        }
        let outcomes = race(2 * ROUNDS, |index| {
            // Which one comes first alternates, and so does the process it comes to.
            let id = ids[index / 2];
            let instruction = match (index + index / 2) % 2 {
                0 => Instruction::Settle(id, Amounts::from([(Meter::Microusd, 5)]).into()),
                _ => Instruction::Expire(id),
            };
            let books = books[(index + index / 4) % books.len()].clone();
            async move { books.post(instruction).await.is_ok() }
        });
        assert!(outcomes.await.into_iter().all(|one| one), "{name}");
        let books = &books[0];
        assert_eq!(books.recorded("1").await, 1_000, "{name}");
        assert_eq!(books.recorded("units").await, 1_000);
        assert_eq!(books.recorded("amount").await, 5_000);
        assert_eq!(books.standing(owner).await, (1_000, 0, 0));
        assert_eq!(books.standing_of(owner, 1).await, (5_000, 0, 2_000));
        assert_eq!(books.disagreements().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_settlement_sent_twenty_times_is_charged_once() {
    for (name, books) in setups("free:50").await {
        let owner = user();
        let id = owner.to_string();
        books[0].budget(("user", &id), Meter::Microusd, WIDE).await;
        let ask = books[0].ask_for(owner, [(Meter::Generations, 1), (Meter::Microusd, 90)]);
        books[0].reserve(&ask).await.unwrap();
        let outcomes = race(20, |index| {
            let books = books[index % books.len()].clone();
            let paid = Amounts::from([(Meter::Microusd, 100)]);
            async move {
                books
                    .post(Instruction::Settle(ask.id, paid.into()))
                    .await
                    .unwrap()
            }
        });
        let outcomes = outcomes.await;
        assert_eq!(
            outcomes.iter().filter(|one| !one.is_repeat).count(),
            1,
            "{name}"
        );
        let books = &books[0];
        assert_eq!(books.recorded("1").await, 1);
        assert_eq!(books.recorded("amount").await, 90);
        let loss = "SELECT SUM(amount) AS n FROM entries WHERE kind = 'loss'";
        assert_eq!(books.number(loss).await, 10);
        let alerts = "SELECT COUNT(*) AS n FROM alerts WHERE kind = 'LOSS'";
        assert_eq!(books.number(alerts).await, 1);
        assert_eq!(books.standing_of(owner, 1).await, (90, 0, 999_910));
        assert_eq!(books.disagreements().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_budget_lowered_under_load_holds_from_then_on() {
    for (name, books) in setups("free:1000000").await {
        books[0]
            .budget(("global", ""), Meter::Generations, WIDE)
            .await;
        let owner = user();
        let lowered = Arc::new(AtomicBool::new(false));
        let workers = race(33, |index| {
            let (books, lowered) = (books[index % books.len()].clone(), Arc::clone(&lowered));
            async move {
                if index == 32 {
                    while books
                        .number("SELECT COALESCE(SUM(held), 0) AS n FROM counters WHERE subject = 'global'")
                        .await
                        < 100
                    {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    books.budget(("global", ""), Meter::Generations, 50).await;
                    lowered.store(true, Ordering::SeqCst);
                    return 0;
                }
                let mut taken = 0;
                loop {
                    let is_late = lowered.load(Ordering::SeqCst);
                    match books.reserve(&books.ask(owner, 1)).await {
                        Ok(_) => {
                            assert!(!is_late, "taken after the budget was lowered");
                            taken += 1;
                        }
                        Err(Error::OverLimit(_)) => return taken,
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
        });
        let taken: i64 = workers.await.into_iter().sum();
        assert_eq!(books[0].standing(owner).await.1, taken, "{name}");
        assert!(taken >= 100);
        assert_eq!(books[0].disagreements().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_asked_in_one_breath_is_done_in_order() {
    for (name, books) in setups("free:1000").await {
        let (books, owner) = (&books[0], user());
        books
            .budget(("provider", "gemini"), Meter::Microusd, WIDE)
            .await;
        let mut posts = Vec::new();
        for _ in 0..100 {
            let ask = books.ask(owner, 1);
            let id = ask.id;
            let amendment = Amendment {
                id,
                purpose: picture(),
                work: Some(Work {
                    quantities: vec![Quantity {
                        unit: Unit::Image,
                        count: 1,
                        size: String::new(),
                        quality: String::new(),
                    }],
                    list: Some((Microusd(40), "2026-11-01".to_owned())),
                    permille: None,
                }),
            };
            let life = [
                Instruction::Reserve(ask),
                Instruction::Amend(amendment),
                Instruction::Confirm(id),
                Instruction::Settle(id, Amounts::from([(Meter::Microusd, 30)]).into()),
            ];
            // So few are polled in their order, so they are handed in in their order.
            posts.push(join_all(life.map(|instruction| books.post(instruction))));
        }
        for outcome in join_all(posts).await.into_iter().flatten() {
            assert!(!outcome.unwrap().is_repeat, "{name}");
        }
        assert_eq!(books.standing(owner).await, (100, 0, 900));
        let spent =
            books.number("SELECT used AS n FROM counters WHERE subject = 'provider:gemini'");
        assert_eq!(spent.await, 3_000);
        assert_eq!(books.disagreements().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_that_cannot_be_written_spoils_nobody_else() {
    for (name, books) in setups("free:1000").await {
        let (books, owner) = (&books[0], user());
        let broken = books.held(owner, 1).await;
        let hex = broken.uuid().simple().to_string();
        let id = match books.db.backend() {
            database::Backend::Postgres => format!("'{hex}'"),
            database::Backend::Sqlite => format!("x'{hex}'"),
        };
        // It claims more than its counter holds.
        books.sql(&format!("UPDATE reservations SET items = REPLACE(items, '\"amount\":1', '\"amount\":900') WHERE id = {id}")).await;
        let mut ids: Vec<_> = (0..40).map(|_| books.ask(owner, 1)).collect();
        let others = ids.split_off(20);
        let held = join_all(ids.iter().map(|ask| books.reserve(ask))).await;
        assert!(held.iter().all(Result::is_ok));
        let mut posts: Vec<_> = ids.iter().map(|ask| books.settle(ask.id)).collect();
        posts.insert(10, books.settle(broken));
        let reserves = others.iter().map(|ask| books.reserve(ask));
        let (settled, reserved) = futures::join!(join_all(posts), join_all(reserves));
        let failed: Vec<_> = settled.iter().map(Result::is_err).collect();
        assert_eq!(failed.iter().filter(|one| **one).count(), 1, "{name}");
        assert!(
            matches!(settled[10], Err(Error::Broken(_))),
            "{:?}",
            settled[10]
        );
        assert!(reserved.iter().all(Result::is_ok));
        assert_eq!(books.standing(owner).await, (20, 21, 959));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_asked_before_the_end_is_done() {
    for (name, books) in setups("free:1000").await {
        let (books, owner) = (&books[0], user());
        let posts = (0..200).map(|_| {
            let books = books.clone();
            tokio::spawn(async move { books.reserve(&books.ask(owner, 1)).await.is_ok() })
        });
        let posts: Vec<_> = posts.collect();
        tokio::time::sleep(Duration::from_millis(3)).await;
        books.book.close().await;
        let done = join_all(posts)
            .await
            .into_iter()
            .filter(|one| matches!(one, Ok(true)));
        let done = i64::try_from(done.count()).unwrap();
        assert_eq!(books.standing(owner).await.1, done, "{name}");
        let late = books.reserve(&books.ask(owner, 1)).await;
        assert!(matches!(late, Err(Error::Unavailable(_))), "{late:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_that_leave_leave_nothing_half_done() {
    for (name, books) in setups("free:100000").await {
        let owner = user();
        race(400, |index| {
            let books = books[index % books.len()].clone();
            async move {
                let ask = books.ask(owner, 1);
                let span = Duration::from_micros(u64::try_from(index).unwrap() * 40);
                let _ = tokio::time::timeout(span, books.reserve(&ask)).await;
            }
        })
        .await;
        for one in &books {
            one.book.close().await;
        }
        assert_eq!(books[0].disagreements().await, 0, "{name}");
        let rows = books[0]
            .number("SELECT COUNT(*) AS n FROM reservations")
            .await;
        assert_eq!(books[0].standing(owner).await.1, rows);
    }
}

// Ids of other callers may begin alike; each reservation is one all the same.
#[tokio::test]
async fn reservations_line_up_by_their_ids() {
    for (name, books) in setups("free:1000").await {
        let (books, owner) = (&books[0], user());
        for low in 0..32_u128 {
            let mut ask = books.ask(owner, 1);
            ask.id = ReservationId(Uuid::from_u128(low));
            books.reserve(&ask).await.unwrap();
        }
        assert_eq!(books.standing(owner).await, (0, 32, 968), "{name}");
    }
}
