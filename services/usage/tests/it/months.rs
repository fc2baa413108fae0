//! The ledger by the month on PostgreSQL: made ahead, by whoever is first; rows that came too early are
//! given a home; old months go as sums, never row by row.

use sea_orm::ConnectionTrait;
use testkit::TestDb;
use time::macros::datetime;
use types::Timestamp;
use usage::domain::reconcile::Auditor;
use usage::domain::records::{RecordStore, Span};
use usage::domain::retention::{Months, kept_from, months_ahead};

use crate::books::{Books, race, user};
use crate::office::utc;

const PLANS: &str = "free:1000";

async fn care(books: &Books, keep: u32) -> u64 {
    let now = types::Clock::now(&books.clock);
    let office = books.office();
    office.make(&months_ahead(now)).await.unwrap();
    if keep == 0 {
        return 0;
    }
    office.retire(kept_from(now, keep)).await.unwrap()
}

async fn months(books: &Books) -> i64 {
    let sql = "SELECT COUNT(*) AS n FROM pg_inherits WHERE inhparent = 'entries'::regclass";
    books.number(sql).await - 1
}

async fn strays(books: &Books) -> i64 {
    books
        .number("SELECT COUNT(*) AS n FROM entries_default")
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn months_are_made_once_by_however_many() {
    let test = TestDb::postgres("usage").await;
    let books = Books::open(&test, PLANS).await;
    race(8, |_| {
        let books = books.clone();
        // Who finds another at it comes again.
        async move { care(&books, 0).await }
    })
    .await;
    care(&books, 0).await;
    assert_eq!(months(&books).await, 4);
    books.charge(user(), "gemini", 5).await;
    assert_eq!(strays(&books).await, 0);
    let here = "SELECT COUNT(*) AS n FROM entries_2026_11";
    assert_eq!(books.number(here).await, 1);
    // What holds for the ledger holds for each month.
    for sql in [
        "UPDATE entries SET amount = 1",
        "DELETE FROM entries_2026_11",
    ] {
        let refused = books.db.write().execute_unprepared(sql).await;
        assert!(refused.is_err(), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn months_are_made_while_the_books_are_written() {
    let test = TestDb::postgres("usage").await;
    let books = Books::open(&test, PLANS).await;
    race(9, |index| {
        let books = books.clone();
        async move {
            if index == 8 {
                care(&books, 0).await;
                return;
            }
            for _ in 0..20 {
                books.charge(user(), "gemini", 5).await;
            }
        }
    })
    .await;
    care(&books, 0).await;
    assert_eq!((months(&books).await, strays(&books).await), (4, 0));
    assert_eq!(books.number("SELECT COUNT(*) AS n FROM entries").await, 160);
    assert!(books.office().reconcile(&utc()).await.unwrap().is_clean());
}

// Whoever found a row's place in the default table and waits for it would be refused by the month that
// is attached meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_row_on_its_way_meets_its_month() {
    let test = TestDb::postgres("usage").await;
    let books = Books::open(&test, PLANS).await;
    // Keeps the caretaker from attaching, and nobody from writing.
    let brake = books.db.begin().await.unwrap();
    let hold = "LOCK TABLE ONLY entries IN SHARE UPDATE EXCLUSIVE MODE";
    (brake.execute_unprepared(hold).await).unwrap();
    let caring = tokio::spawn(care_of(books.clone()));
    waiting(&books, 1).await;
    let charging = tokio::spawn(charge_of(books.clone()));
    waiting(&books, 2).await;
    brake.rollback().await.unwrap();
    caring.await.unwrap();
    charging.await.unwrap();
    assert_eq!((months(&books).await, strays(&books).await), (4, 0));
}

async fn care_of(books: Books) {
    care(&books, 0).await;
}

async fn charge_of(books: Books) {
    books.charge(user(), "gemini", 5).await;
}

// Until so many wait for a table.
async fn waiting(books: &Books, count: i64) {
    let sql = "SELECT COUNT(*) AS n FROM pg_locks WHERE locktype = 'relation' AND NOT granted";
    while books.number(sql).await < count {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn rows_that_came_before_their_month_get_a_home() {
    let test = TestDb::postgres("usage").await;
    let books = Books::open(&test, PLANS).await;
    let owner = user();
    for now in [
        datetime!(2026-03-31 23:00 UTC),
        datetime!(2026-11-20 12:00 UTC),
        datetime!(2026-11-21 12:00 UTC),
    ] {
        books.at(now);
        books.charge(owner, "gemini", 7).await;
    }
    assert_eq!((months(&books).await, strays(&books).await), (0, 3));
    care(&books, 0).await;
    assert_eq!((months(&books).await, strays(&books).await), (5, 0));
    assert_eq!(books.number("SELECT COUNT(*) AS n FROM entries").await, 3);
    assert_eq!(
        books
            .number("SELECT COUNT(*) AS n FROM entries_2026_03")
            .await,
        1
    );
    assert_eq!(
        books
            .number("SELECT COUNT(*) AS n FROM entries_2026_11")
            .await,
        2
    );
    let delete =
        sea_orm::ConnectionTrait::execute_unprepared(books.db.write(), "DELETE FROM entries");
    assert!(delete.await.is_err());
    // The default takes what comes next, and guards it.
    books.at(datetime!(2030-01-01 0:00 UTC));
    books.charge(owner, "gemini", 7).await;
    assert_eq!(strays(&books).await, 1);
    assert!(books.office().reconcile(&utc()).await.unwrap().is_clean());
}

#[tokio::test]
async fn old_months_go_as_sums() {
    let test = TestDb::postgres("usage").await;
    let books = Books::open(&test, PLANS).await;
    let owner = user();
    for (month, now) in [
        datetime!(2026-07-31 23:59 UTC),
        datetime!(2026-08-10 12:00 UTC),
        datetime!(2026-10-01 0:00 UTC),
        datetime!(2026-11-20 12:00 UTC),
    ]
    .into_iter()
    .enumerate()
    {
        books.at(now);
        care(&books, 0).await;
        books.history(&[owner]).await;
        assert!(months(&books).await >= 4, "{month}");
    }
    let before = books.office().reconcile(&utc()).await.unwrap();
    assert!(before.is_clean(), "{before:?}");
    // This month and one before are kept: July and August go, and the empty September.
    assert_eq!(care(&books, 1).await, 3);
    assert_eq!(care(&books, 1).await, 0);
    let kept = "SELECT COUNT(*) AS n FROM entries WHERE created_at < 1";
    assert_eq!(books.number(kept).await, 0);
    assert!(books.number("SELECT COUNT(*) AS n FROM openings").await >= 4);
    let debits = "SELECT SUM(debits) - SUM(credits) AS n FROM openings";
    assert_eq!(books.number(debits).await, 0);
    let after = books.office().reconcile(&utc()).await.unwrap();
    assert!(after.is_clean(), "{after:?}");
    // A break in what went is still a break.
    books
        .sql("UPDATE openings SET debits = debits + 1 WHERE account LIKE 'user:%'")
        .await;
    assert_eq!(
        books.office().reconcile(&utc()).await.unwrap().imbalance.0,
        1
    );
}

#[tokio::test]
async fn a_page_of_records_looks_at_the_months_asked_for() {
    let test = TestDb::postgres("usage").await;
    let books = Books::open(&test, PLANS).await;
    let owner = user();
    for now in [
        datetime!(2026-09-10 12:00 UTC),
        datetime!(2026-11-20 12:00 UTC),
    ] {
        books.at(now);
        care(&books, 0).await;
        books.charge(owner, "gemini", 7).await;
    }
    let moment = |at: time::OffsetDateTime| Some(Timestamp::from(at));
    let span = Span {
        from: moment(datetime!(2026-11-01 0:00 UTC)),
        until: moment(datetime!(2026-12-01 0:00 UTC)),
    };
    let found = books.office().after(owner, span, None, 10).await.unwrap();
    assert_eq!(found.len(), 1);
    let [from, until] = [span.from, span.until].map(|at| at.unwrap().micros());
    let sql = format!(
        "EXPLAIN SELECT id FROM entries WHERE owner = '{owner}' AND created_at >= {from} AND created_at < {until} \
         AND id < 'ffffffff-ffff-ffff-ffff-ffffffffffff' ORDER BY id DESC LIMIT 21"
    );
    let plan = books.text(&sql).await;
    assert!(
        plan.contains("entries_2026_11") && !plan.contains("entries_2026_09"),
        "{plan}"
    );
}

#[tokio::test]
async fn sqlite_keeps_one_table() {
    let test = TestDb::sqlite("usage").await;
    let books = Books::open(&test, PLANS).await;
    books.charge(user(), "gemini", 7).await;
    books.at(datetime!(2036-11-20 12:00 UTC));
    assert_eq!(care(&books, 1).await, 0);
    assert_eq!(books.number("SELECT COUNT(*) AS n FROM entries").await, 1);
}
