//! Innermost: runs the handler in a task of its own. A handler that is dropped in the middle of
//! its work can leave a transaction open in the pool, so no client may cause that.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use errors::Fault;
use telemetry::context;
use tracing::Instrument;

use super::Shared;
use super::reply::{call_of, no_context, refuse};
use super::shed::Place;
use crate::http::panic_message;

pub(super) async fn layer(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let Some((_, context)) = call_of(&request) else {
        return no_context();
    };
    let place = request.extensions().get::<Place>().cloned();
    let work = async move {
        let response = next.run(request).await;
        drop(place);
        response
    };
    let task = shared
        .handlers
        .spawn(context::scope(context, work).in_current_span());
    match task.await {
        Ok(response) => response,
        Err(failure) => refuse(Fault::internal(reason(failure))),
    }
}

fn reason(failure: tokio::task::JoinError) -> String {
    match failure.try_into_panic() {
        Ok(panic) => format!("panic in a handler: {}", panic_message(&*panic)),
        Err(failure) => failure.to_string(),
    }
}
