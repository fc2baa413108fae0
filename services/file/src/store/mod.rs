//! The back room: rows of files and uploads, in SQLite or PostgreSQL.

pub mod entity;
mod error;
mod files;
mod ledger;
mod migration;
mod uploads;

pub use files::Files;
pub use migration::Migrator;
pub use uploads::UploadRows;
