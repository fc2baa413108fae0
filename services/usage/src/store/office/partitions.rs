//! The months of the ledger on PostgreSQL. SQLite keeps one table.
//!
//! A month is made as a table of its own and attached; everybody waits for the moment that
//! takes. Rows that came before their month had room are in the default table; then both are made
//! anew and the rows copied, in one transaction. No row of the ledger is ever changed or deleted:
//! old months are summed up and dropped whole.

use async_trait::async_trait;
use database::Transaction;
use sea_orm::{ConnectionTrait, FromQueryResult};
use types::Timestamp;

use super::{Number, SqlOffice, change, rows};
use crate::domain::error::Error;
use crate::domain::retention::Months;
use crate::domain::window::{Calendar, Window, WindowKind};
use crate::store::error::StoreError;

// Nobody waits long for the caretaker; it comes again.
const LIMITS: &str = "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '60s'";
// One of several processes does it; the others find it done.
const LOCK: &str = "SELECT CASE WHEN pg_try_advisory_xact_lock(hashtext('bottega-usage-months')) \
    THEN 1::bigint ELSE 0 END AS n";

const SUM_UP: &str = "INSERT INTO openings (account, debits, credits)
    SELECT account, SUM(debits)::bigint, SUM(credits)::bigint FROM (
        SELECT debit AS account, amount AS debits, 0 AS credits FROM {month}
        UNION ALL SELECT credit, 0, amount FROM {month}) moved
    GROUP BY account
    ON CONFLICT (account) DO UPDATE SET
        debits = openings.debits + EXCLUDED.debits, credits = openings.credits + EXCLUDED.credits";

#[derive(Debug, FromQueryResult)]
struct Table {
    name: String,
}

#[async_trait]
impl Months for SqlOffice {
    async fn make(&self, months: &[Window]) -> Result<(), Error> {
        if !self.is_postgres() {
            return Ok(());
        }
        for month in months {
            self.make_month(*month).await?;
        }
        // One a time is enough: there are none unless a process was away for months.
        if let Some(first) = self.homeless().await? {
            let month = Calendar::utc().containing(WindowKind::Month, first);
            self.make_month(month).await?;
        }
        Ok(())
    }

    async fn retire(&self, end: Timestamp) -> Result<u64, Error> {
        if !self.is_postgres() {
            return Ok(0);
        }
        let last = name_of(end);
        let sql = "SELECT c.relname::text AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
                   WHERE i.inhparent = 'entries'::regclass AND c.relname <> 'entries_default' \
                     AND c.relname < $1 ORDER BY c.relname";
        let old: Vec<Table> = rows(self.db.read(), sql, [last.into()]).await?;
        let mut retired = 0;
        for month in old {
            if self.retire_month(&month.name).await? {
                retired += 1;
            }
        }
        Ok(retired)
    }
}

impl SqlOffice {
    async fn make_month(&self, month: Window) -> Result<(), StoreError> {
        let name = name_of(month.start);
        if has_month(self.db.read(), &name).await? {
            return Ok(());
        }
        // Writers lock the ledger, then the month they found a row's place in. Whoever had found
        // the default table, and waited for it while the month was attached, would be refused: so
        // they wait for the ledger itself, before they look.
        let beside = "LOCK TABLE ONLY entries IN SHARE ROW EXCLUSIVE MODE; \
                      LOCK TABLE entries_default IN ACCESS EXCLUSIVE MODE";
        let alone = "LOCK TABLE entries IN ACCESS EXCLUSIVE MODE";
        for (lock, moves) in [(beside, false), (alone, true)] {
            let tx = self.db.begin().await?;
            if !is_ours(&tx).await? || has_month(&*tx, &name).await? {
                return Ok(());
            }
            tx.execute_unprepared(lock).await?;
            if !moves && has_strays(&tx, month).await? {
                tx.rollback().await?;
                continue;
            }
            tx.execute_unprepared(&making(&name, month, moves)).await?;
            tx.commit().await?;
            tracing::info!(month = name, moves, "ledger month made");
            return Ok(());
        }
        Ok(())
    }

    // The oldest row that has no month.
    async fn homeless(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT MIN(created_at) AS n FROM entries_default HAVING COUNT(*) > 0";
        let found: Vec<Number> = rows(self.db.read(), sql, []).await?;
        Ok(found.first().map(|row| Timestamp(row.n)))
    }

