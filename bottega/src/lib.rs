//! Composition: the four services and the gateway, in one process or in five.
//!
//! - [`cli`]: commands and flags
//! - [`commands`]: what each command does
//! - [`settings`]: the configuration of all five
//! - [`suite`]: binds, builds and runs them
//! - `data_dir`, `secret`, `lock`, `screen`, `signals`: what a start needs besides

pub mod cli;
pub mod commands;
mod data_dir;
mod failure;
mod lock;
mod screen;
mod secret;
pub mod settings;
mod signals;
pub mod suite;

pub use failure::Failure;
