//! Where a service's data is and how many connections it may hold.

use std::path::Path;
use std::time::Duration;

use config::Reader;
use secrecy::{ExposeSecret, SecretString};

/// How to reach one service's database.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `sqlite:<path>` or `postgres://…`; secret, for it may hold a password.
    pub url: SecretString,
    /// The service: its schema on PostgreSQL.
    pub service: String,
    /// Connections held at most; SQLite always has one writer and this many readers.
    pub max_connections: u32,
    /// How long a call waits for a connection before it is refused.
    pub acquire_timeout: Duration,
    /// How long one statement may run (PostgreSQL).
    pub statement_timeout: Duration,
}

impl Settings {
    /// A SQLite file with the default limits.
    #[must_use]
    pub fn sqlite(path: &Path, service: &str) -> Self {
        Self::of(&format!("sqlite:{}", path.display()), service)
    }

    /// A database URL with the default limits.
    #[must_use]
    pub fn of(url: &str, service: &str) -> Self {
        Self {
            url: SecretString::from(url.to_owned()),
            service: service.to_owned(),
            max_connections: 10,
            acquire_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(10),
        }
    }

    /// Reads `BOTTEGA_<SERVICE>_DATABASE_URL`, else `BOTTEGA_DATABASE_URL`, else takes
    /// `<data-dir>/<service>.db`; and `BOTTEGA_DATABASE_MAX_CONNECTIONS`,
    /// `BOTTEGA_DATABASE_ACQUIRE_TIMEOUT`, `BOTTEGA_DATABASE_STATEMENT_TIMEOUT`.
    pub fn read(reader: &mut Reader<'_>, service: &str, data_dir: &Path) -> Self {
        let own_name = format!("BOTTEGA_{}_DATABASE_URL", service.to_uppercase());
        let shared = reader.secret("BOTTEGA_DATABASE_URL");
        let own = reader.secret(&own_name);
        let name = if own.is_some() {
            own_name.as_str()
        } else {
            "BOTTEGA_DATABASE_URL"
        };
        let file = format!(
            "sqlite:{}",
            data_dir.join(format!("{service}.db")).display()
        );
        let url = own.or(shared).unwrap_or_else(|| SecretString::from(file));
        let known = ["sqlite:", "postgres://", "postgresql://"];
        if !known
            .iter()
            .any(|scheme| url.expose_secret().starts_with(scheme))
        {
            reader.fault(
                name,
                "must begin with sqlite:, postgres:// or postgresql://",
            );
        }
        let connections = reader.number("BOTTEGA_DATABASE_MAX_CONNECTIONS", 10, 1, 1_000);
        Self {
            url,
            service: service.to_owned(),
            max_connections: u32::try_from(connections).unwrap_or(10),
            acquire_timeout: reader.duration("BOTTEGA_DATABASE_ACQUIRE_TIMEOUT", "2s"),
            statement_timeout: reader.duration("BOTTEGA_DATABASE_STATEMENT_TIMEOUT", "10s"),
        }
    }
}
