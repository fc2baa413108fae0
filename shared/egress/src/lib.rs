//! Requests to addresses that somebody else named: a user's webhook, a provider's picture.
//!
//! - [`Target`]: a URL whose form, port and literal address were checked
//! - [`Client`]: dials only addresses it has checked itself, follows nobody, reads within bounds
//! - [`Policy`]: which private places the operator allows all the same

mod address;
mod client;
mod policy;
mod resolver;
mod target;

pub use address::is_public;
pub use client::{Client, ClientError, Failure, Limits, Reply};
pub use policy::{InvalidRule, Policy};
pub use resolver::{Names, SystemNames};
pub use target::{Refusal, Target};
