//! The books are compared with each other: a history of every kind agrees, and every kind of break is
//! found.

use std::sync::Arc;
use std::time::Duration;

use testkit::TestDb;
use time::macros::datetime;
use types::{Clock, SystemIds};
use usage::domain::alerts::AlertStore;
use usage::domain::meter::Meter;
use usage::domain::reconcile::{Auditor, Audits, Check, Findings, MOST};
use usage::domain::window::Calendar;

use crate::books::{Books, race, user};
use crate::office::utc;

const PLANS: &str = "free:1000+500/day";

async fn findings(books: &Books) -> Findings {
    books.office().reconcile(&utc()).await.unwrap()
}

async fn loaded(test: &TestDb) -> Books {
    let books = Books::open(test, PLANS).await;
    for (scope, value) in [
        ("global", ""),
        ("provider", "gemini"),
        ("kind", "IMAGE"),
        ("project", "atlas"),
        ("plan", "free"),
    ] {
        books
            .budget((scope, value), Meter::Microusd, 1_000_000_000)
            .await;
    }
    books
        .budget(("global", ""), Meter::Generations, 1_000_000)
        .await;
    books
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_busy_history_agrees() {
    for test in TestDb::both("usage").await {
        let books = loaded(&test).await;
        race(8, |_| {
            let books = books.clone();
            async move { books.history(&[user(), user()]).await }
        })
        .await;
        books.at(datetime!(2026-12-02 12:00 UTC));
        books.history(&[user(), user()]).await;
        while books.sweep().await.unwrap() > 0 {}
        let found = findings(&books).await;
        assert_eq!(found, Findings::default(), "{}", test.name());
        let charged = books.number("SELECT COUNT(*) AS n FROM entries").await;
        assert!(charged > 100, "{charged}");
    }
}

// A counter that no limit is on any more sees nothing; that is no break.
#[tokio::test]
async fn a_budget_that_is_gone_is_no_difference() {
    for test in TestDb::both("usage").await {
        let books = loaded(&test).await;
        let owner = user();
        books.charge(owner, "gemini", 60).await;
        books
            .sql("DELETE FROM budgets WHERE scope_type = 'provider'")
            .await;
        books
            .sql("UPDATE rules_version SET version = version + 1")
            .await;
        books.charge(owner, "gemini", 50).await;
        let used = "SELECT used AS n FROM counters WHERE subject = 'provider:gemini'";
        assert_eq!(books.number(used).await, 60, "{}", test.name());
        assert!(findings(&books).await.is_clean(), "{}", test.name());
        // What counted more than the days say is a break all the same.
        books
            .sql("UPDATE counters SET used = used + 51 WHERE subject = 'provider:gemini'")
            .await;
        assert!(!findings(&books).await.is_clean());
    }
}

// What breaks the books, what mends them, and where it shows. `{user}` is one who has a history.
const BREAKS: &[(&str, &str, Check)] = &[
    (
        "UPDATE accounts SET debits = debits + 7 WHERE account = 'platform:suspense'",
        "UPDATE accounts SET debits = debits - 7 WHERE account = 'platform:suspense'",
        Check::Accounts,
    ),
    (
        "INSERT INTO accounts VALUES ('user:nobody', 0, 0, 5)",
        "DELETE FROM accounts WHERE account = 'user:nobody'",
        Check::Accounts,
    ),
    (
        "UPDATE counters SET held = held + 1 WHERE subject = 'user:{user}' AND window_kind = 'DAY'",
        "UPDATE counters SET held = held - 1 WHERE subject = 'user:{user}' AND window_kind = 'DAY'",
        Check::Held,
    ),
    (
        "UPDATE counters SET used = used - 1 WHERE subject = 'user:{user}' AND window_kind = 'MONTH'",
        "UPDATE counters SET used = used + 1 WHERE subject = 'user:{user}' AND window_kind = 'MONTH'",
        Check::Used,
    ),
    (
        "UPDATE counters SET used = used + 1 WHERE subject = 'provider:gemini'",
        "UPDATE counters SET used = used - 1 WHERE subject = 'provider:gemini'",
        Check::Used,
    ),
    (
        "UPDATE usage_daily SET loss = loss + 1 WHERE provider = 'flux'",
        "UPDATE usage_daily SET loss = loss - 1 WHERE provider = 'flux'",
        Check::Daily,
    ),
    (
        "UPDATE usage_daily SET units = units + 1 WHERE work = 'ADJUSTMENT'",
        "UPDATE usage_daily SET units = units - 1 WHERE work = 'ADJUSTMENT'",
        Check::Daily,
    ),
    (
        "UPDATE reservations SET state = 'confirmed', resolved_at = NULL WHERE state = 'settled' AND purpose LIKE '%flux%'",
        "UPDATE reservations SET state = 'settled', resolved_at = 1 WHERE state = 'confirmed' AND items = '[]'",
        Check::Reservations,
    ),
    (
        "UPDATE reservations SET items = '[]' WHERE state = 'suspended'",
        "",
        Check::Held,
    ),
];

#[tokio::test]
async fn every_break_is_found() {
    for test in TestDb::both("usage").await {
        let books = loaded(&test).await;
        let owner = user();
        books.history(&[owner, user()]).await;
        assert!(findings(&books).await.is_clean());
        for (wrong, mend, check) in BREAKS {
            let [wrong, mend] = [wrong, mend].map(|sql| sql.replace("{user}", &owner.to_string()));
            books.sql(&wrong).await;
            let found = findings(&books).await;
            let is_it = found.differences.iter().all(|one| one.check == *check);
            let name = test.name();
            assert!(!found.is_clean() && is_it, "{name}: {wrong}: {found:?}");
            if !mend.is_empty() {
                books.sql(&mend).await;
                assert!(findings(&books).await.is_clean(), "{name}: {mend}");
            }
        }
    }
}

#[tokio::test]
async fn a_charge_that_is_there_twice_shows_everywhere() {
    for test in TestDb::both("usage").await {
        let books = loaded(&test).await;
        let owner = user();
        books.charge(owner, "gemini", 39_000).await;
        let id = books.fresh_id_sql();
        // The tables refuse it by themselves.
        let guard = match test.name() {
            "postgres" => "DROP INDEX entries_default_reservation_id_attempt_idx",
            _ => "DROP INDEX entries_charges",
        };
        books.sql(guard).await;
        let columns = "created_at, day, kind, debit, credit, amount, reservation_id, owner, tier, work, provider, \
            model, project, api_key, task_id, attempt, units, tokens, price_version, note, created_by";
        books
            .sql(&format!(
                "INSERT INTO entries (id, {columns}) SELECT {id}, {columns} FROM entries"
            ))
            .await;
        let found = findings(&books).await;
        let told = |check, what: &str, expected, found_| {
            found.differences.iter().any(|one| {
                (one.check, one.what.as_str(), one.expected, one.found)
                    == (check, what, expected, found_)
            })
        };
        assert!(told(Check::Accounts, "debits", 78_000, 39_000), "{found:?}");
        assert!(told(Check::Accounts, "credits", 78_000, 39_000));
        assert!(told(Check::Daily, "records", 2, 1));
        assert!(told(Check::Daily, "charged", 78_000, 39_000));
        assert!(told(Check::Reservations, "charges", 1, 2));
        assert_eq!(found.imbalance.0, 78_000);
        let subject = format!("user:{owner}");
        assert!(found.differences.iter().any(|one| one.subject == subject));
    }
}

#[tokio::test]
async fn no_more_than_a_thousand_are_told() {
    for test in TestDb::both("usage").await {
        let books = Books::open(&test, PLANS).await;
        let numbers = match test.name() {
            "postgres" => "SELECT n FROM generate_series(1, 1500) n",
            _ => {
                "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1500) SELECT n FROM s"
            }
        };
        books
            .sql(&format!(
                "INSERT INTO accounts SELECT 'user:' || n, 0, 1, 0 FROM ({numbers}) many"
            ))
            .await;
        let found = findings(&books).await;
        assert_eq!((found.differences.len(), found.has_more), (MOST, true));
    }
}

#[tokio::test]
async fn what_cannot_be_known_is_not_claimed() {
    for test in TestDb::both("usage").await {
        let books = loaded(&test).await;
        let owner = user();
        books.charge(owner, "gemini", 39_000).await;
        // By another calendar these windows are none.
        let berlin: Calendar = "Europe/Berlin".parse().unwrap();
        let found = books.office().reconcile(&berlin).await.unwrap();
        assert!(found.is_clean() && found.skipped > 3, "{found:?}");
        // Units that were counted before there was a ledger.
        let start = datetime!(2026-11-20 0:00 UTC).unix_timestamp() * 1_000_000;
        books
            .sql(&format!("UPDATE ledger_bounds SET since = {}", start + 1))
            .await;
        books.sql("UPDATE counters SET used = used + 3").await;
        let found = findings(&books).await;
        assert!(found.is_clean() && found.skipped > 3, "{found:?}");
        // A limit that was put into the plan in the middle of the window has seen less.
        books.sql("UPDATE ledger_bounds SET since = 0").await;
        books.sql("UPDATE counters SET used = used - 3").await;
        assert!(findings(&books).await.is_clean());
        books
            .sql("UPDATE counters SET used = 0 WHERE window_kind = 'DAY'")
            .await;
        assert_eq!(findings(&books).await.differences.len(), 1);
        books
            .sql(&format!(
                "INSERT INTO chores VALUES ('plans', {}, 'x')",
                start + 1
            ))
            .await;
        assert!(findings(&books).await.is_clean(), "{}", test.name());
        books
            .sql("UPDATE counters SET used = 2 WHERE window_kind = 'DAY'")
            .await;
        assert_eq!(findings(&books).await.differences.len(), 1);
    }
}

#[tokio::test]
async fn one_process_compares_and_one_alert_a_day_goes_off() {
    for test in TestDb::both("usage").await {
        let books = loaded(&test).await;
        let audits = |books: &Books| Audits {
            auditor: books.office(),
            chores: books.office(),
            alerts: books.office(),
            clock: Arc::new(books.clock.clone()),
            ids: Arc::new(SystemIds),
            calendar: utc(),
        };
        let interval = Duration::from_mins(15);
        let one = audits(&books).run(interval).await.unwrap().unwrap();
        assert_eq!((one.differences, one.imbalance), (0, 0));
        books
            .sql("INSERT INTO accounts VALUES ('user:x', 0, 5, 0)")
            .await;
        // Within the interval the last outcome is what everybody says.
        let again = audits(&books).run(interval).await.unwrap().unwrap();
        assert_eq!(again.differences, 0);
        for _ in 0..3 {
            books.clock.advance(interval);
            let outcome = audits(&books).run(interval).await.unwrap().unwrap();
            assert_eq!((outcome.differences, outcome.imbalance), (1, 5));
        }
        let page = types::PageRequest::parse(0, "").unwrap();
        let alerts = books.office().newest(None, page).await.unwrap();
        assert_eq!(alerts.items.len(), 1, "{}", test.name());
        assert!(
            alerts.items[0]
                .alert
                .message
                .contains("bottega admin reconcile")
        );
        assert!(books.clock.now() > alerts.items[0].alert.created_at);
    }
}