    async fn retire_month(&self, name: &str) -> Result<bool, StoreError> {
        let Some(end) = end_of(name) else {
            return Ok(false);
        };
        let tx = self.db.begin().await?;
        if !is_ours(&tx).await? || !has_month(&*tx, name).await? {
            return Ok(false);
        }
        // Readers go on while it is summed up; only the drop needs the ledger for itself.
        let lock = format!(
            "LOCK TABLE ONLY entries IN ACCESS SHARE MODE; LOCK TABLE {name} IN SHARE MODE"
        );
        tx.execute_unprepared(&lock).await?;
        change(&*tx, &SUM_UP.replace("{month}", name), []).await?;
        let sql = "UPDATE ledger_bounds SET horizon = GREATEST(horizon, $1)";
        change(&*tx, sql, [end.micros().into()]).await?;
        let drop = format!("LOCK TABLE ONLY entries IN ACCESS EXCLUSIVE MODE; DROP TABLE {name}");
        tx.execute_unprepared(&drop).await?;
        tx.commit().await?;
        tracing::info!(month = name, "ledger month summed up and dropped");
        Ok(true)
    }
}

fn making(name: &str, month: Window, moves: bool) -> String {
    let (start, end) = (month.start.micros(), month.reset.micros());
    if moves {
        return format!(
            "ALTER TABLE entries DETACH PARTITION entries_default;
             ALTER TABLE entries_default RENAME TO entries_moving;
             CREATE TABLE entries_default PARTITION OF entries DEFAULT;
             CREATE TABLE {name} PARTITION OF entries FOR VALUES FROM ({start}) TO ({end});
             INSERT INTO entries SELECT * FROM entries_moving;
             DROP TABLE entries_moving;
             SELECT entries_guard('entries_default'), entries_guard('{name}')"
        );
    }
    format!(
        "CREATE TABLE {name} (LIKE entries INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
         ALTER TABLE entries ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end});
         SELECT entries_guard('{name}')"
    )
}

async fn has_strays(tx: &Transaction, month: Window) -> Result<bool, StoreError> {
    let (start, end) = (month.start.micros(), month.reset.micros());
    let sql = "SELECT CASE WHEN EXISTS (SELECT 1 FROM entries_default \
               WHERE created_at >= $1 AND created_at < $2) THEN 1::bigint ELSE 0 END AS n";
    let strays: Vec<Number> = rows(&**tx, sql, [start.into(), end.into()]).await?;
    Ok(strays.first().is_some_and(|row| row.n == 1))
}

async fn is_ours(tx: &Transaction) -> Result<bool, StoreError> {
    tx.execute_unprepared(LIMITS).await?;
    let lock: Vec<Number> = rows(&**tx, LOCK, []).await?;
    Ok(lock.first().is_some_and(|row| row.n == 1))
}

// Asked of the catalogue's rows: `to_regclass` may remember, within a transaction, that there was no
// such table before another one made it.
async fn has_month(on: &impl ConnectionTrait, name: &str) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) AS n FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
               WHERE i.inhparent = 'entries'::regclass AND c.relname = $1";
    let found: Vec<Number> = rows(on, sql, [name.into()]).await?;
    Ok(found.first().is_some_and(|row| row.n == 1))
}

fn name_of(moment: Timestamp) -> String {
    let day = Calendar::utc().day(moment);
    format!("entries_{:04}_{:02}", day / 10_000, day / 100 % 100)
}

// The first moment after the month of this name.
fn end_of(name: &str) -> Option<Timestamp> {
    let (year, month) = name.strip_prefix("entries_")?.split_once('_')?;
    let date = jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()?;
    let next = date.last_of_month().tomorrow().ok()?;
    let zoned = next.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp(zoned.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn months_have_names_and_ends() {
        assert_eq!(
            name_of(datetime!(2026-03-31 23:59 UTC).into()),
            "entries_2026_03"
        );
        let end = end_of("entries_2026_12").unwrap().utc();
        assert_eq!(end, datetime!(2027-01-01 0:00 UTC));
        for other in ["entries_default", "entries_2026_13", "entries", "x_2026_01"] {
            assert_eq!(end_of(other), None, "{other}");
        }
    }
}
