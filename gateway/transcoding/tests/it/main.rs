//! The engine against real descriptors: the shared case tables, each rule by itself, and noise.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says so by panicking"
)]

mod binding;
mod hostile;
mod http_body;
mod json_mapping;
mod json_print;
mod json_read;
mod openapi;
mod path_templates;
mod queries;
mod routing;
mod support;
