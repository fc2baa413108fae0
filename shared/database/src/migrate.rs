//! Runs a service's migrations, once, however many processes start together.

use std::path::Path;

use sea_orm::{ConnectionTrait, DatabaseConnection};
use sea_orm_migration::MigratorTrait;
use secrecy::ExposeSecret;

use crate::{Backend, Database, DatabaseError, Settings};

/// Why a service cannot use its database.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It does not answer, or refuses the schema.
    #[error("the database of {service} cannot be used")]
    Refused {
        /// Whose database.
        service: String,
        /// Why.
        source: DatabaseError,
    },
    /// There is none, where it would be.
    #[error("there is no database at {0}")]
    Absent(String),
    /// Its schema is old, and `BOTTEGA_MIGRATE` is off.
    #[error("the database of {service} is not up to date, run `bottega migrate` first: {}", .pending.join(", "))]
    Pending {
        /// Whose database.
        service: String,
        /// The migrations that are missing.
        pending: Vec<String>,
    },
}

impl Database {
    /// Opens a service's database for use: brings it up to date when it may, else makes sure that
    /// it is.
    ///
    /// # Errors
    /// It does not answer, refuses the schema, or is not up to date.
    pub async fn open<M: MigratorTrait>(
        settings: &Settings,
        migrate: bool,
    ) -> Result<Self, OpenError> {
        let service = settings.service.clone();
        match open::<M>(settings, migrate).await {
            Ok((database, pending)) if pending.is_empty() => Ok(database),
            Ok((_, pending)) => Err(OpenError::Pending { service, pending }),
            Err(source) => Err(OpenError::Refused { service, source }),
        }
    }

    /// Opens a service's database that is there already, for what is done beside the service: makes none, and
    /// changes none.
    ///
    /// # Errors
    /// There is none; it does not answer, or is not up to date.
    pub async fn open_existing<M: MigratorTrait>(settings: &Settings) -> Result<Self, OpenError> {
        // Opening a SQLite database would make it.
        let url = settings.url.expose_secret();
        if let Some(file) = url.strip_prefix("sqlite:") {
            let file = file.split('?').next().unwrap_or(file);
            let file = file.strip_prefix("//").unwrap_or(file);
            if !Path::new(file).is_file() {
                return Err(OpenError::Absent(file.to_owned()));
            }
        }
        Self::open::<M>(settings, false).await
    }

    /// Applies every migration that is missing.
    ///
    /// # Errors
    /// The database does not answer, or refuses a statement.
    pub async fn migrate<M: MigratorTrait>(&self) -> Result<(), DatabaseError> {
        let lock = self.lock_schema().await?;
        let outcome = M::up(self.write(), None).await;
        unlock(lock).await?;
        Ok(outcome?)
    }

    /// Reverts every migration; for tests and for starting over.
    ///
    /// # Errors
    /// The database does not answer, or refuses a statement.
    pub async fn revert<M: MigratorTrait>(&self) -> Result<(), DatabaseError> {
        let lock = self.lock_schema().await?;
        let outcome = M::down(self.write(), None).await;
        unlock(lock).await?;
        Ok(outcome?)
    }

    /// The names of the migrations that are not applied yet.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn pending<M: MigratorTrait>(&self) -> Result<Vec<String>, DatabaseError> {
        let pending = M::get_pending_migrations_read_only(self.read()).await?;
        Ok(pending
            .iter()
            .map(|migration| migration.name().to_owned())
            .collect())
    }

    // A transaction-level advisory lock on a connection of its own: whoever comes second waits,
    // and a process that dies lets go. SQLite needs none: it has one process.
    async fn lock_schema(&self) -> Result<Option<crate::Transaction>, DatabaseError> {
        if self.backend() == Backend::Sqlite {
            return Ok(None);
        }
        let lock = self.begin().await?;
        let service = self.service();
        // Waiting for another process' migration is no reason to fail.
        lock.execute_unprepared("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0").await?;
        lock.execute_unprepared(&format!(
            "SELECT pg_advisory_xact_lock(hashtext('bottega-{service}'))"
        ))
        .await?;
        let writer: &DatabaseConnection = self.write();
        writer
            .execute_unprepared(&format!("CREATE SCHEMA IF NOT EXISTS {service}"))
            .await?;
        Ok(Some(lock))
    }
}

async fn open<M: MigratorTrait>(
    settings: &Settings,
    migrate: bool,
) -> Result<(Database, Vec<String>), DatabaseError> {
    let database = Database::connect(settings).await?;
    if migrate {
        database.migrate::<M>().await?;
        return Ok((database, Vec::new()));
    }
    let pending = database.pending::<M>().await?;
    Ok((database, pending))
}

async fn unlock(lock: Option<crate::Transaction>) -> Result<(), DatabaseError> {
    match lock {
        Some(lock) => lock.rollback().await,
        None => Ok(()),
    }
}
