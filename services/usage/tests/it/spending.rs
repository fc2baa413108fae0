//! The brake on spending: trips once over all processes, and not again before the rate was usual.

use std::sync::Arc;
use std::time::Duration;

use testkit::TestDb;
use types::{Microusd, PageRequest, SystemIds};
use usage::domain::alert::AlertKind;
use usage::domain::alerts::AlertStore;
use usage::domain::error::Error;
use usage::domain::spending::{Brake, Breaker};

use crate::books::{Books, race, user};

const PLANS: &str = "free:1000000";
const MINUTE: Duration = Duration::from_mins(1);
const DOLLAR: i64 = 1_000_000;

pub fn brake(books: &Books, factor: f64) -> Brake {
    let breaker = Breaker {
        factor,
        floor: Microusd(5 * DOLLAR),
    };
    let clock = Arc::new(books.clock.clone());
    Brake::new(books.office(), breaker, clock, Arc::new(SystemIds))
}

async fn alerts(books: &Books) -> usize {
    let page = PageRequest::parse(0, "").unwrap();
    let alerts = books.office().newest(None, page).await.unwrap().items;
    let paused = alerts
        .iter()
        .filter(|one| one.alert.kind == AlertKind::SpendingPaused);
    paused.count()
}

async fn is_paused(books: &Books) -> bool {
    let ask = books.ask_for(user(), [(usage::domain::meter::Meter::Microusd, 1)]);
    match books.reserve(&ask).await {
        Ok(_) => false,
        Err(Error::Paused(_)) => true,
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_times_the_usual_pauses_paid_work_once() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, PLANS).await;
        let brake = brake(&books, 10.0);
        // A dollar every ten minutes for a week is usual.
        let minute = types::Clock::now(&books.clock).micros() / 60_000_000;
        let numbers = (1..=1_008).map(|n| format!("({}, 0, {DOLLAR})", minute - 9 - n * 10));
        let values: Vec<String> = numbers.collect();
        books
            .sql(&format!(
                "INSERT INTO spend_minutes VALUES {}",
                values.join(", ")
            ))
            .await;
        books.charge(user(), "gemini", 9 * DOLLAR).await;
        assert!(!brake.watch().await.unwrap());
        let rate = brake.look().await.unwrap().rate;
        assert_eq!((rate.recent.0, rate.usual.0), (9 * DOLLAR, DOLLAR));
        assert!(!is_paused(&books).await);

        books.charge(user(), "gemini", 2 * DOLLAR).await;
        let tripped = race(8, |_| {
            let brake = brake.clone();
            async move { brake.watch().await.unwrap() }
        })
        .await;
        assert_eq!(
            tripped.iter().filter(|one| **one).count(),
            1,
            "{}",
            test.name()
        );
        assert!(is_paused(&books).await);
        assert_eq!(alerts(&books).await, 1);
        let stop = brake.look().await.unwrap().stop.unwrap();
        assert_eq!(stop.by, "usage");
        assert!(stop.reason.contains("$11.000000"), "{}", stop.reason);

        // Resumed by an operator, it goes on although the rate is still high.
        for _ in 0..2 {
            assert!(brake.resume("olga").await.unwrap().stop.is_none());
        }
        assert!(!brake.watch().await.unwrap());
        assert!(!is_paused(&books).await);
        // Once the rate was usual it may trip again.
        books.clock.advance(MINUTE * 11);
        assert!(!brake.watch().await.unwrap());
        books.charge(user(), "gemini", 20 * DOLLAR).await;
        assert!(brake.watch().await.unwrap());
        assert_eq!(alerts(&books).await, 2);
        let audit = "SELECT COUNT(*) AS n FROM audit WHERE action LIKE 'spending.%'";
        assert_eq!(books.number(audit).await, 3);
    }
}

#[tokio::test]
async fn the_floor_the_switch_and_the_hand() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, PLANS).await;
        // Nothing is usual yet: only the floor holds it.
        books.charge(user(), "gemini", 5 * DOLLAR - 1).await;
        assert!(!brake(&books, 10.0).watch().await.unwrap());
        books.charge(user(), "gemini", DOLLAR).await;
        assert!(!brake(&books, 0.0).watch().await.unwrap());

        let brake = brake(&books, 10.0);
        for reason in ["a leak", "another one"] {
            let stop = brake.pause(reason, "olga").await.unwrap().stop.unwrap();
            assert_eq!((stop.reason.as_str(), stop.by.as_str()), ("a leak", "olga"));
        }
        assert!(is_paused(&books).await);
        // An operator's pause stays the operator's.
        assert!(!brake.watch().await.unwrap());
        assert_eq!(alerts(&books).await, 0);
        brake.resume("olga").await.unwrap();
        assert!(!brake.watch().await.unwrap());
        assert!(!is_paused(&books).await, "{}", test.name());
    }
}

#[tokio::test]
async fn old_minutes_are_forgotten() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, PLANS).await;
        books.charge(user(), "gemini", 7).await;
        let count = "SELECT COUNT(*) AS n FROM spend_minutes";
        books.clock.advance(MINUTE * 60 * 24 * 7);
        brake(&books, 10.0).forget().await.unwrap();
        assert_eq!(books.number(count).await, 1);
        books.clock.advance(MINUTE * 60 * 24 * 2);
        brake(&books, 10.0).forget().await.unwrap();
        assert_eq!(books.number(count).await, 0);
    }
}
