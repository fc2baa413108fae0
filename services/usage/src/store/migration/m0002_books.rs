//! Counters get a cap and what was granted; reservations say what they are for and what they hold.
//!
//! A reservation is named by the operation that made it from now on. Those made before keep their
//! ids and what they hold.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

/// The step.
pub struct Step;

impl MigrationName for Step {
    fn name(&self) -> &'static str {
        "m0002_books"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    // SQLite runs a migration outside a transaction unless it is told.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = match manager.get_database_backend() {
            DbBackend::Postgres => UP_POSTGRES,
            _ => UP_SQLITE,
        };
        manager.get_connection().execute_unprepared(sql).await?;
        manager.get_connection().execute_unprepared(UP).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = match manager.get_database_backend() {
            DbBackend::Postgres => DOWN_POSTGRES,
            _ => DOWN_SQLITE,
        };
        manager.get_connection().execute_unprepared(DOWN).await?;
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }
}

// Items become JSON in their reservation: one row less to write for each of them.
const UP_POSTGRES: &str = r"
CREATE TABLE reservations_next AS
SELECT r.id, r.request_hash, r.owner, r.tier, r.state,
       COALESCE((SELECT json_object_agg(i.meter, i.amount) FROM
           (SELECT DISTINCT meter, amount FROM reservation_items WHERE reservation_id = r.id) i)::text, '{}') AS amounts,
       CASE WHEN r.state IN ('held', 'confirmed') THEN COALESCE((SELECT json_agg(json_build_object(
           'subject', i.subject, 'meter', i.meter, 'window', i.window_kind, 'start', i.window_start, 'amount', i.amount)
           ORDER BY i.subject, i.meter, i.window_kind, i.window_start)
           FROM reservation_items i WHERE i.reservation_id = r.id)::text, '[]') ELSE '[]' END AS items,
       r.created_at, r.expires_at, r.resolved_at
FROM reservations r;
";
const UP_SQLITE: &str = r"
CREATE TABLE reservations_next AS
SELECT r.id, r.request_hash, r.owner, r.tier, r.state,
       COALESCE((SELECT json_group_object(i.meter, i.amount) FROM
           (SELECT DISTINCT meter, amount FROM reservation_items WHERE reservation_id = r.id) i), '{}') AS amounts,
       CASE WHEN r.state IN ('held', 'confirmed') THEN COALESCE((SELECT json_group_array(json_object(
           'subject', i.subject, 'meter', i.meter, 'window', i.window_kind, 'start', i.window_start, 'amount', i.amount))
           FROM (SELECT * FROM reservation_items WHERE reservation_id = r.id
                 ORDER BY subject, meter, window_kind, window_start) i), '[]') ELSE '[]' END AS items,
       r.created_at, r.expires_at, r.resolved_at
FROM reservations r;
";

// Whatever was confirmed, the generation service keeps the record of.
//
// The checks are the last guard: a bug that would let somebody go over, or give units back twice, is
// refused here. On tables made before, the cap is what stands there, or no cap at all.
const UP: &str = r#"
CREATE TABLE counters_next (
    subject TEXT NOT NULL,
    meter TEXT NOT NULL,
    window_kind TEXT NOT NULL,
    window_start BIGINT NOT NULL,
    used BIGINT NOT NULL CONSTRAINT counters_used CHECK (used >= 0),
    held BIGINT NOT NULL CONSTRAINT counters_held CHECK (held >= 0),
    granted BIGINT NOT NULL,
    cap BIGINT NOT NULL,
    PRIMARY KEY (subject, meter, window_kind, window_start),
    CONSTRAINT counters_cap CHECK (used <= cap - held)
);
INSERT INTO counters_next SELECT subject, meter, window_kind, window_start, used, held, 0, 9223372036854775807 FROM counters;
DROP TABLE counters;
ALTER TABLE counters_next RENAME TO counters;
CREATE INDEX counters_begun ON counters (window_start) WHERE window_kind <> 'LIFETIME';
CREATE TABLE reservations_made (
    id UUID NOT NULL PRIMARY KEY,
    request_hash TEXT NOT NULL,
    owner UUID NOT NULL,
    tier TEXT NOT NULL,
    state TEXT NOT NULL CONSTRAINT reservations_state
        CHECK (state IN ('held', 'confirmed', 'suspended', 'settled', 'released', 'expired')),
    amounts TEXT NOT NULL,
    purpose TEXT NOT NULL,
    items TEXT NOT NULL,
    price_version TEXT NOT NULL,
    amend_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    resolved_at BIGINT,
    CONSTRAINT reservations_resolved CHECK ((resolved_at IS NULL) = (state IN ('held', 'confirmed', 'suspended')))
);
INSERT INTO reservations_made
SELECT id, request_hash, owner, tier, state, amounts,
       CASE state WHEN 'confirmed' THEN '{"keeper":"generation"}' ELSE '{}' END, items, '', '', created_at, expires_at, resolved_at
