//! Catches panics: one request answers 500, the process lives.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use errors::Fault;
use futures::FutureExt;

use super::request_id;
use crate::wire::Wire;

/// Answers a panic like any fault of ours.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    let wire = Wire::of(request.method(), request.uri(), request.headers());
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            let fault = Fault::internal(format!("panic: {}", words_of(panic.as_ref())));
            wire.refuse(fault.into(), &request_id::current())
        }
    }
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no words")
}
