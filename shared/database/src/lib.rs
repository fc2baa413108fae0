//! The one way to a database: guarded pools for SQLite and PostgreSQL, transactions that survive
//! a cancelled caller, migrations, and the place where driver errors end.

mod connect;
mod error;
mod line;
mod migrate;
mod news;
pub mod row_set;
mod session;
mod settings;
pub mod teller;
mod transaction;

pub use connect::{Backend, Database};
pub use error::DatabaseError;
pub use line::Line;
pub use migrate::OpenError;
pub use news::Listener;
pub use settings::Settings;
pub use transaction::{Locks, Transaction};
