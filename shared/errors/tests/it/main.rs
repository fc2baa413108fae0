//! The catalogue of reasons: complete in every language, and written down as it is.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod catalogue;
mod page;
