//! The front room: the wire's words for what the domain does.

mod convert;
mod error;
mod file_service;
mod headers;
mod incoming;

pub use file_service::FileRpc;

/// The largest message taken: a piece of an upload. Clients send 64 KiB to 1 MiB at a time.
pub const MESSAGE_LIMIT: usize = 4 * 1024 * 1024;
