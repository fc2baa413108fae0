//! What nobody came back for goes back; what somebody keeps the record of only when that one says so.

use std::sync::Arc;
use std::time::Duration;

use testkit::TestDb;
use types::{ReservationId, UserId};
use usage::domain::clerk::Instruction;
use usage::domain::ports::Forgotten;
use usage::domain::scope::{Keeper, Purpose};
use usage::domain::sweeping::Swept;

use crate::books::{Books, HOLD, KEEP, user};
use crate::keeper::Records;

const MARGIN: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

async fn kept(books: &Books, owner: UserId) -> ReservationId {
    let mut ask = books.ask(owner, 1);
    ask.purpose = Purpose {
        keeper: Some(Keeper::Generation),
        ..Purpose::default()
    };
    books.reserve(&ask).await.unwrap();
    ask.id
}

fn swept(expired: u64, extended: u64, unanswered: u64) -> Swept {
    Swept {
        expired,
        extended,
        unanswered,
        failed: 0,
    }
}

#[tokio::test]
async fn the_keeper_is_asked_and_never_guessed() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:9").await;
        let owner = user();
        books.held(owner, 1).await;
        let (lost, open) = (kept(&books, owner).await, kept(&books, owner).await);
        let confirmed = kept(&books, owner).await;
        books.post(Instruction::Confirm(confirmed)).await.unwrap();

        // Just expired: the order may still be on its way.
        books.clock.advance(HOLD);
        let records = Arc::new(Records::default());
        let none = books.sweep_asking(records.clone()).await.unwrap();
        assert_eq!(none, swept(1, 0, 0), "{}", test.name());
        assert!(records.asked.lock().unwrap().is_empty());

        // Away: everything stays, and what has no keeper does not wait for it.
        books.clock.advance(MARGIN);
        books.held(owner, 1).await;
        books.clock.advance(HOLD);
        let away = Arc::new(Records {
            is_away: true,
            ..Records::default()
        });
        let left = books.sweep_asking(away).await.unwrap();
        assert_eq!(left, swept(1, 0, 2));
        assert_eq!(books.standing(owner).await, (0, 3, 6));

        // Back: what it knows is held on, what it does not know goes back.
        let records = Arc::new(Records {
            open: [open, confirmed].into(),
            ..Records::default()
        });
        let told = books.sweep_asking(records.clone()).await.unwrap();
        assert_eq!(told, swept(1, 1, 0));
        assert_eq!(books.standing(owner).await, (0, 2, 7));
        books.settle(open).await.unwrap();
        assert!(books.post(Instruction::Confirm(lost)).await.is_err());

        // A confirmed one is asked about a day later.
        books.clock.advance(DAY);
        let told = books.sweep_asking(records.clone()).await.unwrap();
        assert_eq!(told, swept(0, 1, 0));
        assert_eq!(books.standing(owner).await, (1, 1, 7));
        // And the next day again, not before.
        books.clock.advance(DAY);
        let told = books.sweep_asking(records.clone()).await.unwrap();
        assert_eq!(told, swept(0, 0, 0));
        books.clock.advance(MARGIN);
        let told = books.sweep_asking(records).await.unwrap();
        assert_eq!(told, swept(0, 1, 0));
        assert_eq!(books.disagreements().await, 0);
    }
}

#[tokio::test]
async fn a_pass_sees_everything_once_and_asks_in_batches() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:400").await;
        let owner = user();
        let mut open = Vec::new();
        for index in 0..250 {
            let id = kept(&books, owner).await;
            if index % 2 == 0 {
                open.push(id);
            }
        }
        for _ in 0..20 {
            books.held(owner, 1).await;
        }
        books.clock.advance(HOLD + MARGIN);
        let away = Arc::new(Records {
            is_away: true,
            ..Records::default()
        });
        let left = books.sweep_asking(away.clone()).await.unwrap();
        assert_eq!(left, swept(20, 0, 250), "{}", test.name());
        // Whoever does not answer is asked once, not once for each batch.
        assert_eq!(*away.asked.lock().unwrap(), [100]);

        let records = Arc::new(Records {
            open: open.into_iter().collect(),
            ..Records::default()
        });
        let told = books.sweep_asking(records.clone()).await.unwrap();
        assert_eq!(told, swept(125, 125, 0));
        assert_eq!(*records.asked.lock().unwrap(), [100, 100, 50]);
        assert_eq!(books.standing(owner).await, (0, 125, 275));
        assert_eq!(books.disagreements().await, 0);
    }
}

#[tokio::test]
async fn what_is_old_is_forgotten_and_what_holds_stays() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:9+9/day").await;
        let owner = user();
        let settled = books.held(owner, 1).await;
        books.settle(settled).await.unwrap();
        let stuck = kept(&books, owner).await;
        let sweeping = books.sweeping(Arc::new(Records::default()));
        let forgotten = |reservations, counters| Forgotten {
            reservations,
            counters,
        };

        books.clock.advance(KEEP);
        assert_eq!(sweeping.forget(10).await.unwrap(), forgotten(0, 0));
        books.clock.advance(Duration::from_micros(1));
        assert_eq!(sweeping.forget(10).await.unwrap(), forgotten(1, 0));
        assert!(books.settle(settled).await.is_err());

        // Counters outlive reports of a year, and everything that is held.
        books.clock.advance(400 * DAY);
        assert_eq!(sweeping.forget(10).await.unwrap(), forgotten(0, 0));
        books.settle(stuck).await.unwrap();
        assert_eq!(sweeping.forget(1).await.unwrap(), forgotten(0, 1));
        assert_eq!(sweeping.forget(10).await.unwrap(), forgotten(0, 1));
        assert_eq!(books.recorded("units").await, 2, "{}", test.name());
    }
}
