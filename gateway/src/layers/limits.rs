//! Refuses at once what announces a body larger than any route takes.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::request_id;
use crate::body::{RequestBody, check_announced};
use crate::wire::Wire;

/// `limit` is that of the most generous route; each route has its own besides.
pub(super) async fn layer(State(limit): State<u64>, request: Request, next: Next) -> Response {
    match check_announced(request.headers(), limit) {
        Ok(()) => next.run(request).await,
        Err(failure) => {
            let (parts, body) = request.into_parts();
            drop(RequestBody::of(body, &parts.headers));
            let wire = Wire::of(&parts.method, &parts.uri, &parts.headers);
            wire.refuse(failure, &request_id::current())
        }
    }
}
