//! The generation service: takes orders, does them through providers, keeps what came of them.

pub mod domain;
pub mod providers;
pub mod store;
