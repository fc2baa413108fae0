//! What reasons say to people, in their language, and what developers are told of them.

mod language;
mod pattern;
mod reasons;
mod sentences;

pub use language::Language;
pub use pattern::{facts_in, is_whole_without_facts};
pub use reasons::{AboutReason, reasons};
pub use sentences::{pattern_of, sentence};
