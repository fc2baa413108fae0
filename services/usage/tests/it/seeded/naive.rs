//! Plain books on a real database, as somebody in a hurry would keep them: with one fault, or none.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use database::Transaction;
use sea_orm::ConnectionTrait;
use tokio::sync::{Barrier, OnceCell};
use uuid::Uuid;

use super::kept::Kept;
use crate::books::Books;

/// What is wrong with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Adds up what is held, and then adds a row.
    SumsThenInserts,
    /// Looks at the counter, and then raises it.
    UpdatesWhateverStands,
    /// Charges for every settlement.
    SettlesAgain,
    /// Gives back what expired, even when it was settled.
    ExpiresWhateverState,
    /// Counts what was held over the end of a month in both months.
    CountsInBothMonths,
    /// Asks for the limit once.
    RemembersTheLimit,
}

// More than there are units left, so that some of those who meet must not be served.
const MEET: usize = 12;
const MONTH: u64 = 31 * 86_400;
const TABLES: [&str; 6] = [
    "CREATE TABLE plain_limit (units BIGINT NOT NULL)",
    "CREATE TABLE plain_month (month BIGINT PRIMARY KEY, used BIGINT NOT NULL, held BIGINT NOT NULL)",
    "CREATE TABLE plain_hold (id TEXT PRIMARY KEY, month BIGINT NOT NULL, state TEXT NOT NULL)",
    "CREATE TABLE plain_charge (id TEXT NOT NULL)",
    "INSERT INTO plain_limit VALUES (0)",
    "INSERT INTO plain_month VALUES (0, 0, 0), (1, 0, 0)",
];

pub struct Naive {
    books: Books,
    fault: Fault,
    seconds: AtomicU64,
    remembered: OnceCell<i64>,
    gap: Barrier,
}

impl Naive {
    pub async fn open(books: Books, fault: Fault) -> Self {
        for sql in TABLES {
            books.sql(sql).await;
        }
        Self {
            books,
            fault,
            seconds: AtomicU64::new(0),
            remembered: OnceCell::new(),
            gap: Barrier::new(MEET),
        }
    }

    fn month(&self) -> u64 {
        self.seconds.load(Ordering::SeqCst) / MONTH
    }

    // Whoever looked waits here for others that looked too, so that what happens to them does not
    // hang on chance. The last ones find nobody to meet.
    async fn meet(&self) {
        let _ = tokio::time::timeout(Duration::from_millis(300), self.gap.wait()).await;
    }

    async fn hold_without_a_lock(&self, id: Uuid, look: &str) -> bool {
        let is_free = self.books.number(look).await == 1;
        if is_free {
            self.meet().await;
            let month = self.month();
            let raise = format!("UPDATE plain_month SET held = held + 1 WHERE month = {month}");
            self.books.sql(&raise).await;
            self.books.sql(&held(id, month)).await;
        }
        is_free
    }
}

fn held(id: Uuid, month: u64) -> String {
    format!("INSERT INTO plain_hold VALUES ('{id}', {month}, 'held')")
}

async fn rows(transaction: &Transaction, sql: &str) -> u64 {
    let done = transaction.execute_unprepared(sql).await;
    done.unwrap().rows_affected()
}

#[async_trait]
impl Kept for Naive {
    async fn limit(&self, units: i64) {
        let sql = format!("UPDATE plain_limit SET units = {units}");
        self.books.sql(&sql).await;
    }

    async fn hold(&self, id: Uuid) -> bool {
        let month = self.month();
        let look = match self.fault {
            Fault::SumsThenInserts => "SELECT COUNT(*) FROM plain_hold".to_owned(),
            _ => format!("SELECT used + held FROM plain_month WHERE month = {month}"),
        };
        let look = format!(
            "SELECT CASE WHEN ({look}) < (SELECT units FROM plain_limit) THEN 1 ELSE 0 END AS n"
        );
        if [Fault::SumsThenInserts, Fault::UpdatesWhateverStands].contains(&self.fault) {
            return self.hold_without_a_lock(id, &look).await;
        }
        let asked = self.books.number("SELECT units AS n FROM plain_limit");
        let limit = match self.fault {
            Fault::RemembersTheLimit => self.remembered.get_or_init(|| asked).await.to_string(),
            _ => "(SELECT units FROM plain_limit)".to_owned(),
        };
        let transaction = self.books.db.begin().await.unwrap();
        let raise = format!(
            "UPDATE plain_month SET held = held + 1 WHERE month = {month} AND used + held < {limit}"
        );
        let is_taken = rows(&transaction, &raise).await == 1;
        if is_taken {
            rows(&transaction, &held(id, month)).await;
        }
        transaction.commit().await.unwrap();
        is_taken
    }

    async fn settle(&self, id: Uuid) {
        let transaction = self.books.db.begin().await.unwrap();
        let end = |state| {
            format!(
                "UPDATE plain_hold SET state = 'settled' WHERE id = '{id}' AND state = '{state}'"
            )
        };
        let was_held = rows(&transaction, &end("held")).await == 1;
        let was_expired = !was_held && rows(&transaction, &end("expired")).await == 1;
        let is_repeat = !was_held && !was_expired;
        if !is_repeat || self.fault == Fault::SettlesAgain {
            let freed = i32::from(!was_expired);
            let both = match self.fault {
                Fault::CountsInBothMonths => format!("OR month = {}", self.month()),
                _ => String::new(),
            };
            let spend = format!(
                "UPDATE plain_month SET used = used + 1, held = held - {freed}
                 WHERE month = (SELECT month FROM plain_hold WHERE id = '{id}') {both}"
            );
            rows(&transaction, &spend).await;
            let charge = format!("INSERT INTO plain_charge VALUES ('{id}')");
            rows(&transaction, &charge).await;
        }
        transaction.commit().await.unwrap();
    }

    async fn expire(&self, id: Uuid) {
        let transaction = self.books.db.begin().await.unwrap();
        let guard = match self.fault {
            Fault::ExpiresWhateverState => "",
            _ => "AND state = 'held'",
        };
        let end = format!("UPDATE plain_hold SET state = 'expired' WHERE id = '{id}' {guard}");
        if rows(&transaction, &end).await == 1 {
            let free = format!(
                "UPDATE plain_month SET held = held - 1
                 WHERE month = (SELECT month FROM plain_hold WHERE id = '{id}')"
            );
            rows(&transaction, &free).await;
        }
        transaction.commit().await.unwrap();
    }

    fn pass(&self, span: Duration) {
        self.seconds.fetch_add(span.as_secs(), Ordering::SeqCst);
    }

    async fn standing(&self) -> (i64, i64) {
        let month = self.month();
        let of = |column| format!("SELECT {column} AS n FROM plain_month WHERE month = {month}");
        let used = self.books.number(&of("used")).await;
        (used, self.books.number(&of("held")).await)
    }

    async fn charges(&self) -> i64 {
        let all = "SELECT COUNT(*) AS n FROM plain_charge";
        self.books.number(all).await
    }

    async fn disagreements(&self) -> i64 {
        0
    }
}