FROM reservations_next;
DROP TABLE reservations_next;
DROP TABLE reservation_items;
DROP TABLE reservations;
ALTER TABLE reservations_made RENAME TO reservations;
CREATE INDEX reservations_due ON reservations (expires_at) WHERE state IN ('held', 'confirmed');
CREATE INDEX reservations_suspended ON reservations (id) WHERE state = 'suspended';
CREATE INDEX reservations_resolved ON reservations (resolved_at) WHERE resolved_at IS NOT NULL;
"#;

const DOWN: &str = r"
CREATE TABLE counters_last (
    subject TEXT NOT NULL,
    meter TEXT NOT NULL,
    window_kind TEXT NOT NULL,
    window_start BIGINT NOT NULL,
    used BIGINT NOT NULL CONSTRAINT counters_used CHECK (used >= 0),
    held BIGINT NOT NULL CONSTRAINT counters_held CHECK (held >= 0),
    PRIMARY KEY (subject, meter, window_kind, window_start)
);
INSERT INTO counters_last SELECT subject, meter, window_kind, window_start, used, held FROM counters;
DROP TABLE counters;
ALTER TABLE counters_last RENAME TO counters;
CREATE TABLE reservations_last (
    id UUID NOT NULL PRIMARY KEY,
    operation_id UUID NOT NULL UNIQUE,
    request_hash TEXT NOT NULL,
    owner UUID NOT NULL,
    tier TEXT NOT NULL,
    state TEXT NOT NULL CONSTRAINT reservations_state
        CHECK (state IN ('held', 'confirmed', 'settled', 'released', 'expired')),
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    resolved_at BIGINT,
    CONSTRAINT reservations_resolved CHECK ((resolved_at IS NULL) = (state IN ('held', 'confirmed')))
);
CREATE TABLE reservation_items (
    reservation_id UUID NOT NULL REFERENCES reservations_last (id) ON DELETE CASCADE,
    subject TEXT NOT NULL,
    meter TEXT NOT NULL,
    window_kind TEXT NOT NULL,
    window_start BIGINT NOT NULL,
    amount BIGINT NOT NULL CONSTRAINT reservation_items_amount CHECK (amount > 0),
    PRIMARY KEY (reservation_id, subject, meter, window_kind, window_start)
);
INSERT INTO reservations_last
SELECT id, id, request_hash, owner, tier, CASE state WHEN 'suspended' THEN 'confirmed' ELSE state END,
       expires_at, created_at, resolved_at
FROM reservations;
";
const DOWN_POSTGRES: &str = r#"
INSERT INTO reservation_items
SELECT r.id, i.subject, i.meter, i."window", i.start, i.amount
FROM reservations r, json_to_recordset(r.items::json) AS i(subject TEXT, meter TEXT, "window" TEXT, start BIGINT, amount BIGINT);
DROP TABLE reservations;
ALTER TABLE reservations_last RENAME TO reservations;
CREATE INDEX reservations_due ON reservations (expires_at) WHERE state = 'held';
"#;
const DOWN_SQLITE: &str = r"
INSERT INTO reservation_items
SELECT r.id, i.value ->> 'subject', i.value ->> 'meter', i.value ->> 'window', i.value ->> 'start', i.value ->> 'amount'
FROM reservations r, json_each(r.items) i;
DROP TABLE reservations;
ALTER TABLE reservations_last RENAME TO reservations;
CREATE INDEX reservations_due ON reservations (expires_at) WHERE state = 'held';
";
