//! Refuses at once what there is no room for: a queue would only make everybody late.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use errors::{Fault, Reason};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Shared;
use super::reply::{call_of, no_context, refuse};
use super::rules::{Access, Rule};
use crate::transport::Held;

const COME_BACK: Duration = Duration::from_secs(1);

/// A call's place. It is given back when the answer is written and the handler is done, whichever
/// is later: a handler whose client left is still work.
#[derive(Clone)]
pub(super) struct Place(
    #[expect(dead_code, reason = "held, never read")] Option<Arc<OwnedSemaphorePermit>>,
);

pub(super) async fn layer(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some((rule, _)) = call_of(&request) else {
        return no_context();
    };
    let Some(place) = take(&shared, &rule) else {
        metrics::counter!("grpc_server_shed_total", "rpc" => rule.rpc.clone()).increment(1);
        let sentence = "the server is full; nothing was done, try again";
        return refuse(Fault::new(Reason::Overloaded, sentence).retry_in(COME_BACK));
    };
    request.extensions_mut().insert(place.clone());
    let response = next.run(request).await;
    response.map(|body| Held::wrap(body, place))
}

fn take(shared: &Shared, rule: &Rule) -> Option<Place> {
    let places = match rule.access {
        _ if rule.endless => &shared.watches,
        // Whoever asks whether we are well must hear it when we are full, too.
        Access::Probe => return Some(Place(None)),
        _ => &shared.calls,
    };
    // Work that was begun is ended through calls of services: they find room when users do not.
    let kept = match rule.access {
        Access::Service => 0,
        _ => shared.settings.max_concurrent / 8,
    };
    if Arc::ptr_eq(places, &shared.calls) && places.available_permits() <= kept {
        return None;
    }
    let permit = Semaphore::try_acquire_owned(Arc::clone(places)).ok()?;
    Some(Place(Some(Arc::new(permit))))
}
