//! The quiet room: what plans, budgets and prices say, which window a moment falls in, what becomes
//! of a reservation and what that writes into the ledger. Knows no wire, no database.

pub mod alert;
pub mod alerts;
pub mod audit;
pub mod budget;
pub mod charge;
pub mod clerk;
pub mod counter;
pub mod entry;
pub mod error;
mod fingerprint;
pub mod forecast;
pub mod meter;
pub mod plan;
pub mod ports;
pub mod price;
pub mod reconcile;
pub mod records;
pub mod reports;
pub mod reservation;
pub mod retention;
pub mod rulebook;
pub mod rules;
pub mod scope;
pub mod spending;
pub mod sweeping;
pub mod usage;
pub mod window;
