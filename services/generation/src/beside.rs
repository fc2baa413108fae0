//! What operators do beside the running service, on its database.

use std::sync::Arc;

use database::{Database, OpenError};
use types::SystemClock;

use crate::Config;
use crate::domain::unknown::Inquiry;
use crate::store::{Migrator, Store};

/// The attempts nobody knows the outcome of, and the database they are in. What is resolved here is told to the usage
/// service by a running generation service, within moments.
///
/// # Errors
/// There is no database, or it does not open, or is not up to date.
pub async fn inquiry(config: &Config) -> Result<(Inquiry, Database), OpenError> {
    let database = Database::open_existing::<Migrator>(&config.database).await?;
    let clock = Arc::new(SystemClock);
    let inquiry = Inquiry {
        unknowns: Arc::new(Store::new(database.clone(), clock.clone())),
        signals: Arc::default(),
        clock,
    };
    Ok((inquiry, database))
}
