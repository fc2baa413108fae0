//! What several providers did for one reservation: each is paid by itself, the owner never pays more
//! than was held, and no budget of a provider is passed for another's work.

use std::collections::BTreeMap;
use std::sync::Arc;

use testkit::TestDb;
use types::{Microusd, ReservationId};
use usage::domain::charge::{Charge, Settlement};
use usage::domain::clerk::Instruction;
use usage::domain::error::Error;
use usage::domain::meter::Meter;
use usage::domain::reconcile::{Auditor, Findings};
use usage::domain::reservation::{Ask, State};
use usage::domain::rulebook::Corrector;
use usage::domain::rules::Amounts;
use usage::domain::scope::{Keeper, Purpose};

use crate::books::{Books, user};
use crate::keeper::Records;
use crate::office::utc;
use crate::spending::brake;

/// What an attempt by a provider used.
pub fn charge(attempt: i64, provider: &str, generations: i64, money: i64) -> Charge {
    Charge {
        attempt,
        provider: provider.to_owned(),
        model: format!("{provider}-1"),
        used: BTreeMap::from([(Meter::Generations, generations), (Meter::Microusd, money)]),
    }
}

/// Settles with these.
pub fn charging(id: ReservationId, charges: impl Into<Vec<Charge>>) -> Instruction {
    let (actuals, charges) = (Amounts::new(), charges.into());
    Instruction::Settle(id, Settlement { actuals, charges })
}

async fn used(books: &Books, subject: &str) -> i64 {
    let sql = format!(
        "SELECT SUM(used) AS n FROM counters WHERE subject = '{subject}' AND meter = 'MICROUSD' AND held = 0"
    );
    books.number(&sql).await
}

async fn rows(books: &Books) -> String {
    let sql =
        "SELECT kind || ' ' || provider || ' ' || model || ' #' || CAST(attempt AS TEXT) || ' '
                 || CAST(amount AS TEXT) || ' x' || CAST(units AS TEXT) FROM entries ORDER BY id";
    books.text(sql).await
}

#[tokio::test]
async fn every_attempt_is_a_row_and_no_budget_is_passed() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:1000").await;
        for (scope, limit) in [
            (("global", ""), 1_000),
            (("provider", "gemini"), 1_000),
            (("provider", "flux"), 50),
        ] {
            books.budget(scope, Meter::Microusd, limit).await;
        }
        let owner = user();
        let id = books.held_for(owner, "gemini", 100).await;
        let charges = [
            charge(1, "gemini", 0, 30),
            // 70 are left of what was held, but 50 is all that flux may cost.
            charge(2, "flux", 0, 90),
            // All of these are left.
            charge(3, "gemini", 1, 25),
        ];
        for _ in 0..2 {
            let done = books.post(charging(id, charges.clone())).await.unwrap();
            assert_eq!(done.reservation.state, State::Settled);
        }
        let told = [
            "charge gemini gemini-1 #1 30 x0",
            "charge flux flux-1 #2 50 x0",
            "loss flux flux-1 #2 40 x0",
            "charge gemini gemini-1 #3 20 x1",
            "loss gemini gemini-1 #3 5 x0",
        ];
        assert_eq!(rows(&books).await, told.join("\n"));
        assert_eq!(used(&books, "global").await, 100);
        assert_eq!(used(&books, "provider:gemini").await, 50);
        assert_eq!(used(&books, "provider:flux").await, 50);
        assert_eq!(books.standing(owner).await, (1, 0, 999));
        let found = books.office().reconcile(&utc()).await.unwrap();
        assert_eq!(found, Findings::default());
    }
}

