//! The ledger guards itself: an attempt is charged once, and nothing empties a table of it. Rows that
//! are written again and again get room for it, and audit rows an index of what they are about.
//!
//! A unique index over months would have to name the month, and then say nothing of two of them. So
//! on PostgreSQL each month has its own, and between months the reservation's state is the guard.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

/// The step.
pub struct Step;

impl MigrationName for Step {
    fn name(&self) -> &'static str {
        "m0006_guards"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    // SQLite runs a migration outside a transaction unless it is told.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let guards = match manager.get_database_backend() {
            DbBackend::Postgres => UP_POSTGRES,
            _ => UP_SQLITE,
        };
        for sql in [UP, guards] {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let guards = match manager.get_database_backend() {
            DbBackend::Postgres => DOWN_POSTGRES,
            _ => DOWN_SQLITE,
        };
        for sql in [guards, DOWN] {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

// Every row is in one of two indexes: charges in the unique one, all others in this one.
const UP: &str = r"
CREATE INDEX audit_target ON audit (target);
DROP INDEX entries_reservation;
CREATE INDEX entries_others ON entries (reservation_id) WHERE kind <> 'charge';
";
const DOWN: &str = r"
DROP INDEX entries_others;
CREATE INDEX entries_reservation ON entries (reservation_id);
DROP INDEX audit_target;
";

const UP_SQLITE: &str = "CREATE UNIQUE INDEX entries_charges ON entries (reservation_id, attempt) WHERE kind = 'charge'";
const DOWN_SQLITE: &str = "DROP INDEX entries_charges";

// Neither a unique index without the month nor a statement's trigger comes with a partition, so who
// makes a month asks for both. With room beside a row that is written again no index has to follow.
const UP_POSTGRES: &str = r"
CREATE FUNCTION entries_guard(month regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE UNIQUE INDEX ON %s (reservation_id, attempt) WHERE kind = ''charge''', month);
    EXECUTE format('CREATE TRIGGER entries_whole BEFORE TRUNCATE ON %s EXECUTE FUNCTION entries_stay()', month);
END $$;
SELECT entries_guard(inhrelid) FROM pg_inherits WHERE inhparent = 'entries'::regclass;
CREATE TRIGGER entries_whole BEFORE TRUNCATE ON entries EXECUTE FUNCTION entries_stay();
ALTER TABLE counters SET (fillfactor = 50);
ALTER TABLE accounts SET (fillfactor = 50);
ALTER TABLE usage_daily SET (fillfactor = 70);
ALTER TABLE spend_minutes SET (fillfactor = 50);
";
const DOWN_POSTGRES: &str = r"
ALTER TABLE counters RESET (fillfactor);
ALTER TABLE accounts RESET (fillfactor);
ALTER TABLE usage_daily RESET (fillfactor);
ALTER TABLE spend_minutes RESET (fillfactor);
DO $$
DECLARE guard record;
BEGIN
    FOR guard IN SELECT i.indexrelid::regclass AS name FROM pg_inherits m JOIN pg_index i ON i.indrelid = m.inhrelid
        WHERE m.inhparent = 'entries'::regclass AND i.indisunique AND i.indpred IS NOT NULL
    LOOP
        EXECUTE format('DROP INDEX %s', guard.name);
    END LOOP;
    FOR guard IN SELECT tgrelid::regclass AS name FROM pg_trigger WHERE tgname = 'entries_whole'
        AND (tgrelid = 'entries'::regclass OR tgrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'entries'::regclass))
    LOOP
        EXECUTE format('DROP TRIGGER entries_whole ON %s', guard.name);
    END LOOP;
END $$;
DROP FUNCTION entries_guard(regclass);
";
