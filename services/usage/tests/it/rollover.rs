//! What is held when a month ends counts in the month it was reserved in, and only there.

use std::time::Duration;

use testkit::TestDb;
use time::macros::datetime;
use types::Timestamp;
use usage::domain::clerk::Instruction;

use crate::books::{Books, user};

#[tokio::test]
async fn a_month_ends_while_units_are_held() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:5").await;
        let owner = user();
        books.at(datetime!(2026-12-31 23:59:58 UTC));
        let ask = books.ask(owner, 2);
        let december = books.reserve(&ask).await.unwrap().reservation;
        assert_eq!(books.standing(owner).await, (0, 2, 3));

        books.clock.advance(Duration::from_secs(4));
        assert_eq!(books.standing(owner).await, (0, 0, 5), "{}", test.name());
        let january = books
            .reserve(&books.ask(owner, 5))
            .await
            .unwrap()
            .reservation;
        books.settle(december.id).await.unwrap();
        let release = Instruction::Release(january.id);
        books.post(release).await.unwrap();
        assert_eq!(books.standing(owner).await, (0, 0, 5));

        // A late repeat answers the window it was made in.
        let repeated = books.reserve(&ask).await.unwrap();
        assert_eq!(repeated.reservation.id, december.id);
        assert_eq!(repeated.reservation.expires_at, december.expires_at);
        let standing = &repeated.standings[0];
        let window = standing.check.window();
        assert_eq!(
            window.start,
            Timestamp::from(datetime!(2026-12-01 0:00 UTC))
        );
        assert_eq!(
            window.reset,
            Timestamp::from(datetime!(2027-01-01 0:00 UTC))
        );
        assert_eq!((standing.tally.used, standing.tally.held), (2, 0));
        assert_eq!(books.disagreements().await, 0);
    }
}

#[tokio::test]
async fn each_day_is_new_within_a_month() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, "free:2/day+3").await;
        let owner = user();
        books.at(datetime!(2028-02-28 23:59:59.999999 UTC));
        let held = books.held(owner, 2).await;
        books.settle(held).await.unwrap();
        assert_eq!(books.standing(owner).await, (2, 0, 0));
        // The 29th of a leap year: the day is new, the month is not.
        books.clock.advance(Duration::from_micros(1));
        assert_eq!(books.standing(owner).await, (0, 0, 2), "{}", test.name());
        assert!(books.reserve(&books.ask(owner, 2)).await.is_err());
        books.reserve(&books.ask(owner, 1)).await.unwrap();
        assert_eq!(books.disagreements().await, 0);
    }
}