#[tokio::test]
async fn what_expired_or_was_suspended_is_charged_by_attempt_too() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:1000").await;
        books.budget(("global", ""), Meter::Microusd, 120).await;
        let owner = user();
        let suspended = books.held_for(owner, "gemini", 100).await;
        books.post(Instruction::Suspend(suspended)).await.unwrap();
        let charges = [charge(1, "gemini", 0, 10), charge(2, "flux", 0, 20)];
        books.post(charging(suspended, charges)).await.unwrap();
        // Its money went back when it expired: what is left of the budget counts, the rest is loss.
        let expired = books.held_for(owner, "gemini", 80).await;
        books.clock.advance(crate::books::HOLD * 2);
        assert_eq!(books.sweep().await.unwrap(), 1);
        books.held_for(owner, "gemini", 40).await;
        let charges = [charge(1, "gemini", 0, 30), charge(2, "flux", 1, 45)];
        books.post(charging(expired, charges)).await.unwrap();
        let told = [
            "suspense gemini gemini-1 #0 100 x0",
            "unsuspense gemini gemini-1 #0 100 x0",
            "charge gemini gemini-1 #1 10 x0",
            "charge flux flux-1 #2 20 x0",
            "charge gemini gemini-1 #1 30 x0",
            "charge flux flux-1 #2 20 x1",
            "loss flux flux-1 #2 25 x0",
        ];
        assert_eq!(rows(&books).await, told.join("\n"));
        let found = books.office().reconcile(&utc()).await.unwrap();
        assert_eq!(found, Findings::default());
    }
}

#[tokio::test]
async fn no_order_begins_while_paid_work_is_paused() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:1000").await;
        let owner = user();
        let paid = books.held_for(owner, "gemini", 100).await;
        let free = books.held(owner, 1).await;
        let brake = brake(&books, 10.0);
        brake.pause("a leak", "olga").await.unwrap();
        let refused = books.post(Instruction::Begin(paid)).await.unwrap_err();
        assert!(matches!(refused, Error::Paused(_)), "{refused:?}");
        // What costs nothing goes on; so does everything about orders that have left.
        books.post(Instruction::Begin(free)).await.unwrap();
        books.post(Instruction::Confirm(paid)).await.unwrap();
        brake.resume("olga").await.unwrap();
        for _ in 0..2 {
            let done = books.post(Instruction::Begin(paid)).await.unwrap();
            assert_eq!(done.reservation.state, State::Confirmed);
        }
        // Only what is held may be spent.
        for end in [Instruction::Suspend, Instruction::Release] {
            books.post(end(paid)).await.unwrap();
            assert!(books.post(Instruction::Begin(paid)).await.is_err());
        }
    }
}

#[tokio::test]
async fn what_a_keeper_knows_ends_there() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:1000").await;
        let ask = Ask {
            purpose: Purpose {
                provider: "gemini".to_owned(),
                keeper: Some(Keeper::Generation),
                ..Purpose::default()
            },
            ..books.ask_for(user(), [(Meter::Microusd, 100)])
        };
        books.reserve(&ask).await.unwrap();
        books.post(Instruction::Suspend(ask.id)).await.unwrap();
        let resolve = |keepers: Records| {
            let store = Arc::new(books.book.clone());
            let usage = Arc::clone(&books.usage);
            let corrector = Corrector::new(usage, store, Arc::new(keepers));
            async move { corrector.resolve(ask.id, Some(Microusd(7)), "olga").await }
        };
        let knows = Records {
            open: [ask.id].into(),
            ..Records::default()
        };
        let refused = resolve(knows).await.unwrap_err();
        assert!(
            matches!(refused, Error::Kept { is_silent: false }),
            "{refused:?}"
        );
        let away = Records {
            is_away: true,
            ..Records::default()
        };
        let refused = resolve(away).await.unwrap_err();
        assert!(
            matches!(refused, Error::Kept { is_silent: true }),
            "{refused:?}"
        );
        // A keeper that lost its record says so: then it is ended here.
        for _ in 0..2 {
            let ended = resolve(Records::default()).await.unwrap();
            assert_eq!(ended.state, State::Settled);
        }
    }
}
