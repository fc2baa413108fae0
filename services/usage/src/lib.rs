//! The usage service: keeps count of what each plan allows, what is used and what is spoken for.
//!
//! A call comes in at `rpc`, which reads and answers; [`domain`] decides; [`store`] keeps the
//! books in SQL. `app` puts the rooms together, `sweeper` gives forgotten units
//! back, `caretaker` looks after the books.

mod app;
mod caretaker;
mod config;
pub mod domain;
mod peers;
mod rpc;
pub mod store;
mod sweeper;

pub use crate::app::{App, StartError, change_time_zone, reconcile};
pub use crate::caretaker::CareSettings;
pub use crate::config::Config;
pub use crate::peers::WebhookReceiver;
pub use crate::store::Migrator;
