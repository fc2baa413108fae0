//! News between processes on one database, told by PostgreSQL; on SQLite there is one process, and
//! nobody to tell.

use sea_orm::{ConnectionTrait, Statement};
use sqlx::postgres::PgListener;

use crate::{Backend, Database, DatabaseError};

/// Hears what is told on a channel. It holds one connection of the pool.
pub struct Listener(PgListener);

impl Database {
    /// Tells everybody who listens on a channel, this process included; at most 7,999 bytes. News are
    /// not kept: whoever does not listen just now never hears it.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn tell(&self, channel: &str, text: &str) -> Result<(), DatabaseError> {
        if self.backend() == Backend::Sqlite {
            return Ok(());
        }
        let db = self.write();
        let values = [channel.into(), text.into()];
        let sql = "SELECT pg_notify($1, $2)";
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        db.execute_raw(statement).await?;
        Ok(())
    }

    /// Listens on a channel; none where nobody tells, or where the pool has no connection to spare.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn listen(&self, channel: &str) -> Result<Option<Listener>, DatabaseError> {
        if self.backend() == Backend::Sqlite {
            return Ok(None);
        }
        let pool = self.write().get_postgres_connection_pool();
        if pool.options().get_max_connections() < 2 {
            return Ok(None);
        }
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(channel).await?;
        Ok(Some(Listener(listener)))
    }
}

impl Listener {
    /// Waits for what is told next; none when the connection broke, and with it what was told until it
    /// stood again.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn next(&mut self) -> Result<Option<String>, DatabaseError> {
        let told = self.0.try_recv().await?;
        Ok(told.map(|told| told.payload().to_owned()))
    }
}
