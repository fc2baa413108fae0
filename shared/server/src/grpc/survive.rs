//! Turns a panic in a layer into the call's `INTERNAL`.

use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use errors::Fault;
use futures::FutureExt;

use super::reply::refuse;
use crate::http::panic_message;

pub(super) async fn layer(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => refuse(Fault::internal(format!(
            "panic: {}",
            panic_message(&*panic)
        ))),
    }
}
