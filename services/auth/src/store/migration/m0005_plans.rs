//! Users may be on any plan, rows say who wrote them, and operators' changes leave a record.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // SQLite runs a migration outside a transaction unless it is told.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let recheck = match manager.get_database_backend() {
            DbBackend::Postgres => recheck_postgres("tier ~ '^[a-z0-9_-]{1,32}$'"),
            _ => rebuild_sqlite("length(tier) BETWEEN 1 AND 32 AND tier NOT GLOB '*[^a-z0-9_-]*'"),
        };
        connection.execute_unprepared(&recheck).await?;
        connection.execute_unprepared(UP).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared(DOWN).await?;
        let check = "tier IN ('free', 'basic', 'pro')";
        let recheck = match manager.get_database_backend() {
            DbBackend::Postgres => recheck_postgres(check),
            _ => rebuild_sqlite(check),
        };
        connection.execute_unprepared(&recheck).await?;
        Ok(())
    }
}

// Rows of before, and of processes that do not know the columns yet, say nothing.
const UP: &str = r"
ALTER TABLE users ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN updated_by TEXT NOT NULL DEFAULT '';
CREATE TABLE audit (
    id UUID NOT NULL PRIMARY KEY,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX audit_target_idx ON audit (target, id);
";

// What was before knows three plans; whoever is on another has the smallest.
const DOWN: &str = r"
DROP TABLE audit;
ALTER TABLE users DROP COLUMN created_by;
ALTER TABLE users DROP COLUMN updated_by;
UPDATE users SET tier = 'free' WHERE tier NOT IN ('free', 'basic', 'pro');
";

fn recheck_postgres(check: &str) -> String {
    format!(
        "ALTER TABLE users DROP CONSTRAINT users_tier_check, \
         ADD CONSTRAINT users_tier_check CHECK ({check});"
    )
}

// SQLite changes no CHECK, so the table is made anew. Dropping the old one empties it first, which
// takes along whatever refers to it, and keys cannot be switched off inside a transaction: so what
// refers to it is copied first, table by table.
fn rebuild_sqlite(check: &str) -> String {
    format!("{USERS}, CHECK ({check}));{COPY}")
}

const USERS: &str = r"
CREATE TABLE users_next (
    id uuid_text NOT NULL PRIMARY KEY,
    email text NOT NULL,
    display_name text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL,
    tier text NOT NULL,
    created_at integer NOT NULL,
    updated_at integer NOT NULL,
    CHECK (role IN ('user', 'admin'))";

const COPY: &str = r"
INSERT INTO users_next (id, email, display_name, password_hash, role, tier, created_at, updated_at)
SELECT id, email, display_name, password_hash, role, tier, created_at, updated_at FROM users;

CREATE TABLE sessions_next (
    id uuid_text NOT NULL PRIMARY KEY,
    user_id uuid_text NOT NULL,
    created_at integer NOT NULL,
    expires_at integer NOT NULL,
    ended_at integer,
    end_reason text,
    CHECK (end_reason IN ('token_reused', 'signed_out', 'revoked')),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users_next (id) ON DELETE CASCADE
);
INSERT INTO sessions_next (id, user_id, created_at, expires_at, ended_at, end_reason)
SELECT id, user_id, created_at, expires_at, ended_at, end_reason FROM sessions;

CREATE TABLE refresh_tokens_next (
    digest blob NOT NULL PRIMARY KEY,
    session_id uuid_text NOT NULL,
    parent_digest blob,
    seed blob,
    issued_at integer NOT NULL,
    expires_at integer NOT NULL,
    used_at integer,
    CHECK (length(digest) = 32),
    CHECK ((parent_digest IS NULL) = (seed IS NULL)),
    CONSTRAINT refresh_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions_next (id) ON DELETE CASCADE
);
INSERT INTO refresh_tokens_next (digest, session_id, parent_digest, seed, issued_at, expires_at, used_at)
SELECT digest, session_id, parent_digest, seed, issued_at, expires_at, used_at FROM refresh_tokens;

DROP TABLE refresh_tokens;
DROP TABLE sessions;
DROP TABLE users;
ALTER TABLE users_next RENAME TO users;
ALTER TABLE sessions_next RENAME TO sessions;
ALTER TABLE refresh_tokens_next RENAME TO refresh_tokens;
CREATE UNIQUE INDEX users_email_key ON users (email);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
CREATE INDEX refresh_tokens_session_id_idx ON refresh_tokens (session_id);
CREATE UNIQUE INDEX refresh_tokens_one_active_key ON refresh_tokens (session_id) WHERE used_at IS NULL;
";
