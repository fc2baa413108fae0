//! The usage service: keeps count of what each plan allows, what is used and what is spoken for.
//!
//! A call comes in at [`rpc`], which reads and answers; [`domain`] decides; [`store`] keeps the
//! books in SQL. [`app`] puts the rooms together, `sweeper` gives forgotten units back.

pub mod domain;
mod rpc;
pub mod store;

pub use store::Migrator;
