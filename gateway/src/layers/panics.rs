//! Catches panics: one request answers 500, the process lives.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use errors::Fault;
use futures::FutureExt;

use super::request_id;
use crate::failure::Failure;

/// Answers a panic like any fault of ours.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            let fault = Fault::internal(format!("panic: {}", words_of(panic.as_ref())));
            Failure::from(fault).respond(&request_id::current())
        }
    }
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no words")
}
